"""The re-ranking service on a GPU: all queries of a batch in one kernel launch each.

Needs the optional extra ``gpu``; nothing here is imported where torch is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.services._index import Floats


class Torch:
    """Rows lie on ``device`` one after the other, each beside its query's number."""

    def __init__(self, torch: Any, device: str) -> None:
        self._torch = torch
        self.name = f"torch {torch.__version__}"
        self.device = device
        # One small product now, so that no request waits for the device to wake up.
        one = np.ones((1, 1), dtype=np.float32)
        self.cosines([one[0]], [one])

    def hold(self, matrix: Floats) -> Any:
        """A copy in the device's memory."""
        return self._there(matrix)

    def take(self, held: Any, slots: NDArray[np.int64]) -> Any:
        """Gathered on the device; only the slots travel."""
        return held[self._there(slots)]

    def cosines(self, queries: Sequence[Floats], rows: Sequence[Any]) -> list[Floats]:
        """As Backend says; rows may lie here or there already."""
        torch = self._torch
        counts = [len(each) for each in rows]
        numbers = np.repeat(np.arange(len(queries)), counts)
        mine = self._there(np.stack(queries))[self._there(numbers)]
        theirs = torch.cat([self._there(each) for each in rows])
        products = (mine * theirs).sum(1)
        lengths = ((mine * mine).sum(1).sqrt()) * ((theirs * theirs).sum(1).sqrt())
        nothing = torch.zeros_like(products)
        found = torch.where(lengths > 0, products / lengths, nothing).cpu().numpy()
        return np.split(found, np.cumsum(counts)[:-1])

    def _there(self, values: Any) -> Any:
        if isinstance(values, np.ndarray):
            # A copy: torch warns of arrays that must not be written, such as a body.
            values = self._torch.from_numpy(values.copy())
        return values.to(self.device)

"""Where the re-ranking service computes: on the CPU, or on a GPU where there is one."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.services._index import Floats

DEVICES = ("auto", "cpu", "cuda")


class Backend(Protocol):
    """Cosines of many queries at once. ``device`` is ``cpu`` or ``cuda``."""

    name: str
    device: str

    def hold(self, matrix: Floats) -> Any:
        """Keep ``matrix``, (n, dims), where ``take`` finds its rows."""

    def take(self, held: Any, slots: NDArray[np.int64]) -> Any:
        """Rows of what ``hold`` returned, as ``cosines`` takes them."""

    def cosines(self, queries: Sequence[Floats], rows: Sequence[Any]) -> list[Floats]:
        """Of each query, (dims,), with its own rows, (k, dims); 0 where one has no
        length. All have the same dims."""


class Numpy:
    """The CPU, by the matrix product of numpy's BLAS, one query after the other.

    Queries of a batch share no rows, so there is no larger product to make of them.
    """

    device = "cpu"

    def __init__(self) -> None:
        self.name = f"numpy {np.__version__}"

    def hold(self, matrix: Floats) -> Floats:
        """As it is."""
        return matrix

    def take(self, held: Floats, slots: NDArray[np.int64]) -> Floats:
        """A copy of the rows."""
        return held[slots]

    def cosines(
        self, queries: Sequence[Floats], rows: Sequence[Floats]
    ) -> list[Floats]:
        """As Backend says."""
        return [_cosines(*pair) for pair in zip(queries, rows, strict=True)]


def _cosines(query: Floats, rows: Floats) -> Floats:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows)) * np.sqrt(query @ query)
    zeros = np.zeros_like(lengths)
    found: Floats = np.divide(rows @ query, lengths, out=zeros, where=lengths > 0)
    return found


@cache
def gpu() -> tuple[Backend | None, str]:
    """The GPU's backend or None, and in one line which it is or why there is none.

    Asked once a process: importing torch takes seconds.
    """
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        return None, "no GPU: torch is not installed"
    if not torch.cuda.is_available():
        return None, f"no GPU: torch {torch.__version__} finds no CUDA device"
    from bench.services._rerank_torch import Torch

    return Torch(torch, "cuda"), f"GPU: {torch.cuda.get_device_name()}"


def choose(device: str) -> Backend | None:
    """The backend of a device of ``DEVICES``: for ``auto`` the GPU's where there is
    one. None for ``cuda`` where there is not."""
    if device == "cpu":
        return Numpy()
    found, _ = gpu()
    return found or (Numpy() if device == "auto" else None)

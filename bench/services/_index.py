"""A vector index: HNSW over scalar-quantised vectors, as approximate as a real one.

Vectors are kept twice: as given, for values and exact scores, and normalised and
quantised to 8 bits in faiss, for the search. A replaced or deleted vector stays in
faiss as a tombstone until the next rebuild.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

M = 32  # links per node
EF_CONSTRUCTION = 80
EF_SEARCH = 128
OVERSAMPLE = 4  # candidates per result that an exact search scores
SMALL = 1000  # fewer candidates are answered by a scan of the codes
GROWTH = 1.5  # rebuild when this many times as large as when the codes were trained
MAX_REMEMBERED = 100  # filters whose result is kept
TOMBSTONES = 0.25  # rebuild when this share of the graph is dead


@dataclass(slots=True)
class Item:
    """A vector as it was given."""

    id: str
    values: Floats
    namespace: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


class Index:
    """Vectors of ``dimensions`` float32 numbers by id; scores are cosines."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._items: list[Item | None] = []  # by slot; None is a tombstone
        self._slots: dict[str, int] = {}
        self._faiss: Any = None
        self._trained = 0
        self._allowed: dict[str, NDArray[np.int64]] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._slots

    def get(self, id_: str) -> Item | None:
        """The vector with this id."""
        slot = self._slots.get(id_)
        return None if slot is None else self._items[slot]

    def items(self) -> list[Item]:
        """All vectors, oldest first."""
        return [item for item in self._items if item is not None]

    def put(self, item: Item) -> None:
        """Add or replace; the same values again cost the graph nothing."""
        self._allowed.clear()
        slot = self._slots.get(item.id)
        if slot is not None:
            old = self._items[slot]
            if old is not None and np.array_equal(old.values, item.values):
                self._items[slot] = item
                return
            self._items[slot] = None
        self._slots[item.id] = len(self._items)
        self._items.append(item)

    def remove(self, id_: str) -> None:
        """Delete; nothing happens when there is no such vector."""
        slot = self._slots.pop(id_, None)
        if slot is not None:
            self._items[slot] = None
            self._allowed.clear()

    def search(
        self,
        query: Floats,
        limit: int,
        *,
        exact: bool,
        passes: Callable[[Item], bool],
        filter_key: str,
    ) -> list[tuple[Item, np.float32]]:
        """At most ``limit`` vectors that pass, best first, with their cosines.

        Candidates always come from the approximate index; ``exact`` takes more of
        them and scores them with the vectors as given. ``filter_key`` names
        ``passes``: what passed is remembered under it until a vector changes.
        """
        self.build()
        allowed = self._passing(passes, filter_key)
        if not len(allowed):
            return []
        unit = _unit(query[None, :])
        wanted = min(len(allowed), limit * OVERSAMPLE if exact else limit)
        scores, slots = self._approximate(unit, wanted, allowed)
        if exact:
            stacked = np.stack([self._at(slot).values for slot in slots])
            scores = (_unit(stacked) @ unit[0]).astype(np.float32)
        scores = np.clip(scores, -1, 1)  # quantised vectors are not quite unit length
        found = [(self._at(s), score) for s, score in zip(slots, scores, strict=True)]
        found.sort(key=lambda one: (-one[1], one[0].id))
        return found[:limit]

    def _passing(
        self, passes: Callable[[Item], bool], filter_key: str
    ) -> NDArray[np.int64]:
        known = self._allowed.get(filter_key)
        if known is not None:
            return known
        slots = [s for s, item in enumerate(self._items) if item and passes(item)]
        if len(self._allowed) >= MAX_REMEMBERED:
            self._allowed.clear()
        self._allowed[filter_key] = np.array(slots, dtype=np.int64)
        return self._allowed[filter_key]

    def build(self) -> None:
        """Bring the graph up to date, from scratch when it has aged."""
        total = len(self._items)
        if not self._slots:
            return
        dead = total - len(self._slots)
        built = 0 if self._faiss is None else int(self._faiss.ntotal)
        if built == total and dead <= total * TOMBSTONES:
            return
        if built == 0 or total > self._trained * GROWTH or dead > total * TOMBSTONES:
            self._rebuild()
        else:
            self._faiss.add(_unit(self._matrix(built)))

    def _rebuild(self) -> None:
        faiss = _faiss()
        self._items = list(self.items())
        self._slots = {item.id: s for s, item in enumerate(self._items) if item}
        self._allowed.clear()
        vectors = _unit(self._matrix(0))
        self._faiss = faiss.IndexHNSWSQ(
            self.dimensions,
            faiss.ScalarQuantizer.QT_8bit,
            M,
            faiss.METRIC_INNER_PRODUCT,
        )
        self._faiss.hnsw.efConstruction = EF_CONSTRUCTION
        self._faiss.train(vectors)
        self._faiss.add(vectors)
        self._trained = len(self._items)

    def _matrix(self, first: int) -> Floats:
        """Values from slot ``first`` on; a tombstone is a row of zeros."""
        zero = np.zeros(self.dimensions, dtype=np.float32)
        rows = [zero if item is None else item.values for item in self._items[first:]]
        return np.stack(rows)

    def _approximate(
        self, unit: Floats, wanted: int, allowed: NDArray[np.int64]
    ) -> tuple[Floats, list[int]]:
        faiss = _faiss()
        chosen = faiss.IDSelectorBatch(allowed)
        share = len(allowed) / self._faiss.ntotal
        if len(allowed) >= max(SMALL, self._faiss.ntotal // 10):
            # The graph is walked through rejected nodes too: look at more of them.
            ef = int(max(EF_SEARCH, 2 * wanted) / share)
            walk = faiss.SearchParametersHNSW(sel=chosen, efSearch=ef)
            scores, slots = self._faiss.search(unit, wanted, params=walk)
            if slots[0].min() >= 0:
                return scores[0], slots[0].tolist()
        # Few pass, or the walk lost its way among nodes that do not: scan the codes.
        codes = faiss.downcast_index(self._faiss.storage)
        scan = faiss.SearchParameters(sel=chosen)
        scores, slots = codes.search(unit, wanted, params=scan)
        return scores[0], slots[0].tolist()

    def _at(self, slot: int) -> Item:
        item = self._items[slot]
        if item is None:
            raise LookupError(f"slot {slot} was found although it is dead")
        return item


def _unit(vectors: Floats) -> Floats:
    """Rows of length one; a row of zeros stays one."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(
        np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    )


@cache
def _faiss() -> Any:
    """faiss, imported when first searched: it takes half a second, and has no types
    that fit."""
    faiss = importlib.import_module("faiss")
    faiss.omp_set_num_threads(1)
    return faiss

"""A binary heap of times inside a larger array: the earliest one is always first.

A heap occupies ``size`` places of a flat array from ``base`` on, so that many of them
share one array and none is ever allocated.
"""

from __future__ import annotations

from bench.simulation._compiled import compiled
from bench.simulation.histogram import Array


@compiled
def replace_first(heap: Array, base: int, size: int, value: float) -> None:
    """Take the earliest out of ``size`` >= 1 times and put ``value`` in."""
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= size:
            break
        if child + 1 < size:
            # Added and not asked for: no processor guesses better than half of these.
            child += int(heap[base + child + 1] < heap[base + child])
        if heap[base + child] >= value:
            break
        heap[base + hole] = heap[base + child]
        hole = child
    heap[base + hole] = value


@compiled
def append(heap: Array, base: int, size: int, value: float) -> None:
    """Put ``value`` to the ``size`` times that are there."""
    hole = size
    while hole > 0:
        parent = (hole - 1) >> 1
        if heap[base + parent] <= value:
            break
        heap[base + hole] = heap[base + parent]
        hole = parent
    heap[base + hole] = value


@compiled
def drop_until(heap: Array, base: int, size: int, now: float) -> int:
    """Take out all times up to ``now``; how many are left."""
    while size > 0 and heap[base] <= now:
        size -= 1
        if size:
            replace_first(heap, base, size, heap[base + size])
    return size

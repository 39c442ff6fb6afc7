"""The queue of `bench.simulation.queueing`, as machine code."""

from __future__ import annotations

import numpy as np

from bench.simulation._compiled import compiled
from bench.simulation._heap import replace_first
from bench.simulation.histogram import Array


@compiled
def served(at_s: Array, service_s: Array, servers: int) -> Array:
    """Waits in s; the heap holds when each server is free."""
    free = np.full(servers, -np.inf)
    waited = np.empty(at_s.size)
    for request in range(at_s.size):
        begins = max(at_s[request], free[0])
        waited[request] = begins - at_s[request]
        replace_first(free, 0, servers, begins + service_s[request])
    return waited

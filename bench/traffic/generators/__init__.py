"""Arrivals that are drawn, one public module a process, found by listing.

A module defines

    NOTE              one line: what the process is like
    fit(trace)        {name: number or list of numbers}: what makes it like a trace
    at(rate, duration_s, rng, **fitted)
                      sorted arrivals in s from 0 to before ``duration_s``, ``rate`` a
                      second on average, drawn with the numpy Generator ``rng``

    gamma = load()["gamma"]
    at_s = gamma.at(50.0, 3600.0, np.random.default_rng(1), **gamma.fit(trace))
"""

from __future__ import annotations

from types import ModuleType

from bench import registry


def load() -> dict[str, ModuleType]:
    """The generators by name. Raises BenchError for a file that is none."""
    return registry.load("bench.traffic.generators", ("NOTE", "fit", "at"))

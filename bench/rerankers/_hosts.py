"""Where a re-ranker runs: one module for each runtime, both with the same functions.

start(name, module, cases, *, seed)  a subject of which a turn is n rankings
judge(name, module, cases)           case -> '' or what is wrong with its ranking
"""

from __future__ import annotations

from types import ModuleType

from bench import registry
from bench.rerankers import HOSTS, PACKAGE


def host(module: ModuleType) -> ModuleType:
    """The host of a re-ranker. Raises BenchError for an unknown runtime."""
    return registry.host(PACKAGE, module, HOSTS)

"""Where a re-ranker runs: one module for each runtime, both with the same functions.

start(name, module, cases, *, seed)  a subject of which a turn is n rankings
judge(name, module, cases)           case -> '' or what is wrong with its ranking
"""

from __future__ import annotations

import importlib
from types import ModuleType

from bench.errors import BenchError
from bench.rerankers import HOSTS


def host(module: ModuleType) -> ModuleType:
    """The host of a re-ranker. Raises BenchError for an unknown runtime."""
    if module.RUNTIME not in HOSTS:
        raise BenchError(
            f"{module.__file__}: RUNTIME is {module.RUNTIME!r}, "
            f"not one of {', '.join(HOSTS)}"
        )
    return importlib.import_module(f"bench.rerankers._{module.RUNTIME}")

"""Where a parser runs: one module for each runtime, all with the same functions.

start(name, module, cases, *, seed)       a subject whose cases answer in a loop
judge(name, module, cases)                case -> '' or what is wrong with its answer
outcomes(name, module, texts)             text -> Outcome of the question ``full``
peak_bytes(name, module, case, *, seed)   memory that one answer takes, or None
"""

from __future__ import annotations

from types import ModuleType

from bench import registry
from bench.parsers import HOSTS, PACKAGE


def host(module: ModuleType) -> ModuleType:
    """The host of a parser module. Raises BenchError for an unknown runtime."""
    return registry.host(PACKAGE, module, HOSTS)

"""A parser in a process of its own: measured, judged, tried, weighed.

Each function is the set-up of a `bench.measure.child`, and its parameters say which
parser (``name`` and ``file``) and which ``cases``: [mode, kind, file of the body] by
name, of ``trying`` only the file. Nothing is imported but this one parser, from its
file, so that it may lie anywhere.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.parsers import PACKAGE, Question

MEMORY_BYTES = 2**30
"""Address space of a process that parses what may be hostile."""
READY = "ready"
_kept: list[bytes] = []
"""Name of the case of ``weighing`` that comes first."""
_OTHER = Question("full", "other")
_BROKEN = b"["

Parameters = Mapping[str, Any]
Case = Callable[[int], Any]


def setup(parameters: Parameters) -> dict[str, Case]:
    """Cases that answer n times; each gives the CPU of the whole process in ns.

    The cyclic collector is off, as in timeit, pyperf's and orjson's own benchmarks:
    no answer has cycles, and what the collector does depends on everything else that
    a process holds.
    """
    gc.disable()
    _kept.extend(_aged())
    return {case: _loop(*_asked(parameters, case)) for case in parameters["cases"]}


def _aged() -> list[bytes]:
    """Objects spread over some 40 MB of the small-object allocator's arenas.

    A process that has served for a while has them, and its arenas stay; a fresh one
    gives the arenas of a large answer back to the system and asks for them again, a
    thousand page faults in each parse of a few megabytes.
    """
    return [bytes(400) for _ in range(100_000)][::1000]


def judging(parameters: Parameters) -> dict[str, Case]:
    """Cases that give '' or what is wrong with the answer."""

    def judged(case: str) -> str:
        from bench.parsers import _answers

        mode, kind, file = parameters["cases"][case]
        question, body = Question(mode, kind), Path(file).read_bytes()
        expected = _answers.reference(question, body)
        try:
            answer, body = _asked(parameters, case)
            answer(body)
            # Twice, because a parser that keeps its buffers must not mix up two bodies.
            found = _answers.plain(question, answer(body))
        except Exception as error:
            return f"raised {_said(error)}"
        why = _answers.why_different(expected, found)
        return f"differs at {why}" if why else ""

    return {case: _once(judged, case) for case in parameters["cases"]}


def trying(parameters: Parameters) -> dict[str, Case]:
    """Cases that give [state, value made flat, why] of an outcome."""
    from bench.parsers._travel import flat

    answer = _load(parameters).reader(_OTHER)
    _limit_memory()

    def tried(case: str) -> list[Any]:
        text = Path(parameters["cases"][case]).read_bytes()
        try:
            return ["accepted", flat(answer(text)), ""]
        except MemoryError:
            return ["crashed", None, f"needs more than {MEMORY_BYTES // 2**30} GiB"]
        except Exception as error:
            return ["rejected", None, _said(error)]

    return {case: _once(tried, case) for case in parameters["cases"]}


def weighing(parameters: Parameters) -> dict[str, Case]:
    """One case a parameter, that answers once, and before them ``READY``.

    That one refuses a body, so that what is loaded and made once is there, and gives
    the id of the process.
    """
    asked = {case: _asked(parameters, case) for case in parameters["cases"]}

    def refuse(_n: int) -> int:
        for answer, _ in asked.values():
            with suppress(Exception):
                answer(_BROKEN)
        gc.collect()
        return os.getpid()

    def answered(case: str) -> None:
        answer, body = asked[case]
        answer(body)

    return {READY: refuse} | {case: _once(answered, case) for case in asked}


def _asked(parameters: Parameters, case: str) -> tuple[Callable[[bytes], Any], bytes]:
    """How the parser answers ``case``, and the body."""
    mode, kind, file = parameters["cases"][case]
    answer = _load(parameters).reader(Question(mode, kind))
    if answer is None:
        raise LookupError(f"it has no answer to {mode} of a body of kind {kind}")
    return answer, Path(file).read_bytes()


def _load(parameters: Parameters) -> ModuleType:
    """The parser, imported once."""
    # A name of its own: that of the library that it imports would be in the way.
    name = f"{PACKAGE}.{parameters['name']}"
    if name not in sys.modules:
        # One thread per library: helpers on other cores would hide CPU.
        os.environ.setdefault("POLARS_MAX_THREADS", "1")
        spec = importlib.util.spec_from_file_location(name, parameters["file"])
        if spec is None or spec.loader is None:
            raise ImportError(f"{parameters['file']} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # types of its structs are looked up there
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


def _loop(answer: Callable[[bytes], Any], body: bytes) -> Case:
    def run(n: int) -> int:
        # Before the clock: the caches hold what the process before this one used, and
        # filling them would cost a fast parser more of its time than a slow one.
        answer(body)
        began = time.process_time_ns()
        for _ in range(n):
            answer(body)
        return time.process_time_ns() - began

    return run


def _once(work: Callable[[str], Any], case: str) -> Case:
    return lambda _n: work(case)


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text:.160}" if text else type(error).__name__


def _limit_memory() -> None:
    with suppress(ImportError, OSError, ValueError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, most))

"""The path as a Worker in the real workerd, the runtime that Workers is."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import orjson

from bench.measure.samples import PROFILED
from bench.workerd import bundle, conversion, heap, profiling, stage_cases, tools
from bench.workerd.cold import Colds
from bench.workerd.project import load
from bench.workerd.warm import Companies

if TYPE_CHECKING:
    from bench.measure.sizes import PhaseSize
    from bench.runtimes import Row, Scene, Starter
    from bench.store import Run

WORKERS = True
# `workerd bench` runs a stage with its real bindings.
ALONE_HAS_CALLS = True
_PROFILED = "chat"


def unavailable() -> str | None:
    """Why there is no workerd here, in one line."""
    return tools.unavailable()


@contextmanager
def crew(scene: Scene, phase: str) -> Iterator[Callable[[str], Starter]]:
    """Warm: a few processes a group, which the roles share. Cold: isolates of
    processes with dozens, each asked for the first time."""
    supply = Colds(scene) if phase == "cold" else Companies(scene)
    with closing(supply):
        yield lambda role: partial(supply.subject, role)


def alone(
    scene: Scene, sizes: PhaseSize, seed: int
) -> Generator[dict[str, list[float]]]:
    """CPU ns of each stage, calls included, and of start-up by phase; nothing where
    this workerd has no ``bench``."""
    if tools.features().bench:
        yield from stage_cases.runs(scene, seed)


def profile(scene: Scene, run: Run, seconds: float, seed: int) -> list[Row]:
    """V8's CPU profile of warm chat requests, for any viewer of .cpuprofile files and
    as collapsed stacks; samples are milliseconds a request by stage."""
    found, requests = profiling.profile(scene, _PROFILED, seconds)
    names = profiling.functions(_PROFILED)
    split = profiling.by_stage(found, names)
    name = f"profiles/workerd-{_PROFILED}-warm"
    run.save(f"{name}.cpuprofile", orjson.dumps(found))
    run.save(f"{name}.folded.txt", profiling.folded(found).encode())
    return [
        {
            "invocation": _PROFILED,
            "stage": stage,
            "variant": PROFILED,
            "metric": "cpu",
            "unit": "ms",
            "value": ms / requests,
        }
        for stage, ms in split.items()
    ]


def cells(
    scene: Scene, seed: int, seconds: float
) -> Mapping[str, Callable[[], list[Row]]]:
    """Size of the script, memory of requests in flight, cost of event conversion."""
    return {
        "script": partial(_script, scene),
        "heap": partial(heap.measure, scene),
        "conversion": partial(conversion.measure, scene, seed, seconds),
    }


def _script(scene: Scene) -> list[Row]:
    size = bundle.size(load(tools.PROJECT), scene.path.parent)
    return [
        {
            "stage": "script",
            "variant": variant,
            "metric": "size",
            "unit": "bytes",
            "value": value,
        }
        for variant, value in (("plain", size.script_bytes), ("gzip", size.gzip_bytes))
    ]

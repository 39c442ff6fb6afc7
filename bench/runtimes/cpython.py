"""The path in CPython: fresh processes of this interpreter, calls over real HTTP."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.measure.process import Child, starter as child_starter
from bench.measure.samples import ALONE, FLOOR, METERED

if TYPE_CHECKING:
    from bench.path.env import Env
    from bench.path.http import Request, Response
    from bench.runtimes import Scene
    from bench.store import Run

HERE = "bench.runtimes.cpython"
SETUPS = {FLOOR: "set_up_floor", METERED: "set_up_metered", ALONE: "set_up_alone"}
Case = Callable[[int], Any]


def unavailable() -> str | None:
    """Never: it is the interpreter that asks."""
    return None


def starter(role: str, scene: Scene) -> Callable[[int], Child]:
    """A process of ``role``; ``control`` is ``whole`` in all but name."""
    setup = SETUPS.get(role, "set_up_whole")
    return child_starter(f"{HERE}:{setup}", {"scene": str(scene.path)})


def alone_cases(invocations: Sequence[str]) -> list[str]:
    """Every stage of ``invocations``."""
    from bench.path import stages

    return [f"{name}/{stage}" for name in invocations for stage in stages(name)]


def profile(scene: Scene, run: Run, seconds: float, seed: int) -> None:
    """pyinstrument over warm chat requests, in a pinned process of its own.

    Saves flame view (HTML), speedscope JSON and folded stacks.
    """
    parameters = {
        "scene": str(scene.path),
        "seconds": seconds,
        "title": f"CPython {sys.version.split()[0]}, warm chat request",
    }
    with Child(f"{HERE}:set_up_profile", parameters, seed=seed) as child:
        child.ready()
        files: dict[str, str] = child.turn("profile").extra
    for name, text in files.items():
        run.save(f"profiles/cpython-chat-warm{name}", text.encode())


def set_up_whole(parameters: dict[str, Any]) -> dict[str, Case]:
    """Cases by invocation: the whole path, its answer drained, its after work done."""
    from bench.path import handle
    from bench.path.http import read

    scene, env = _open(parameters)

    def case(name: str) -> Case:
        request, expected = scene.world.requests[name], _expected(scene, name)

        def run(n: int) -> None:
            for _ in range(n):
                response = handle(name, _arrived(request), env)
                _check(name, response, read(response), expected)

        return run

    return {name: case(name) for name in scene.world.requests}


def set_up_metered(parameters: dict[str, Any]) -> dict[str, Case]:
    """As ``set_up_whole`` for one request, returning its CPU spans by stage."""
    from bench.measure.spans import SpanMeter
    from bench.path import handle
    from bench.path.http import read

    scene, env = _open(parameters)

    def case(name: str) -> Case:
        request, expected = scene.world.requests[name], _expected(scene, name)

        def run(n: int) -> dict[str, list[int]]:
            meter = SpanMeter()
            response = handle(name, _arrived(request), env, meter)
            _check(name, response, read(response), expected)
            return meter.spans

        return run

    return {name: case(name) for name in scene.world.requests}

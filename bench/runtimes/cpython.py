"""The path in CPython: fresh processes of this interpreter, calls over real HTTP."""

from __future__ import annotations

import copy
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.measure.process import Child
from bench.measure.process import starter as child_starter
from bench.measure.samples import ALONE, FLOOR, METERED
from bench.measure.turns import Member, groups
from bench.path import Run, Stage, handle, invoke, stages
from bench.path.env import Env
from bench.path.http import Request, Response, StreamReply, nothing, read
from bench.path.state import State
from bench.path.transport import HttpTransport, Recorder, Replay

if TYPE_CHECKING:
    from bench import store
    from bench.measure.sizes import PhaseSize
    from bench.runtimes import Scene

# Workers runs V8: what is measured here says where CPU goes, not whether it fits.
WORKERS = False
# Calls are answered from a recording: the HTTP client's work is left out.
ALONE_HAS_CALLS = False
HERE = "bench.runtimes.cpython"
SETUPS = {FLOOR: "set_up_floor", METERED: "set_up_metered", ALONE: "set_up_alone"}
Case = Callable[[int], Any]
# Requests before the profile begins: it shows the warm path.
WARM_REQUESTS = 50


def unavailable() -> str | None:
    """Never: it is the interpreter that asks."""
    return None


@contextmanager
def crew(scene: Scene, phase: str) -> Iterator[Callable[[str], Callable[[int], Child]]]:
    """Processes of this interpreter; ``control`` is ``whole`` in all but name."""
    yield lambda role: _starter(scene, role)


def _starter(scene: Scene, role: str) -> Callable[[int], Child]:
    setup = SETUPS.get(role, "set_up_whole")
    return child_starter(f"{HERE}:{setup}", {"scene": str(scene.path)})


def alone(
    scene: Scene, sizes: PhaseSize, seed: int
) -> Generator[dict[str, list[float]]]:
    """CPU ns of each stage by itself, its calls answered from a recording."""
    cases = {
        f"{name}/{stage}": f"{name}/{stage}"
        for name in scene.world.requests
        for stage in stages(name)
    }
    member = Member(ALONE, _starter(scene, ALONE), cases)
    with closing(groups([member], sizes.pace, seed=seed)) as source:
        for group in source:
            yield {case: group.cpu(ALONE, case) for case in cases}


def cells(
    scene: Scene, seed: int, seconds: float
) -> dict[str, Callable[[], list[dict[str, Any]]]]:
    """Nothing beyond the stages."""
    return {}


def profile(
    scene: Scene, run: store.Run, seconds: float, seed: int
) -> list[dict[str, Any]]:
    """pyinstrument over warm chat requests, in a pinned process of its own.

    Saves flame view (HTML), speedscope JSON and folded stacks. It samples wall time,
    so it gives no numbers.
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
    return []


def set_up_whole(parameters: dict[str, Any]) -> dict[str, Case]:
    """Cases by invocation: the whole path, its answer drained, its after work done."""
    scene, env = _open(parameters)

    def case(name: str) -> Case:
        request, check = scene.world.requests[name], _check(scene, name)

        def run(n: int) -> None:
            for _ in range(n):
                check(handle(name, _arrived(request), env))

        return run

    return {name: case(name) for name in scene.world.requests}


def set_up_metered(parameters: dict[str, Any]) -> dict[str, Case]:
    """As ``set_up_whole`` for one request, returning its CPU spans by stage."""
    from bench.measure.spans import SpanMeter

    scene, env = _open(parameters)

    def case(name: str) -> Case:
        request, check = scene.world.requests[name], _check(scene, name)

        def run(n: int) -> dict[str, dict[str, list[int]]]:
            meter = SpanMeter()
            check(handle(name, _arrived(request), env, meter))
            return {"spans": meter.spans}

        return run

    return {name: case(name) for name in scene.world.requests}


def set_up_floor(parameters: dict[str, Any]) -> dict[str, Case]:
    """The same requests through a path whose only stage answers with nothing."""

    def answer(state: Any, env: Env) -> None:
        state.answer = Response(200, {}, [b""])

    scene, env = _open(parameters)
    plan = [Stage("empty", 0, "request", answer)]

    def case(name: str) -> Case:
        request = scene.world.requests[name]

        def run(n: int) -> None:
            for _ in range(n):
                read(invoke(name, _arrived(request), env, plan=plan)[1])

        return run

    return {name: case(name) for name in scene.world.requests}


def set_up_alone(parameters: dict[str, Any]) -> dict[str, Case]:
    """Cases ``invocation/stage``: one stage on the state that it once met, its calls
    answered from a recording, so that only its own compute is left."""
    scene, env = _open(parameters)
    cases: dict[str, Case] = {}
    for name, request in scene.world.requests.items():
        seen: dict[str, AloneCase] = {}
        plan = [
            replace(stage, run=_watched(stage, seen)) for stage in stages(name).values()
        ]
        read(invoke(name, _arrived(request), env, plan=plan)[1])
        cases |= {f"{name}/{stage}": case for stage, case in seen.items()}
    return cases


def set_up_profile(parameters: dict[str, Any]) -> dict[str, Case]:
    """One case: profile warm chat requests; returns the files' text by suffix."""
    from bench.profile import profile_callable

    scene, env = _open(parameters)
    request, check = scene.world.requests["chat"], _check(scene, "chat")

    def once() -> None:
        check(handle("chat", _arrived(request), env))

    def run(n: int) -> dict[str, str]:
        for _ in range(WARM_REQUESTS):
            once()
        with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
            out = Path(folder, "profile")
            profile_callable(once, parameters["seconds"], out, parameters["title"])
            return {
                file.name.removeprefix(out.name): file.read_text("utf-8")
                for file in sorted(Path(folder).iterdir())
            }

    return {"profile": run}


class AloneCase:
    """A stage with the states that its turns will use, made before the clock runs."""

    def __init__(self, stage: Stage, state: State, env: Env) -> None:
        self.recorder = Recorder(env.transport)
        self._stage, self._env = stage, env
        # A reply that is still streaming is drained by the path: keep what comes.
        self._tapes = {
            name: _tape(state, name)
            for name, value in vars(state).items()
            if isinstance(value, StreamReply)
        }
        self._state = copy.copy(state)
        self._ready: list[tuple[State, Env]] = []

    def prepare(self, n: int) -> None:
        """Fresh states for ``n`` calls; a stage may fill what it is given."""
        recording = self.recorder.recording
        self._ready = [
            (self._fresh(), replace(self._env, transport=Replay(recording)))
            for _ in range(n)
        ]

    def __call__(self, n: int) -> None:
        run = self._stage.run
        for state, env in self._ready:
            answered = state.answer is not None
            run(state, env)
            # A lazy body is the work of the stage that made it.
            if not answered and state.answer is not None:
                for _ in state.answer.body:
                    pass

    def _fresh(self) -> State:
        """The state with collections and streams of its own; the rest is shared."""
        fresh = copy.copy(self._state)
        for name, value in vars(fresh).items():
            if isinstance(value, list | dict | set):
                setattr(fresh, name, copy.copy(value))
        for name, chunks in self._tapes.items():
            reply = replace(getattr(fresh, name), chunks=iter(chunks), close=nothing)
            setattr(fresh, name, reply)
        return fresh


def _tape(state: State, name: str) -> list[bytes]:
    """The chunks of a streaming reply in ``state``, filled while it is drained."""
    kept: list[bytes] = []
    reply: StreamReply = getattr(state, name)

    def chunks() -> Iterator[bytes]:
        for chunk in reply.chunks:
            kept.append(chunk)
            yield chunk

    setattr(state, name, replace(reply, chunks=chunks()))
    return kept


def _watched(stage: Stage, seen: dict[str, AloneCase]) -> Run:
    """The stage's run, keeping the state that it meets and the calls that it makes."""

    def run(state: State, env: Env) -> Response | None:
        case = seen[stage.name] = AloneCase(stage, state, env)
        return stage.run(state, replace(env, transport=case.recorder))

    return run


def _open(parameters: dict[str, Any]) -> tuple[Scene, Env]:
    """The scene as staged, and an environment over HTTP."""
    from bench.runtimes import Scene, environment

    scene = Scene.load(parameters["scene"])
    # Finding and importing the stages is start-up, as it is on Workers, where the
    # global scope runs before the first request and has a limit of its own.
    for name in scene.world.requests:
        stages(name)
    return scene, environment(scene.world, HttpTransport(scene.endpoints))


def _arrived(request: Request) -> Request:
    """The request as a server would hand it over: headers made anew each time."""
    return Request(request.method, request.path, dict(request.headers), request.body)


def _check(scene: Scene, name: str) -> Callable[[Response], None]:
    """Drains an answer and holds it to the expected one: answer before clock."""
    expected = scene.expected[name]

    def check(response: Response) -> None:
        if (response.status, read(response)) != expected:
            raise BenchError(
                f"{name} answered {response.status}, or with another body than expected"
            )

    return check

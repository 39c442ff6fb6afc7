"""The AI service's request path in Python: ordered stages between bytes and bytes.

An invocation is what a Worker is started for: a chat request, a transcript to ingest,
a batch of queue messages to consume, a webhook, an agent request. Each is a folder
here, and each public module of the folder is a stage: adding a stage is adding a file.

A stage module defines

    ORDER: int                            its place; unique in the folder
    run(state, env) -> Response | None    a Response ends the invocation at once
    WHEN: str = "request"                 optional: "request" runs before the head is
                                          sent, "end" when the body has been sent,
                                          "after" as waitUntil does

and the folder's ``__init__`` defines ``State``, which the stages fill. One stage puts
the answer into ``state.answer``; if its body is lazy, draining it is that stage's work
too. Failures of a service become the answers of ``bench.path.errors``; once the head
is sent they only add the stage's name to ``state.failures``.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench import registry
from bench.errors import BenchError
from bench.path.env import Env
from bench.path.errors import UpstreamError, answer
from bench.path.http import Request, Response
from bench.path.meter import Meter, MeteredTransport, metered_body
from bench.path.state import State

INVOCATIONS = ("chat", "ingest", "consume", "webhook", "agent")
WHENS = ("request", "end", "after")

Run = Callable[[Any, Env], Response | None]


@dataclass(frozen=True, slots=True)
class Stage:
    """One named step of an invocation."""

    name: str
    order: int
    when: str
    run: Run


@functools.cache
def stages(invocation: str) -> dict[str, Stage]:
    """Stages of ``invocation`` by name, in the order in which they run.

    Found by listing the folder, once per process. Raises BenchError that names the
    files of two stages with the same ORDER, or of one that is malformed.
    """
    package = f"bench.path.{invocation}"
    found: dict[int, Stage] = {}
    for name, module in registry.load(package, ("ORDER", "run")).items():
        when = getattr(module, "WHEN", "request")
        if when not in WHENS:
            raise BenchError(f"{module.__file__}: WHEN is {when!r}, not one of {WHENS}")
        if module.ORDER in found:
            twin = found[module.ORDER].name
            raise BenchError(f"{module.__file__}: {twin} has the same ORDER")
        found[module.ORDER] = Stage(name, module.ORDER, when, module.run)
    return {found[order].name: found[order] for order in sorted(found)}


def handle(
    invocation: str, request: Request, env: Env, meter: Meter | None = None
) -> Response:
    """The answer to ``request``; its body is to be drained, then ``after`` to be run.

    With a ``meter`` every stage and every wait is bracketed; without one the stages
    are called directly. Never raises for what users send or services do.
    """
    return invoke(invocation, request, env, meter)[1]


def invoke(
    invocation: str,
    request: Request,
    env: Env,
    meter: Meter | None = None,
    *,
    plan: Sequence[Stage] | None = None,
) -> tuple[State, Response]:
    """As ``handle``, with the state that the stages leave behind.

    ``plan`` replaces the stages of the folder: fewer, others, or wrapped ones.
    """
    state: State = importlib.import_module(f"bench.path.{invocation}").State(request)
    plan = list(stages(invocation).values() if plan is None else plan)
    if meter is not None:
        env = replace(env, transport=MeteredTransport(env.transport, meter))
        plan = [replace(stage, run=_metered(stage, meter)) for stage in plan]
    answering = ""
    try:
        for stage in plan:
            if stage.when != "request":
                continue
            early = stage.run(state, env)
            if early is not None:
                return state, early
            if state.answer is not None and not answering:
                answering = stage.name
    except UpstreamError as error:
        return state, answer(error)
    if state.answer is None:
        raise BenchError(f"no stage of {invocation} gave an answer")
    response = state.answer
    if meter is not None:
        response.body = metered_body(response.body, answering, meter)
    _attach(plan, state, env, response)
    return state, response


def _metered(stage: Stage, meter: Meter) -> Run:
    def run(state: State, env: Env) -> Response | None:
        meter.enter(stage.name)
        try:
            return stage.run(state, env)
        finally:
            meter.leave(stage.name)

    return run


def _attach(plan: list[Stage], state: State, env: Env, response: Response) -> None:
    """Let the stages of the end follow the body, and those of after follow that."""
    ends = [stage for stage in plan if stage.when == "end"]
    if ends:
        response.body = _ended(response.body, ends, state, env)
    for stage in plan:
        if stage.when == "after":
            response.after.append(functools.partial(_guarded, stage, state, env))


def _ended(
    body: Iterable[bytes], ends: list[Stage], state: State, env: Env
) -> Iterator[bytes]:
    yield from body
    for stage in ends:
        _guarded(stage, state, env)
    yield from state.tail


def _guarded(stage: Stage, state: State, env: Env) -> None:
    try:
        stage.run(state, env)
    except UpstreamError:
        state.failures.append(stage.name)

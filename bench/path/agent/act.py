"""The loop: ask the model, run the tools that it wants, tell it the results.

After ``max_tool_calls`` the model has to answer with what it knows. A tool that fails
does not end the loop: the model is told. A model that fails ends the request.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from bench.path.agent import Call, State
from bench.path.agent._tools import TOOLS, call
from bench.path.bindings import llm
from bench.path.env import Env
from bench.path.errors import Malformed, UpstreamError, explain
from bench.path.http import Response

ORDER = 30

T = TypeVar("T")


def run(state: State, env: Env) -> Response | None:
    """Set ``text`` and ``calls``."""
    state.calls = []
    left = env.options.max_tool_calls
    messages: list[dict[str, Any]] = [{"role": "user", "content": state.query}]
    while True:
        ask = partial(llm.message, env, _body(messages, tools=left > 0))
        reply = _timed(state, env, "llm", llm.MODEL, ask)
        wanted = [block for block in reply["content"] if block["type"] == "tool_use"]
        if left <= 0 or not wanted:
            state.text = llm.text(reply)
            return None
        results = []
        for block in wanted:
            results.append(_result(state, env, block, allowed=left > 0))
            left -= 1
        messages.append({"role": "assistant", "content": reply["content"]})
        messages.append({"role": "user", "content": results})


def _body(messages: list[dict[str, Any]], *, tools: bool) -> dict[str, Any]:
    return {
        "model": llm.MODEL,
        "max_tokens": llm.MAX_TOKENS,
        "stream": False,
        "system": "Use the tools where the question needs them, then answer.",
        "tools": TOOLS,
        "tool_choice": {"type": "auto" if tools else "none"},
        "messages": messages,
    }


def _result(
    state: State, env: Env, block: dict[str, Any], *, allowed: bool
) -> dict[str, Any]:
    """The result block for one tool call of the model, an error block if it failed."""
    name, ident = block.get("name"), block.get("id")
    if not isinstance(name, str) or not isinstance(ident, str):
        raise Malformed(llm.SERVICE, "tool_use")
    failed = True
    if not allowed:
        text = "no tool call is left"
    else:
        given = block.get("input")
        try:
            work = partial(call, name, given, state.session, env)
            text = _timed(state, env, "tool", name, work)
            failed = False
        except UpstreamError as error:
            text = explain(error)[2]
        except ValueError as error:
            text = str(error)
    result = {"type": "tool_result", "tool_use_id": ident, "content": text}
    return {**result, "is_error": True} if failed else result


def _timed(state: State, env: Env, kind: str, name: str, work: Callable[[], T]) -> T:
    """What ``work`` returns; its wall clock is kept, whether it succeeds or not."""
    start = _now_ms(env)
    ok = False
    try:
        outcome = work()
        ok = True
        return outcome
    finally:
        state.calls.append(Call(kind, name, _now_ms(env) - start, ok))


def _now_ms(env: Env) -> int:
    return int(env.clock() * 1000)

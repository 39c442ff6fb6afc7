"""A megabyte of history sent along with a question: parse all of it, or the question.

In workerd the whole value is made as ``request.json()`` does, or the body is read as a
stream that stops at the query. In CPython two parsers make everything, and two check
everything but make only what is asked. The query stands before the history, which is
the best that can happen to a reader that may stop, or after it. Readers of one runtime
take turns on one core, and a ratio never mixes two runtimes. The path's own answer to
a large body is a cap, which is tried too.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.measure.process import starter
from bench.measure.turns import Key, Member, Pace, groups
from bench.path.chat import State, parse_request
from bench.path.env import Env, Options, Secrets
from bench.path.http import Request
from bench.path.state import Session
from bench.path.transport import Replay
from bench.remedies import Conclusion, Ground, Row, row
from bench.remedies._history import (
    FIRST,
    LAST,
    PLACES,
    QUERY,
    READERS,
    SIZE,
    bodies,
    read_as,
    reading,
)
from bench.remedies._numbers import control, estimate, number, ratio
from bench.workerd import bundle, project, sandbox, tools
from bench.workerd.isolates import Isolates
from bench.workerd.loops import Loops

if TYPE_CHECKING:
    from pandas import DataFrame

    from bench.measure.turns import Subject

TITLE = "Parse only what is needed of a megabyte of history, and cap the body"
QUESTION = "What does a full parse of a megabyte cost against a partial one?"
RUNTIME = "workerd"

_BINDINGS = {FIRST: "QUERY_FIRST", LAST: "QUERY_LAST"}
# Variant -> place of the query -> case of the isolate.
IN_WORKERD = {
    "V8, full": {place: f"full {name}" for place, name in _BINDINGS.items()},
    "V8, partial": {place: f"partial {name}" for place, name in _BINDINGS.items()},
    "control": {LAST: f"full {_BINDINGS[LAST]}"},
}
_PACE = Pace(10, 0.6, warm_seconds=0.15, block_seconds=0.3)
_TURN_NS = 4_000_000
_CAP = "cap of the path"


def measure(ground: Ground, seed: int) -> Iterator[Row]:
    """CPU in us of reading one body, by reader and place of the query; and whether the
    path takes a body as large as its cap, and one a byte larger. Raises BenchError."""
    reason = tools.unavailable()
    if reason is not None:
        raise BenchError(reason)
    for size, accepted in _capped():
        yield row(_CAP, f"{size} B", "accepted", accepted, "share")
    data = bodies()
    with tempfile.TemporaryDirectory() as folder:
        own = project.load(tools.PROJECT)
        entry = bundle.ENTRIES / "history.ts"
        module = bundle.build(own, entry, Path(folder, "history.mjs"))

        def start(seed: int) -> Subject:
            return _Checked(lambda: _isolates(module, data), seed=seed)

        members = [
            Member(name, start, cases, turn_ns=_TURN_NS)
            for name, cases in IN_WORKERD.items()
        ]
        for (name, place), costs in _turns(members, seed):
            for seq, us in enumerate(costs):
                yield row(name, place, "cpu", us, "us", seq)
    # One process for all readers of CPython: its start costs more than they do.
    child = starter("bench.remedies._history:setup", {"size": SIZE})
    cases = {reading(*each): reading(*each) for each in product(READERS, PLACES)}
    for (_, case), costs in _turns([Member("readers", child, cases)], seed):
        name, place = read_as(case)
        for seq, us in enumerate(costs):
            yield row(name, place, "cpu", us, "us", seq) | {"runtime": "cpython"}


def conclude(samples: DataFrame) -> Conclusion:
    """CPU of each reader where the query comes last, and what partial reading saves."""
    numbers, saved = [], {}
    for place in PLACES:
        for name in [*list(IN_WORKERD)[:2], *READERS]:
            spent = estimate(samples, name, place, "cpu")
            numbers.append(number(f"{name}, {place}", spent, "us"))
        saved[place] = ratio(
            samples, ("V8, partial", place), ("V8, full", place), "cpu"
        )
        numbers.append(number(f"V8, partial to full, {place}", saved[place], "ratio"))
    ms = {
        name: estimate(samples, name, LAST, "cpu").value / 1000
        for name in ("V8, full", *READERS)
    }
    text = (
        f"A megabyte costs {ms['V8, full']:.1f} ms in V8 to parse whole. Reading only "
        f"the query costs {saved[LAST].value:.2f} of that where it comes last, and "
        f"{saved[FIRST].value:.4f} where it comes first. In CPython json takes "
        f"{ms['json, full']:.1f} ms and orjson {ms['orjson, full']:.1f} ms for all of "
        f"it, msgspec {ms['msgspec, partial']:.1f} ms for the query alone. The path "
        f"refuses more than {parse_request.BODY_BYTES} bytes before it parses."
    )
    same = ("control", LAST), ("V8, full", LAST)
    return Conclusion(text, numbers, control(samples, *same, "cpu"))


class _Checked(Loops):
    """Every process answers rightly before it is timed."""

    def ready(self) -> None:
        super().ready()
        for case in sorted(
            {c for cases in IN_WORKERD.values() for c in cases.values()}
        ):
            said = json.loads(self.answer(case))
            if said != QUERY:
                raise BenchError(f"{case}: {said!r} is not the query")


def _turns(members: Sequence[Member], seed: int) -> Iterator[tuple[Key, list[float]]]:
    """(member, block) and CPU in us of each turn of one group of fresh processes."""
    with closing(groups(members, _PACE, seed=seed)) as stream:
        group = next(stream)
    for key, turns in group.turns.items():
        yield key, [turn.cpu / turn.n / 1000 for turn in turns]


def _isolates(module: Path, data: Mapping[str, bytes]) -> Isolates:
    bound = {name: data[place] for place, name in _BINDINGS.items()}
    return Isolates(sandbox.write(module, data=bound), 1)


def _capped() -> Iterator[tuple[int, bool]]:
    """A body of that many bytes, and whether the path takes it."""
    env = Env(Replay([]), Options(), lambda: 0.0, Secrets("", "", ""))
    shell = len(json.dumps({"query": QUERY, "history": ""}))
    for size in (parse_request.BODY_BYTES, parse_request.BODY_BYTES + 1):
        body = json.dumps({"query": QUERY, "history": "x" * (size - shell)}).encode()
        state = State(Request("POST", "/chat", {}, body))
        state.session = Session("acme", "user")
        yield size, parse_request.run(state, env) is None

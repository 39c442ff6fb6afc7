"""Read-your-writes from a D1 replica that lags, without a cure and with two of them.

Some users take turns in an order drawn from the seed, each in a conversation of its
own. A turn is the path's two stages that touch D1, ``load_conversation`` and
``save_turn``, over HTTP. It is stale where the history misses an earlier turn of the
same user, and disordered where it has them all in another order. The lag is in writes
and not in ms, so that the same seed gives the same answer. A request reaches one of
the isolates by chance, as Workers promise no more.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

import orjson

from bench.errors import BenchError
from bench.path import bookmark
from bench.path.chat import State, load_conversation, save_turn
from bench.path.convert import StreamStats
from bench.path.env import Env, Options, Secrets
from bench.path.http import Request
from bench.path.schema import SCHEMA
from bench.path.state import Session
from bench.path.transport import HttpTransport, Recorder
from bench.remedies import Conclusion, Ground, Row, row
from bench.remedies._numbers import estimate, fixtures, number

if TYPE_CHECKING:
    from pandas import DataFrame

TITLE = "Read what was just written from memory, or in a session with a bookmark"
QUESTION = "What share of reads misses the user's own writes while a replica lags?"
RUNTIME = "cpython"

VARIANTS = ("none", "session", "memory")
LAGS = (0, 2, 8)  # writes of anybody that the replica is behind
ISOLATES = (1, 4)
USERS, TURNS = 4, 20  # turns of all users together
_SESSION = Session("acme", "user")
_NOW = 1_790_000_000.0


def measure(ground: Ground, seed: int) -> Iterator[Row]:
    """Rows of 0 or 1 for each turn that could miss something: ``stale``,
    ``disordered``, and ``primary``, where the primary answered. Raises BenchError."""
    with ground.bare() as services, HttpTransport(services.endpoints) as transport:
        for lag in LAGS:
            for isolates in ISOLATES:
                for variant in VARIANTS:
                    services.reset()
                    services.put("d1", {"sql": ";".join(SCHEMA)})
                    services.configure("d1", replica_lag_writes=lag)
                    crowd = _Crowd(transport, variant, isolates, seed)
                    fixture = circumstance(lag, isolates)
                    for seq, found in enumerate(crowd.turns()):
                        for metric, value in found.items():
                            yield row(variant, fixture, metric, value, "share", seq)


def circumstance(lag: int, isolates: int) -> str:
    """The name of a lag in writes, for requests to that many isolates."""
    return f"lag {lag}, {isolates} isolate{'s' if isolates > 1 else ''}"


def conclude(samples: DataFrame) -> Conclusion:
    """The share of stale reads of each variant at the longest lag."""
    names = fixtures(samples, "none")
    if not names:
        raise BenchError("no read without a cure was measured")
    worst, alone = circumstance(LAGS[-1], ISOLATES[-1]), circumstance(LAGS[-1], 1)
    stale = {name: estimate(samples, name, worst, "stale") for name in VARIANTS}
    own = estimate(samples, "memory", alone, "stale")
    mixed = estimate(samples, "memory", circumstance(0, ISOLATES[-1]), "disordered")
    primary = estimate(samples, "session", worst, "primary")
    text = (
        f"At a lag of {LAGS[-1]} writes {stale['none'].value:.0%} of reads are stale; "
        f"with the bookmark {stale['session'].value:.0%}, for which the primary "
        f"answers {primary.value:.0%} of them; with the isolate's memory "
        f"{own.value:.0%} where all requests reach one isolate, and "
        f"{stale['memory'].value:.0%} where they reach {ISOLATES[-1]}. There, without "
        f"a lag, memory puts {mixed.value:.0%} of histories in a wrong order."
    )
    numbers = [
        number(f"stale, {name}", found, "share") for name, found in stale.items()
    ]
    numbers.append(number("stale, memory, 1 isolate", own, "share"))
    numbers.append(number("disordered without a lag, memory", mixed, "share"))
    numbers.append(number("session, answered by the primary", primary, "share"))
    return Conclusion(text, numbers)


class _Crowd:
    """Users who take turns; each one's client keeps its newest bookmark."""

    def __init__(
        self, transport: HttpTransport, variant: str, isolates: int, seed: int
    ) -> None:
        self._draw = random.Random(f"{seed}/{isolates}")
        self._now = _NOW
        self._recorder = Recorder(transport)
        options = Options(consistency=variant)  # type: ignore[arg-type]
        secrets = Secrets("", "", "")
        self._isolates = [
            Env(self._recorder, options, self._clock, secrets) for _ in range(isolates)
        ]
        self._bookmarks: dict[int, str] = {}
        self._asked: dict[int, list[str]] = {user: [] for user in range(USERS)}

    def turns(self) -> Iterator[dict[str, bool]]:
        """What became of every turn after a user's first."""
        for turn in range(TURNS):
            user = self._draw.randrange(USERS)
            env = self._draw.choice(self._isolates)
            before = list(self._asked[user])
            seen, primary = self._turn(user, turn, env)
            if before:
                missed = set(before) - set(seen)
                yield {
                    "stale": bool(missed),
                    "disordered": not missed and seen != before,
                    "primary": primary,
                }

    def _clock(self) -> float:
        return self._now

    def _turn(self, user: int, turn: int, env: Env) -> tuple[list[str], bool]:
        self._now += 1
        known = self._bookmarks.get(user)
        headers = {bookmark.HEADER: known} if known else {}
        state = State(Request("POST", "/chat", headers, b""))
        state.session, state.tenant = _SESSION, _SESSION.tenant
        state.conversation, state.turn = f"c{user}", f"t{turn}"
        state.query = f"question {turn}"
        self._recorder.recording.clear()
        refused = load_conversation.run(state, env)
        if refused is not None:
            raise BenchError(f"a user's own conversation answered {refused.status}")
        (read,) = self._recorder.recording
        state.stream = StreamStats(text=["answer"])
        save_turn.run(state, env)
        newest = bookmark.newest({}, b"".join(state.tail))
        if newest is not None:
            self._bookmarks[user] = newest
        self._asked[user].append(state.query)
        seen = [each.content for each in state.history if each.role == "user"]
        results = orjson.loads(read.chunks[0])
        return seen, bool(results[0]["meta"]["served_by_primary"])

"""Bodies of a chat request with a megabyte of history, and who reads their query.

``setup`` is that of a `bench.measure.child`: every reader is one case a body.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from typing import Any

import msgspec
import orjson
import simdjson

from bench import fixture_set

SIZE = 1_000_000  # bytes; the path refuses more than 2**20
QUERY = "What did we agree on?"
FIRST, LAST = "query first", "query last"
PLACES = (LAST, FIRST)
_SEPARATOR = ": "


class Asked(msgspec.Struct):
    """What is needed of the body."""

    query: str


_typed = msgspec.json.Decoder(Asked)
_lazy: Any = simdjson.Parser()

READERS: dict[str, Callable[[bytes], Any]] = {
    "json, full": lambda body: json.loads(body)["query"],
    "orjson, full": lambda body: orjson.loads(body)["query"],
    "msgspec, partial": lambda body: _typed.decode(body).query,
    "simdjson, partial": lambda body: _lazy.parse(body)["query"],
}


def bodies(size: int = SIZE) -> dict[str, bytes]:
    """The same body of about ``size`` bytes with the query before and after the
    history, which repeats the committed conversation."""
    history = list(_messages(size))
    about = {"conversationId": "c1", "turnId": "t1"}
    first = {**about, "query": QUERY, "history": history}
    last = {**about, "history": history, "query": QUERY}
    return {FIRST: orjson.dumps(first), LAST: orjson.dumps(last)}


def reading(reader: str, place: str) -> str:
    """The name of a case."""
    return f"{reader}{_SEPARATOR}{place}"


def read_as(case: str) -> tuple[str, str]:
    """Reader and place of the query of the case."""
    reader, _, place = case.partition(_SEPARATOR)
    return reader, place


def setup(parameters: Mapping[str, Any]) -> dict[str, Callable[[int], None]]:
    """Cases by ``reading``, of bodies of ``size`` bytes; each checks its answer.

    Raises ValueError where one is wrong. The cyclic collector is off: no answer has
    cycles, and what it does depends on all else that a process holds.
    """
    gc.disable()
    cases = {}
    for label, body in bodies(parameters["size"]).items():
        for name, reader in READERS.items():
            if (found := reader(body)) != QUERY:
                raise ValueError(f"{name}: {label}: {found!r} is not the query")
            cases[reading(name, label)] = _loop(reader, body)
    return cases


def _loop(reader: Callable[[bytes], Any], body: bytes) -> Callable[[int], None]:
    def run(n: int) -> None:
        for _ in range(n):
            reader(body)

    return run


def _messages(size: int) -> Iterator[dict[str, str]]:
    known = orjson.loads(fixture_set.read("conversation.json"))["messages"]
    left = size - 150  # of the other members
    for message in cycle(known):
        one = {"role": message["role"], "content": message["content"]}
        left -= len(orjson.dumps(one)) + 1
        if left < 0:
            return
        yield one

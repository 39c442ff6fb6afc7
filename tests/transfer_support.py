"""Made-up logs of production in every format, and made-up local requests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from bench.transfer.local import Local
from bench.transfer.sources._reading import Tally

LIMIT_MS = 10


class Event(NamedTuple):
    """One event of production, as all formats can tell it."""

    cpu: Any
    outcome: Any = "ok"
    kind: str = "fetch"
    model: str = "stateless"
    text: str = "GET https://example.com/private?token=abc"
    key: str = "x-api-key"


def events(values: Iterable[int], killed: Iterable[int] = ()) -> list[Event]:
    """Whole requests, and such that the limit has ended."""
    ended = [Event(int(value), "exceededCpu") for value in killed]
    return [*(Event(int(value)) for value in values), *ended]


_MEMBERS = {
    "fetch": "request",
    "scheduled": "cron",
    "queue": "queue",
    "rpc": "rpcMethod",
    "websocket": "getWebSocketEvent",
}


def tail_event(one: Event) -> dict[str, Any]:
    """As `wrangler tail --format json` prints it."""
    request = {"url": one.text, "headers": {one.key: one.text}, "cf": {one.key: 1}}
    return {
        "wallTime": 50,
        "cpuTime": one.cpu,
        "truncated": False,
        "executionModel": one.model,
        "outcome": one.outcome,
        "scriptName": one.text,
        "exceptions": [{"name": one.key, "message": one.text}],
        "logs": [{"message": [one.text, '"}{"'], "level": "log"}],
        "event": {_MEMBERS.get(one.kind, "other"): request, "response": {"status": 1}},
        one.key: one.text,
    }


def tail(log: Iterable[Event]) -> bytes:
    """Objects over many lines, with nothing between them."""
    return b"".join(
        json.dumps(tail_event(one), indent=4).encode() + b"\n" for one in log
    )


def logpush(log: Iterable[Event]) -> bytes:
    """One object a line."""
    rows = (
        {
            "Event": {"Request": {"URL": one.text, one.key: one.text}},
            "EventType": one.kind,
            "EventTimestampMs": 1689852946804,
            "Outcome": one.outcome,
            "ScriptName": one.text,
            "CPUTimeMs": one.cpu,
            "Logs": [{"message": one.text}],
            one.key: one.text,
        }
        for one in log
    )
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def workers_records(log: Iterable[Event], *, flat: bool = False) -> list[Any]:
    """Records of Workers Logs, and a line of console.log beside each."""
    rows: list[Any] = []
    for one in log:
        fields = {
            "cpuTimeMs": one.cpu,
            "outcome": one.outcome,
            "eventType": one.kind,
            "executionModel": one.model,
            "scriptName": one.text,
            "event": {"request": {"path": one.text, one.key: one.text}},
        }
        named = {f"$workers.{name}": value for name, value in fields.items()}
        rows.append({"$metadata": {one.key: one.text}} | (named if flat else {}))
        if not flat:
            rows[-1]["$workers"] = fields
        rows.append({"$workers": {"eventType": "fetch"}, "source": one.text})
    return rows


def workers_logs(log: Iterable[Event]) -> bytes:
    """An export as one array."""
    return json.dumps(workers_records(log)).encode()


def pairs(log: Iterable[Event]) -> bytes:
    """A CSV table."""
    lines = ["wall_ms,cpu_ms,execution_model,outcome,entry"]
    for one in log:
        entry = f"{one.kind} {one.text} {one.key}".replace('"', '""')
        lines.append(f'100,{one.cpu},{one.model},{one.outcome},"{entry}"')
    return "\n".join(lines).encode() + b"\n"


QUANTILES = {"cpuTimeP25": 25, "cpuTimeP50": 50, "cpuTimeP75": 75, "cpuTimeP99": 99}


def group(values_us: Sequence[float], text: str = "x", **other: Any) -> dict[str, Any]:
    """A group of an answer over requests that cost ``values_us``."""
    cuts = np.percentile(values_us, list(QUANTILES.values()))
    return {
        "dimensions": {"status": "success", "scriptName": text},
        "quantiles": dict(zip(QUANTILES, map(float, cuts), strict=True)),
        "sum": {"requests": len(values_us)},
    } | other


def answer(groups: Sequence[dict[str, Any]], text: str = "x") -> bytes:
    """An answer of the GraphQL API."""
    account = {"workersInvocationsAdaptive": list(groups), "accountTag": text}
    viewer = {"viewer": {"accounts": [account]}}
    return json.dumps({"data": viewer, "errors": None}).encode()


def graphql(log: Iterable[Event]) -> bytes:
    """One group over the requests of a log."""
    log = list(log)
    values = [one.cpu * 1000.0 + 500 for one in log]
    return answer([group(values, log[0].text)], log[0].text)


def varint(number: int) -> bytes:
    """A number in the wire format of Protocol Buffers."""
    number %= 2**64
    made = b""
    while number >= 0x80:
        made += bytes([number & 0x7F | 0x80])
        number >>= 7
    return made + bytes([number])


def message(*fields: tuple[int, int | bytes]) -> bytes:
    """A message of numbered fields."""
    made = b""
    for number, value in fields:
        if isinstance(value, int):
            made += varint(number << 3) + varint(value)
        else:
            made += varint(number << 3 | 2) + varint(len(value)) + value
    return made


def pprof(
    samples: Sequence[tuple[str, int]],
    kinds: Sequence[tuple[str, str]] = (("samples", "count"), ("cpu", "nanoseconds")),
    period: tuple[str, str, int] = ("cpu", "nanoseconds", 1_000_000),
    *,
    packed: bool = True,
) -> bytes:
    """A profile: of each sample the function on top and its CPU in ns, gzipped."""
    strings = [""]

    def text(word: str) -> int:
        if word not in strings:
            strings.append(word)
        return strings.index(word)

    types = [(1, message((1, text(a)), (2, text(b)))) for a, b in kinds]
    names = list(dict.fromkeys(name for name, _ in samples))
    places, functions, rows = [], [], []
    for number, name in enumerate(names, start=1):
        places.append((4, message((1, number), (4, message((1, number), (2, 7))))))
        functions.append((5, message((1, number), (2, text(name)))))
    for name, cpu in samples:
        of_kind = {"samples": 1, "sample": 1, "cpu": cpu}
        values = [of_kind.get(kind, 7) for kind, _ in kinds]
        stack = names.index(name) + 1
        if packed:
            parts = [(1, varint(stack)), (2, b"".join(map(varint, values)))]
        else:
            parts = [(1, stack), *((2, value) for value in values)]
        rows.append((2, message(*parts)))
    kind, unit, every = period
    fields = [*types, *rows, *places, *functions]
    ends = [(11, message((1, text(kind)), (2, text(unit)))), (12, every)]
    table = [(6, word.encode()) for word in strings]
    return gzip.compress(message(*fields, *table, *ends), mtime=0)


def profile(log: Iterable[Event]) -> bytes:
    """A profile of the requests of a log, a sample for each millisecond."""
    log = list(log)
    return pprof([(log[0].text, one.cpu * 1_000_000) for one in log] or [("x", 0)])


WRITERS = {
    "graphql": graphql,
    "logpush": logpush,
    "pairs": pairs,
    "pprof": profile,
    "tail": tail,
    "workers_logs": workers_logs,
}


def population(rng, size, median, deviation, process=0.0):
    """CPU in ms of ``size`` requests of one process."""
    return median * np.exp(deviation * rng.normal(size=size) + process * rng.normal())


def local(rng, median=3.0, dearer=3.0, *, groups=5, requests=30, deviation=0.15):
    """What a run has of such a workload; cold requests are ``dearer`` times that."""
    return Local(
        "rag_simple",
        {i: population(rng, requests, median, deviation, 0.03) for i in range(groups)},
        {i: population(rng, 1, median * dearer, 0.2) for i in range(2 * groups)},
    )


def production(rng, n, median=3.0, dearer=3.0, *, share=0.05, spread=0.0, factor=1.0):
    """What ``n`` requests of it cost in production, in ms that nobody rounds."""
    warm = population(rng, n, median, np.hypot(0.15, 0.03))
    cold = population(rng, n, median * dearer, 0.2)
    costs = np.where(rng.random(n) < share, cold, warm)
    return factor * costs * np.exp(spread * rng.normal(size=n))


def logged(costs, limit_ms=None, credit_ms=40.0):
    """What a log says of ``costs``: whole ms, and the limit for each killed request.

    With a limit there is a bank that holds ``credit_ms``, and is full at first.
    """
    whole, killed, left = [], [], credit_ms
    for cost in costs:
        left += (limit_ms or np.inf) - cost
        if left < 0:
            killed.append(limit_ms)
            left = credit_ms
        else:
            whole.append(int(cost))
        left = min(left, credit_ms)
    return whole, killed


def reading(whole, killed=()):
    """The same as if it had been read from a file."""
    tally = Tally(1)
    for one in events(whole, killed):
        tally.event(1, cpu_ms=one.cpu, outcome=one.outcome)
    found = tally.reading()
    return replace(found, format="tail", names=("made.json",))

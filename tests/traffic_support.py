"""Files of recorded traffic as each format writes them, with a secret in every row."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.errors import UserError
from bench.traffic import Trace

SECRET = "s3cr3t"
START = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
EPOCH_MS = int(START.timestamp()) * 1000
MAPPED = {"time": "ts", "context": "in", "generated": "out"}

Row = tuple[int, int, int]
"""Time in units of the format from ``START``, tokens in, tokens out."""


class Writer(NamedTuple):
    """How a format writes a row, and how its file is asked for."""

    format: str
    unit_ns: int
    record: Callable[[int, int, int], str]
    header: str = ""
    dated: bool = True
    tokens: bool = True
    columns: dict[str, str] | None = None

    def text(self, rows: list[Row], end: str = "\n") -> str:
        """The whole file."""
        head = [self.header] if self.header else []
        return "".join(line + end for line in [*head, *self.records(rows)])

    def records(self, rows: list[Row]) -> list[str]:
        """Each row as text, without the line end."""
        return [self.record(*row) for row in rows]


def _iso(ticks: int) -> str:
    moment = START + timedelta(seconds=ticks // 10**7)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{ticks % 10**7:07d}"


def _event(time: int) -> dict[str, object]:
    url = f"https://{SECRET}.example/?token={SECRET}"
    request = {"url": url, "headers": {SECRET: SECRET}, "cf": [{"city": SECRET}]}
    return {
        "outcome": "ok",
        "scriptName": SECRET,
        "logs": [{"message": [f'{{"eventTimestamp": 1, "{SECRET}": 2}}\n{{']}],
        "eventTimestamp": EPOCH_MS + time,
        "event": {"request": request, "response": {"status": 200}},
    }


def _logpush(time: int, *_: int) -> str:
    event = {"Request": {"URL": f"https://{SECRET}.example/{SECRET}"}}
    return json.dumps(
        {"Event": event, "EventTimestampMs": EPOCH_MS + time, "Outcome": "ok"}
    )


def _tail(time: int, *_: int) -> str:
    return json.dumps(_event(time), indent=2)


def _tail_line(time: int, *_: int) -> str:
    return json.dumps(_event(time))


def _mooncake(time: int, context: int, generated: int) -> str:
    found = {"timestamp": time, "input_length": context, "output_length": generated}
    return json.dumps({**found, "hash_ids": [1, SECRET]})


def _json_iso(time: int, context: int, generated: int) -> str:
    return json.dumps({"in": context, "ts": _iso(time), "out": generated, "x": SECRET})


MS = 10**6
WRITERS = {
    "azure": Writer(
        "azure",
        100,
        lambda t, c, g: f"{_iso(t)},{c},{g}",
        "TIMESTAMP,ContextTokens,GeneratedTokens",
    ),
    "burstgpt": Writer(
        "burstgpt",
        10**9,
        lambda t, c, g: f"{t},{SECRET},{c},{g},{c + g},API log",
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type",
        dated=False,
    ),
    "mooncake": Writer("mooncake", MS, _mooncake, dated=False),
    "logpush": Writer("logpush", MS, _logpush, tokens=False),
    "tail": Writer("tail", MS, _tail, tokens=False),
    "tail on one line": Writer("tail", MS, _tail_line, tokens=False),
    "columns, CSV, ms": Writer(
        "columns",
        MS,
        lambda t, c, g: f'"{SECRET},\n{SECRET}",{g},{EPOCH_MS + t},{c}',
        "text,out,ts,in",
        columns=MAPPED,
    ),
    "columns, CSV, seconds": Writer(
        "columns",
        MS,
        lambda t, c, g: f"{t / 1000},{c},{g}",
        "ts,in,out",
        dated=False,
        columns=MAPPED,
    ),
    "columns, NDJSON, ISO": Writer("columns", 100, _json_iso, columns=MAPPED),
    "columns, NDJSON, only times": Writer(
        "columns",
        10**9,
        lambda t, *_: json.dumps({"ts": EPOCH_MS // 1000 + t, SECRET: 1}),
        tokens=False,
        columns={"time": "ts"},
    ),
}


def made(at_s, **more) -> Trace:
    """A trace of the arrivals ``at_s``, which need not begin at 0."""
    at_s = np.asarray(at_s, dtype=np.float64)
    given = {
        "name": "made",
        "format": "azure",
        "sha256": "0" * 64,
        "at_s": at_s - at_s[0],
        "start": None,
        "context": None,
        "generated": None,
        "rows": at_s.size,
        "bad_rows": 0,
        "bad": (),
    }
    return Trace(**{**given, **more})


def said(error: BaseException | None) -> str:
    """Everything that an error and those behind it say."""
    if error is None:
        return ""
    return "\n".join(
        [repr(error), str(error), said(error.__cause__), said(error.__context__)]
    )


def tried(call: Callable[..., Trace], *args, **named):
    """What ``call`` gives and no error, or None and the UserError that it raises."""
    try:
        return call(*args, **named), None
    except UserError as error:
        return None, error


def put(folder: Path, data: str | bytes, name: str = "trace.log") -> Path:
    """A file of ``data``."""
    path = folder / name
    path.write_bytes(
        data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape")
    )
    return path

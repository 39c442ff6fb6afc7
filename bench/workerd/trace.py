"""Time under the isolate lock, from workerd's own trace of what it did and why.

With ``--async-trace`` workerd writes one JSON object a line. A ``turn`` has when it
asked for the lock, got it and gave it back, in ns; the sum of what lies between the
last two is what a production runtime charges to a request (workerd's
io/limit-enforcer.h: limits hold from taking the isolate lock to releasing it). It is
wall time of a pinned, otherwise idle core. The file names URLs and keys, so it never
leaves its folder.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from bench.errors import BenchError

_LIMIT_S = 5.0
_PAUSE_S = 0.0002


class Trace:
    """Follows the trace file of a running workerd."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream = path.open("rb")
        self._rest = b""

    def skip(self) -> None:
        """Forget what was written so far."""
        self._stream.seek(0, 2)
        self._rest = b""

    def locked(self, worker: str) -> tuple[int, dict[str, int]]:
        """Ns under the lock of the next request of ``worker``, and by what resumed it.

        Reads until the trace says that the request's context ended. The operations
        are workerd's names (``kv_get``, ``fetch``, ...). Raises BenchError when the
        end does not come.
        """
        until = time.monotonic() + _LIMIT_S
        mine: set[int] = set()
        names: dict[int, str] = {}
        by: Counter[str] = Counter()
        while time.monotonic() < until:
            for event in self.events():
                kind, ctx = event["e"], int(event.get("ctx", 0))
                if kind == "ctx" and event["worker"] == worker:
                    mine.add(ctx)
                if ctx not in mine:
                    continue
                if kind == "init":
                    names[event["id"]] = event["name"]
                elif kind == "turn":
                    spent = event["end"] - event["locked"]
                    by[names.get(event["cause"], "other")] += spent
                elif kind == "ctx_end":
                    return sum(by.values()), dict(by)
            time.sleep(_PAUSE_S)
        raise BenchError(f"the trace of isolate {worker} has no end")

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def events(self) -> list[dict[str, Any]]:
        """What was written since it was last asked, whole lines of it."""
        *lines, self._rest = (self._rest + self._stream.read()).split(b"\n")
        return [orjson.loads(line) for line in lines if line]

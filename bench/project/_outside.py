"""The rest of the world as a Worker's ``fetch`` meets it: prepared answers, else 502.

Nothing here ever asks the real network. What was asked is counted by host, method and
template of the path, without queries, headers or bodies, which may hold secrets.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from bench.errors import UserError
from bench.path.http import Request
from bench.project._names import shown
from bench.project._seeds import read_ndjson
from bench.project.requests._route import route_of
from bench.services._messages import Answer, Call, Reply, Stream, json_reply
from bench.services._service import Base
from bench.services._streams import events

_EVENTS = "text/event-stream"
_MOST = 1000  # different questions that are told apart


class Prepared(msgspec.Struct, forbid_unknown_fields=True):
    """The answer to requests for ``path`` of ``host``, whatever their query.

    A body that is no text is sent as JSON. One of ``text/event-stream`` is sent event
    by event: a Worker pays for each piece that it reads.
    """

    host: str
    path: str = "/"
    status: int = 200
    body: Any = ""
    method: str | None = None
    headers: dict[str, str] = {}


def read(path: Path) -> list[dict[str, Any]]:
    """Prepared answers, one a line. Raises UserError that names the line."""
    lines = read_ndjson(path, "answers")
    for number, line in enumerate(lines, start=1):
        try:
            known = msgspec.convert(line, Prepared)
        except msgspec.ValidationError as error:
            raise UserError(
                shown(error),
                file=path,
                field=f"answer {number}",
                remedy='write {"host", "path", "status", "body"} a line',
            ) from error
        if not 200 <= known.status <= 599:
            raise UserError(
                "is not a status between 200 and 599",
                file=path,
                field=f"answer {number}.status",
                remedy="name another one",
            )
    return lines


class Service(Base):
    """``put`` takes a list of ``Prepared``; ``dump`` gives what was asked: a list of
    ``{"host", "asked", "answered", "n"}``."""

    def __init__(self, seed: int) -> None:
        self._asked: Counter[tuple[str, str, int]] = Counter()
        super().__init__(seed)

    def clear(self) -> None:
        """Forget the answers; what was asked stays known."""
        self._answers: dict[tuple[str, str], list[Prepared]] = {}

    def put(self, data: Any) -> None:
        """Add answers; the first one that fits is given."""
        for each in msgspec.convert(data, list[Prepared]):
            self._answers.setdefault((each.host.lower(), each.path), []).append(each)

    def dump(self) -> list[dict[str, Any]]:
        """What was asked, most often first."""
        return [
            {"host": host, "asked": asked, "answered": status, "n": n}
            for (host, asked, status), n in self._asked.most_common()
        ]

    def handle(self, call: Call) -> Answer:
        """The prepared answer, or 502."""
        host = call.headers.get("Host", "").partition(":")[0].lower()
        reply = self._prepared(host, call) or json_reply(
            {"error": "no answer was prepared; see --outbound"}, 502
        )
        asked = route_of(Request(call.method, call.path, {}, b""))
        status = 200 if isinstance(reply, Stream) else reply.status
        key = (shown(host), asked, status)
        if key in self._asked or len(self._asked) < _MOST:
            self._asked[key] += 1
        return reply

    def _prepared(self, host: str, call: Call) -> Answer | None:
        for each in self._answers.get((host, call.path), ()):
            if each.method in (None, call.method):
                if not isinstance(each.body, str):
                    return json_reply(each.body, each.status, each.headers)
                body = each.body.encode()
                if each.status == 200 and _is_stream(each):
                    return Stream(body, events, each.headers)
                return Reply(each.status, each.headers, body)
        return None


def _is_stream(prepared: Prepared) -> bool:
    return any(
        name.lower() == "content-type" and value.lower().startswith(_EVENTS)
        for name, value in prepared.headers.items()
    )

"""One request out of a stranger's file: only what can be sent, and nothing that could
end a header or a request line early."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, urlsplit

from bench.errors import UserError
from bench.path.http import Request
from bench.project.requests import url
from bench.workerd.process import QUEUE_PATH

MOST_REQUESTS = 200_000
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LARGEST_BODY = 32 * 2**20
_MOST_HEADERS = 100
_LONGEST_HEADERS = 32_000  # characters of all
_LONGEST_PATH = 8_000
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, a token
# Of the connection and not of the request; the rest is sent as it is.
_OWN = frozenset(
    {
        "host", "connection", "keep-alive", "proxy-connection", "transfer-encoding",
        "upgrade", "te", "trailer", "content-length", "expect", "proxy-authorization",
    }
)  # fmt: skip


class Place:
    """Where in a file a request stands: makes the errors about it."""

    def __init__(self, file: Path, field: str) -> None:
        self.file, self.field = file, field

    def wrong(self, what: str, why: str, remedy: str = "correct it") -> UserError:
        """An error about the part ``what``, which never quotes it."""
        field = f"{self.field}{what}"
        return UserError(why, file=self.file, field=field, remedy=remedy)


def request(
    place: Place,
    method: object,
    target: object,
    headers: Iterable[tuple[object, object]],
    body: bytes,
) -> Request:
    """A request that can be sent. Raises UserError for a part that cannot be."""
    if not isinstance(method, str) or method.upper() not in _METHODS:
        known = ", ".join(sorted(_METHODS))
        raise place.wrong(".method", "is no method that is replayed", f"name {known}")
    if len(body) > _LARGEST_BODY:
        raise place.wrong(".body", f"is larger than {_LARGEST_BODY // 2**20} MiB")
    return Request(method.upper(), _path(place, target), _headers(place, headers), body)


def batch(place: Place, queue: object, messages: object) -> Request:
    """A batch of a queue, to be delivered to its consumer."""
    if not isinstance(queue, str) or not queue:
        raise place.wrong(".queue", "is no name of a queue")
    if not isinstance(messages, list) or not 1 <= len(messages) <= 100:
        raise place.wrong(".messages", "is not a list of 1 to 100 messages")
    body = json.dumps(messages).encode()
    return Request("POST", f"{QUEUE_PATH}?cut={quote(queue, safe='')}", {}, body)


def wake_up(place: Place, cron: object) -> Request:
    """A wake-up by the schedule ``cron``."""
    if not isinstance(cron, str) or not cron:
        raise place.wrong(".cron", "is no schedule", 'write one such as "*/5 * * * *"')
    return Request("POST", f"{QUEUE_PATH}?cron={quote(cron, safe='')}", {}, b"")


def _path(place: Place, target: object) -> str:
    try:
        parts = urlsplit(target) if isinstance(target, str) else None
    except ValueError:
        parts = None
    if parts is None or not (parts.path.startswith("/") or parts.netloc):
        raise place.wrong(".path", "is neither a URL nor a path that begins with /")
    # ``//host/x`` would name another host than the Worker's.
    path = "/" + parts.path.lstrip("/") + (f"?{parts.query}" if parts.query else "")
    # What is escaped stays escaped; what no request line may hold becomes so.
    path = quote(path, safe="%/?:@!$&'()*+,;=~-._|^`[]{}\"<>", errors="replace")
    path = path.replace('"', "%22").replace("<", "%3C").replace(">", "%3E")
    if len(path) > _LONGEST_PATH:
        raise place.wrong(".path", f"is longer than {_LONGEST_PATH:,} characters")
    return url(path)


def _headers(place: Place, headers: Iterable[tuple[object, object]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, (name, value) in enumerate(headers):
        here = f".headers[{number}]"
        if not isinstance(name, str) or not isinstance(value, str):
            raise place.wrong(here, "is not a name and a text")
        key = name.lower()
        if key.startswith(":") or key in _OWN:
            continue
        if not _NAME.fullmatch(key):
            raise place.wrong(here, "has a name that no header can have")
        if not all(" " <= c <= "\xff" or c == "\t" for c in value):
            raise place.wrong(here, "has a value that no header can have")
        joined = "; " if key == "cookie" else ", "
        found[key] = f"{found[key]}{joined}{value}" if key in found else value
    size = sum(len(key) + len(value) for key, value in found.items())
    if len(found) > _MOST_HEADERS or size > _LONGEST_HEADERS:
        raise place.wrong(
            ".headers",
            f"are more than {_MOST_HEADERS} or {_LONGEST_HEADERS:,} characters",
        )
    return found

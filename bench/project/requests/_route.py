"""Which requests are alike: the template of a path, safe to show."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from bench.path.http import Request
from bench.project._names import shown
from bench.workerd.process import QUEUE_PATH

OTHER = "other routes"
QUEUE, CRON = "queue ", "cron "
"""What begins the routes of events that are no HTTP."""
_CRON = f"{QUEUE_PATH}?cron="
_SEGMENTS = 12
_IDS = (
    (re.compile(r"\d+"), ":number"),
    (
        re.compile(
            r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.I
        ),
        ":uuid",
    ),
    (re.compile(r"[0-9a-f]{12,}", re.I), ":hex"),
    (re.compile(r"\d{4}-\d\d-\d\d(T.*)?"), ":date"),
    # A word of that length has a digit only where it is made by a machine.
    (re.compile(r"(?=.*\d)[\w.~-]{20,}"), ":token"),
    (re.compile(r".{41,}"), ":long"),
)


def route_of(request: Request) -> str:
    """Such as ``GET /users/:number``; of a batch ``queue`` and its name, of a wake-up
    ``cron`` and its schedule.

    The query is left out: it is data, and may be secret.
    """
    if request.path.startswith(_CRON):
        return f"{CRON}{shown(unquote(request.path.removeprefix(_CRON)))}"
    if request.path.startswith(QUEUE_PATH):
        return f"{QUEUE}{shown(unquote(request.path.partition('=')[2]))}"
    segments = [_template(part) for part in urlsplit(request.path).path.split("/")]
    if len(segments) > _SEGMENTS:
        segments = [*segments[:_SEGMENTS], ":rest"]
    return shown(f"{request.method} {'/'.join(segments)}")


def _template(segment: str) -> str:
    text = unquote(segment)
    for pattern, name in _IDS:
        if pattern.fullmatch(text):
            return name
    return text

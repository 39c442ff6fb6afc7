"""A JSON object a line: ``{"method", "path", "headers", "body"}``, a batch of a queue,
``{"queue", "messages"}``, or a wake-up by a schedule, ``{"cron"}``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from bench.path.http import Request
from bench.project.requests import Parsed
from bench.project.requests._checked import (
    MOST_REQUESTS,
    Place,
    batch,
    request,
    wake_up,
)

NOTE = 'NDJSON: {"method": "POST", "path": "/x", "headers": {}, "body": "..."} a line'
SUFFIXES = (".ndjson", ".jsonl")


def fits(data: bytes) -> bool:
    """The first line is an object by itself."""
    try:
        return isinstance(orjson.loads(data.lstrip().partition(b"\n")[0]), dict)
    except orjson.JSONDecodeError:
        return False


def parse(data: bytes, file: Path) -> Parsed:
    """A request for each line that is not blank."""
    found: list[Request] = []
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        place = Place(file, f"line {number}")
        if len(found) >= MOST_REQUESTS:
            raise place.wrong("", f"is beyond the {MOST_REQUESTS:,} that are read")
        found.append(_request(place, line))
    return Parsed(found)


def _request(place: Place, line: bytes) -> Request:
    try:
        value: Any = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise place.wrong("", "is not JSON") from error
    if not isinstance(value, dict):
        raise place.wrong("", "is not an object")
    if "queue" in value:
        return batch(place, value["queue"], value.get("messages"))
    if "cron" in value:
        return wake_up(place, value["cron"])
    headers = value.get("headers")
    headers = {} if headers is None else headers
    if not isinstance(headers, dict):
        raise place.wrong(".headers", "is not an object")
    body = value.get("body")
    if body is None:
        raw = b""
    elif isinstance(body, str):
        raw = body.encode()
    else:
        # What is no text is meant as JSON, and said to be so unless it says otherwise.
        raw = orjson.dumps(body)
        if not any(name.lower() == "content-type" for name in headers):
            headers = {**headers, "content-type": "application/json"}
    pairs: list[tuple[object, object]] = list(headers.items())
    return request(place, value.get("method", "GET"), value.get("path"), pairs, raw)

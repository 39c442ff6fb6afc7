"""HTTP Archive (HAR 1.2), as browsers and proxies export it."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from bench.errors import UserError
from bench.project.requests import Parsed
from bench.project.requests._checked import MOST_REQUESTS, Place, request

NOTE = "HAR: the requests of the first host in log.entries"
SUFFIXES = (".har",)
_ANOTHER, _OTHER_SCHEME, _SOCKET = "another host", "no HTTP", "a WebSocket"


def fits(data: bytes) -> bool:
    """A JSON object with a ``log``."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and "log" in value


def parse(data: bytes, file: Path) -> Parsed:
    """Requests of the host that the first entry asks: a page asks others too."""
    found, skipped = [], Counter[str]()
    host = None
    for number, entry in enumerate(_entries(data, file)):
        place = Place(file, f"log.entries[{number}].request")
        asked = entry.get("request") if isinstance(entry, dict) else None
        if not isinstance(asked, dict):
            raise place.wrong("", "is not an object")
        scheme, netloc = _target(place, asked.get("url"))
        if scheme not in ("http", "https"):
            socket = scheme in ("ws", "wss")
            skipped[_SOCKET if socket else _OTHER_SCHEME] += 1
            continue
        host = host or netloc
        headers = _pairs(place, asked, "headers")
        if netloc != host:
            skipped[_ANOTHER] += 1
        elif any(str(name).lower() == "upgrade" for name, _ in headers):
            skipped[_SOCKET] += 1
        else:
            body = _body(place, asked.get("postData"))
            method, url = asked.get("method"), asked.get("url")
            found.append(request(place, method, url, headers, body))
    return Parsed(found, skipped)


def _entries(data: bytes, file: Path) -> list[Any]:
    try:
        value: Any = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UserError(
            f"is not JSON: {error.msg}",
            file=file,
            field=f"line {error.lineno}",
            remedy="export it again",
        ) from error
    log = value.get("log") if isinstance(value, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list) or len(entries) > MOST_REQUESTS:
        raise UserError(
            f"is not a list of at most {MOST_REQUESTS:,} entries",
            file=file,
            field="log.entries",
            remedy="export it again",
        )
    return entries


def _target(place: Place, url: object) -> tuple[str, str]:
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        parts = None
    if parts is None:
        raise place.wrong(".url", "is not a URL")
    return parts.scheme.lower(), parts.netloc.lower().rpartition("@")[2]


def _pairs(
    place: Place, asked: dict[str, Any], key: str
) -> list[tuple[object, object]]:
    pairs = asked.get(key) or []
    if not isinstance(pairs, list):
        raise place.wrong(f".{key}", "is not a list")
    for number, pair in enumerate(pairs):
        if not isinstance(pair, dict):
            raise place.wrong(f".{key}[{number}]", "is not an object")
    return [(pair.get("name"), pair.get("value")) for pair in pairs]


def _body(place: Place, data: object) -> bytes:
    if data is None:
        return b""
    if not isinstance(data, dict):
        raise place.wrong(".postData", "is not an object")
    text = data.get("text")
    if text is None:
        pairs = _pairs(place, data, "params")
        return urlencode([(str(name), str(value)) for name, value in pairs]).encode()
    if not isinstance(text, str):
        raise place.wrong(".postData.text", "is not a text")
    if data.get("encoding") != "base64":
        return text.encode(errors="replace")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise place.wrong(".postData.text", "is not base64") from error

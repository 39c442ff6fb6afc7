"""R2 over HTTP with the metadata framing of the binding in workerd.

A request is JSON in the CF-R2-Request header (reads) or in front of the payload
(writes); an answer is JSON, its length in CF-R2-Metadata-Size, then the bytes.
Follows workerd's r2-rpc.c++ and the simulator of workers-sdk (2026-08). Limits:
Cloudflare docs, R2 limits, 2026-08. Multipart uploads are not served.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec
import orjson

from bench.services._messages import Answer, Call, Refusal, Reply, not_found
from bench.services._r2_rules import holds, page, window
from bench.services._service import Base

HOST = "fake-host"

CHARGES = {
    "r2.class_a": "each put and each page of a list",
    "r2.class_b": "each get and each head",
}
# Cloudflare docs, R2 pricing (commit 07ec87d4), which names both cases.
NOTE = "an operation that fails is charged as well; deleting is free"

MAX_KEY = 1024
MAX_METADATA = 8192
MAX_LIST = 1000
WRITE_INTERVAL_S = 1.0

INTERNAL, NO_SUCH_KEY, METADATA_TOO_LARGE = 10001, 10007, 10012
INVALID_NAME, INVALID_MAX_KEYS, INVALID_ARGUMENT = 10020, 10022, 10029
PRECONDITION_FAILED, BAD_DIGEST, INVALID_RANGE = 10031, 10037, 10039
TOO_MANY = 10058


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``enforce_write_rate``: one write per second and key, 429 otherwise."""

    enforce_write_rate: bool = False


@dataclass(frozen=True, slots=True)
class Object:
    """A stored object; ``uploaded`` is Unix milliseconds."""

    key: str
    body: bytes
    etag: str
    version: str
    uploaded: int
    http: dict[str, Any]
    custom: list[dict[str, str]]

    def described(self, window: dict[str, int] | None = None) -> dict[str, Any]:
        """The JSON that the binding reads; ``range`` only where one is answered."""
        described: dict[str, Any] = {
            "name": self.key,
            "version": self.version,
            "size": len(self.body),
            "etag": self.etag,
            "uploaded": self.uploaded,
            "httpFields": self.http,
            "customFields": self.custom,
            "checksums": {"0": self.etag},
            "storageClass": "Standard",
        }
        return described if window is None else {**described, "range": window}


class Service(Base):
    """One bucket. ``put`` takes ``{key: text or bytes}``; ``dump`` gives bytes."""

    Settings = Settings
    charges = CHARGES

    def clear(self) -> None:
        """Forget all objects."""
        self._objects: dict[str, Object] = {}
        self._writes = 0
        self._last_write: dict[str, float] = {}

    def put(self, data: Any) -> None:
        """Store objects without metadata."""
        for key, body in data.items():
            raw = body.encode() if isinstance(body, str) else body
            self._objects[key] = self._made(key, raw, {})

    def dump(self) -> dict[str, bytes]:
        """Bodies by key."""
        return {key: self._objects[key].body for key in sorted(self._objects)}

    def failure(self, status: int, message: str) -> Reply:
        """An error as the binding reads it, from a header."""
        return _error(status, TOO_MANY if status == 429 else INTERNAL, message)

    def handle(self, call: Call) -> Answer:
        """Route one request: everything goes to ``/``, the method is in the JSON."""
        if call.route == "GET /":
            asked, _ = self._parsed(call.headers.get("CF-R2-Request", ""), b"")
            routes = {"get": self._get, "head": self._head, "list": self._list}
            route = routes.get(asked.get("method", ""))
            if route is not None:
                self.charge("r2.class_a" if route == self._list else "r2.class_b")
                return route(asked)
        elif call.route == "PUT /":
            asked, payload = self._framed(call)
            if asked.get("method") == "put":
                self.charge("r2.class_a")
                return self._put(asked, payload)
            if asked.get("method") == "delete":
                return self._delete(asked)
        else:
            return not_found(call)
        return _error(501, INTERNAL, f"method {asked.get('method')!r} is not served")

    def _get(self, asked: dict[str, Any]) -> Reply:
        found = self._found(asked)
        if not holds(asked.get("onlyIf"), found.etag, found.uploaded):
            failed = "At least one of the pre-conditions you specified did not hold."
            error = _error(412, PRECONDITION_FAILED, failed)
            return _framed(found.described(), b"", 412, dict(error.headers))
        part = window(asked, len(found.body))
        if part is None:
            self._refuse(416, INVALID_RANGE, "The requested range is not satisfiable")
        start, length = part
        described = found.described({"offset": start, "length": length})
        return _framed(described, found.body[start : start + length])

    def _head(self, asked: dict[str, Any]) -> Reply:
        return _framed(self._found(asked).described())

    def _put(self, asked: dict[str, Any], payload: bytes) -> Reply:
        key = self._key(asked.get("object"))
        custom = asked.get("customFields") or []
        if sum(len(f"{f['k']}{f['v']}".encode()) for f in custom) > MAX_METADATA:
            text = "Your metadata headers exceed the maximum allowed metadata size."
            self._refuse(400, METADATA_TOO_LARGE, text)
        self._limit_rate(key)
        old = self._objects.get(key)
        stamp = (None, None) if old is None else (old.etag, old.uploaded)
        if not holds(asked.get("onlyIf"), *stamp):
            text = "At least one of the pre-conditions you specified did not hold."
            self._refuse(412, PRECONDITION_FAILED, text)
        new = self._made(key, payload, asked)
        if asked.get("md5") and base64.b64decode(asked["md5"]).hex() != new.etag:
            text = "The MD5 checksum you specified did not match what we received."
            self._refuse(400, BAD_DIGEST, text)
        self._objects[key] = new
        return _framed(new.described())

    def _delete(self, asked: dict[str, Any]) -> Reply:
        for name in asked.get("objects") or [asked.get("object")]:
            self._objects.pop(self._key(name), None)
        return Reply()

    def _list(self, asked: dict[str, Any]) -> Reply:
        limit = asked.get("limit", MAX_LIST)
        if not isinstance(limit, int) or not 1 <= limit <= MAX_LIST:
            text = "MaxKeys params must be positive integer <= 1000."
            self._refuse(400, INVALID_MAX_KEYS, text)
        try:
            found = page(sorted(self._objects), asked, limit)
        except ValueError:
            self._refuse(400, INVALID_ARGUMENT, "The cursor is not valid")
        answer: dict[str, Any] = {
            "objects": [self._objects[key].described() for key in found.keys],
            "truncated": found.cursor is not None,
            "delimitedPrefixes": found.prefixes,
        }
        if found.cursor is not None:
            answer["cursor"] = found.cursor
        return _framed(answer)

    def _made(self, key: str, body: bytes, asked: dict[str, Any]) -> Object:
        self._writes += 1
        return Object(
            key,
            body,
            hashlib.md5(body, usedforsecurity=False).hexdigest(),
            f"{self._writes:032x}",
            int(self.clock() * 1000),
            asked.get("httpFields") or {},
            asked.get("customFields") or [],
        )

    def _found(self, asked: dict[str, Any]) -> Object:
        found = self._objects.get(self._key(asked.get("object")))
        if found is None:
            self._refuse(404, NO_SUCH_KEY, "The specified key does not exist.")
        return found

    def _key(self, name: Any) -> str:
        if not isinstance(name, str) or not 1 <= len(name.encode()) <= MAX_KEY:
            text = "The specified object name is not valid."
            self._refuse(400, INVALID_NAME, text)
        return name

    def _limit_rate(self, key: str) -> None:
        now = self.clock()
        too_soon = now - self._last_write.get(key, now - 60) < WRITE_INTERVAL_S
        if self.settings.enforce_write_rate and too_soon:
            self._refuse(429, TOO_MANY, "Reduce your concurrent request rate.")
        self._last_write[key] = now

    def _framed(self, call: Call) -> tuple[dict[str, Any], bytes]:
        size = call.headers.get("CF-R2-Metadata-Size", "")
        if not size.isdecimal():
            self._refuse(400, INVALID_ARGUMENT, "Metadata missing or invalid")
        return self._parsed(call.body[: int(size)], call.body[int(size) :])

    def _parsed(self, text: str | bytes, rest: bytes) -> tuple[dict[str, Any], bytes]:
        try:
            asked = orjson.loads(text)
        except orjson.JSONDecodeError:
            asked = None
        if not isinstance(asked, dict):
            self._refuse(400, INVALID_ARGUMENT, "Metadata missing or invalid")
        return asked, rest

    def _refuse(self, status: int, code: int, message: str) -> NoReturn:
        raise Refusal(_error(status, code, message))


def _framed(
    value: Any, body: bytes = b"", status: int = 200, more: dict[str, str] | None = None
) -> Reply:
    head = orjson.dumps(value)
    headers = {
        "Content-Type": "application/json",
        "CF-R2-Metadata-Size": str(len(head)),
        **(more or {}),
    }
    return Reply(status, headers, head + body)


def _error(status: int, code: int, message: str) -> Reply:
    error = orjson.dumps({"version": 1, "v4code": code, "message": message}).decode()
    return Reply(status, {"CF-R2-Error": error})

"""Workers KV over HTTP, as the binding in workerd speaks it.

Routes, status codes and messages follow workerd's kv.c++ and the simulator of
workers-sdk (both 2026-08). Stale reads and the limit of one write per second and key
can be switched on, because a rate limiter built on KV meets both.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import unquote

import msgspec
import orjson

from bench.errors import UserError
from bench.services._kv_rules import (
    MAX_BULK,
    MAX_VALUE,
    WRITE_INTERVAL_S,
    check_cache_ttl,
    check_key,
    check_metadata,
    check_value,
    error,
    expiration,
    list_limit,
    refuse,
)
from bench.services._kv_store import Entry, Store
from bench.services._messages import Answer, Call, Reply, json_reply
from bench.services._service import Base

HOST = "fake-host"

# Cloudflare docs, KV pricing: by key, a read of one that is not there included.
CHARGES = {
    "kv.reads": "each key that is read, found or not, in a bulk read too",
    "kv.writes": "each value that is put",
    "kv.deletes": "each key that is deleted, there or not",
    "kv.lists": "each page of a list",
}
NOTE = "what is refused costs nothing here; whether it does at Cloudflare is not said"


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``staleness_ms``: how long a read keeps seeing the value before a write."""

    enforce_write_rate: bool = False
    staleness_ms: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Service(Base):
    """One namespace. ``put`` takes ``{key: text, bytes or JSON value}``, or a list of
    ``{"key", "value", "metadata"?, "expiration"?}``; ``dump`` gives ``{key: {"value":
    bytes, "metadata", "expiration"}}``."""

    Settings = Settings
    charges = CHARGES

    def clear(self) -> None:
        """Forget all keys."""
        self._store = Store(self.clock)

    def put(self, data: Any) -> None:
        """Store values that every read sees at once, whatever the staleness."""
        if isinstance(data, Mapping):
            data = [{"key": key, "value": value} for key, value in data.items()]
        for item in data:
            metadata = item.get("metadata")
            text = None if metadata is None else orjson.dumps(metadata).decode()
            value = _as_bytes(item["value"])
            self._store.seed(item["key"], Entry(value, text, item.get("expiration")))

    def dump(self) -> dict[str, Any]:
        """The newest versions of what has not expired."""
        entries = {key: self._store.read(key) for key in self._store}
        return {
            key: {
                "value": entry.value,
                "metadata": _loads(entry.metadata),
                "expiration": entry.expiration,
            }
            for key, entry in entries.items()
            if entry is not None
        }

    def failure(self, status: int, message: str) -> Reply:
        """KV answers errors as plain text; the binding shows the status line."""
        return error(status, message)

    def handle(self, call: Call) -> Answer:
        """Route one request; any other path is a key."""
        if call.route == "POST /bulk/get":
            return self._get_many(call.body)
        if call.route == "GET /":
            return self._list(call.query)
        if call.method not in {"GET", "PUT", "DELETE"}:
            return json_reply({"error": f"no route for {call.route}"}, 404)
        key = check_key(self._decoded(call))
        if call.method == "GET":
            return self._get(key, call.query)
        if call.method == "PUT":
            return self._put(key, call)
        return self._write(key, Entry(None, written=self.clock()))

    def _get(self, key: str, query: Mapping[str, str]) -> Reply:
        check_cache_ttl(query.get("cache_ttl"))
        self.charge("kv.reads")
        entry = self._visible(key)
        if entry is None or entry.value is None:
            return json_reply({"error": "key not found"}, 404)
        headers = {"Content-Type": "application/octet-stream"}
        if entry.expiration is not None:
            headers["CF-Expiration"] = str(entry.expiration)
        if entry.metadata is not None:
            headers["CF-KV-Metadata"] = entry.metadata
        return Reply(200, headers, entry.value)

    def _get_many(self, body: bytes) -> Reply:
        try:
            asked = orjson.loads(body)
            keys, kind = list(asked["keys"]), asked.get("type") or "text"
        except (orjson.JSONDecodeError, TypeError, KeyError):
            refuse(400, "the body must be an object with a list of keys")
        if kind not in {"text", "json"}:
            refuse(400, f'"{kind}" is not a valid type. Use "json" or "text"')
        if not 1 <= len(keys) <= MAX_BULK:
            refuse(400, f"You can request 1 to {MAX_BULK} keys")
        check_cache_ttl(asked.get("cacheTtl"))
        found = {key: self._visible(check_key(key)) for key in keys}
        if (
            sum(len(entry.value or b"") for entry in found.values() if entry)
            > MAX_VALUE
        ):
            refuse(413, "Total size of request exceeds the limit of 25MB")
        with_metadata = bool(asked.get("withMetadata"))
        values = {
            key: self._bulk(entry, kind, with_metadata) for key, entry in found.items()
        }
        self.charge("kv.reads", len(keys))
        return json_reply(values)

    def _bulk(self, entry: Entry | None, kind: str, with_metadata: bool) -> Any:
        if entry is None or entry.value is None:
            return None
        text = entry.value.decode(errors="replace")
        try:
            value = orjson.loads(text) if kind == "json" else text
        except orjson.JSONDecodeError:
            refuse(
                400,
                "At least one of the requested keys corresponds to a non-json value",
            )
        if not with_metadata:
            return value
        return {"value": value, "metadata": _loads(entry.metadata)}

    def _put(self, key: str, call: Call) -> Reply:
        check_value(call.body)
        metadata = call.headers.get("CF-KV-Metadata")
        if metadata is not None:
            check_metadata(metadata)
        expires = expiration(call.query, math.floor(self.clock()))
        return self._write(key, Entry(call.body, metadata, expires, self.clock()))

    def _write(self, key: str, entry: Entry) -> Reply:
        since_last = entry.written - self._store.written(key)
        if self.settings.enforce_write_rate and since_last < WRITE_INTERVAL_S:
            refuse(429, "Too Many Requests")
        self.charge("kv.deletes" if entry.value is None else "kv.writes")
        self._store.write(key, entry, self.settings.staleness_ms / 1000)
        return Reply()

    def _list(self, query: Mapping[str, str]) -> Reply:
        limit = list_limit(query)
        prefix, after = query.get("prefix", ""), self._after(query.get("cursor", ""))
        self.charge("kv.lists")
        found = [
            (key, entry)
            for key in self._store
            if key.startswith(prefix) and key.encode() > after
            if (entry := self._visible(key))
        ]
        keys = [_listed(*one) for one in found[:limit]]
        if len(found) <= limit:
            return json_reply({"keys": keys, "list_complete": True})
        cursor = base64.b64encode(keys[-1]["name"].encode()).decode()
        return json_reply({"keys": keys, "list_complete": False, "cursor": cursor})

    def _visible(self, key: str) -> Entry | None:
        return self._store.read(key, self.settings.staleness_ms / 1000)

    def _after(self, cursor: str) -> bytes:
        try:
            return base64.b64decode(cursor, validate=True)
        except binascii.Error:
            refuse(400, "Invalid cursor")

    def _decoded(self, call: Call) -> str:
        key = call.path[1:]
        if call.query.get("urlencoded", "").lower() != "true":
            return key
        try:
            return unquote(key, errors="strict")
        except UnicodeDecodeError:
            refuse(400, "Could not URL-decode key name")


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if value is None:
        raise UserError(
            "a value must not be null", field="kv", remedy="leave the key out instead"
        )
    return orjson.dumps(value)


def _loads(metadata: str | None) -> Any:
    return None if metadata is None else orjson.loads(metadata)


def _listed(name: str, entry: Entry) -> dict[str, Any]:
    listed: dict[str, Any] = {"name": name}
    if entry.expiration is not None:
        listed["expiration"] = entry.expiration
    if entry.metadata is not None:
        listed["metadata"] = entry.metadata  # a JSON string, which the binding parses
    return listed

"""A queue: the producer's HTTP as the binding in workerd speaks it, and a consumer's
end for tests, because workerd cannot be made to consume over plain HTTP.

Follows workerd's queue.c++ (2026-08). Limits: Cloudflare docs, Queues limits, 2026-08.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any, NoReturn

import msgspec
import orjson

from bench.services._messages import Answer, Call, Refusal, Reply, json_reply, not_found
from bench.services._service import Base

HOST = "fake-host"

MAX_MESSAGE = 128_000
MAX_BATCH_MESSAGES = 100
MAX_BATCH = 256_000
MAX_DELAY_S = 86_400
OVERHEAD = 100  # bytes that the documentation counts per message besides its body
OPERATION = 64_000  # bytes, of 1,000 to a KB (Cloudflare docs, Queues pricing)
FORMATS = frozenset({"json", "text", "bytes", "v8"})

CHARGES = {
    "queues.operations": "64 KB of each message, begun, when it is written, whenever a "
    "consumer reads it, and when it is deleted"
}
NOTE = (
    "a request that sends is charged the write alone: reading and deleting its message "
    "are as many operations again, each, once a consumer takes and acknowledges it"
)


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``max_retries``: a message is dropped when it is given back more often."""

    max_retries: Annotated[int, msgspec.Meta(ge=0, le=100)] = 3


@dataclass(frozen=True, slots=True)
class Message:
    """A message; ``due`` is when it may be delivered, in Unix seconds."""

    id: str
    body: bytes
    content_type: str
    sent: float
    due: float
    attempts: int = 1

    def plain(self) -> dict[str, Any]:
        """As a consumer gets it; ``timestamp`` is Unix milliseconds."""
        return {
            "id": self.id,
            "timestamp": int(self.sent * 1000),
            "body": self.body,
            "content_type": self.content_type,
            "attempts": self.attempts,
        }


class Service(Base):
    """One queue. ``put`` takes a list of bodies (bytes, text or JSON values); ``dump``
    gives all undelivered messages as ``take`` does."""

    Settings = Settings
    commands = frozenset({"take", "retry"})
    charges = CHARGES

    def clear(self) -> None:
        """Forget all messages."""
        self._waiting: list[Message] = []
        self._taken: dict[str, Message] = {}
        self._sent = self._bytes = 0

    def put(self, data: Any) -> None:
        """Append messages."""
        for body in data:
            raw = body.encode() if isinstance(body, str) else body
            kind = "text" if isinstance(body, str) else "bytes"
            if not isinstance(raw, bytes):
                raw, kind = orjson.dumps(body), "json"
            self._append(raw, kind, 0)

    def dump(self) -> list[dict[str, Any]]:
        """Messages that wait, in order."""
        return [message.plain() for message in self._waiting]

    def take(self, limit: int = 10) -> list[dict[str, Any]]:
        """The next due messages, oldest first; the batch before is acknowledged."""
        self._operate(message.body for message in self._taken.values())
        now = self.clock()
        batch = [message for message in self._waiting if message.due <= now][:limit]
        self._taken = {message.id: message for message in batch}
        self._waiting = [m for m in self._waiting if m.id not in self._taken]
        self._bytes -= sum(len(message.body) for message in batch)
        self._operate(message.body for message in batch)
        return [message.plain() for message in batch]

    def retry(self, ids: list[str], delay_s: float = 0.0) -> None:
        """Put taken messages back in front; those without a retry left are deleted."""
        due = self.clock() + delay_s
        given = [self._taken.pop(id_) for id_ in ids if id_ in self._taken]
        most = self.settings.max_retries
        again = [
            replace(message, attempts=message.attempts + 1, due=due)
            for message in given
            if message.attempts <= most
        ]
        self._operate(message.body for message in given if message.attempts > most)
        self._waiting = again + self._waiting
        self._bytes += sum(len(message.body) for message in again)

    def failure(self, status: int, message: str) -> Reply:
        """An error as the binding reads it, from headers."""
        code = {429: "10250", 413: "10202", 400: "10200"}.get(status, "15000")
        headers = {"CF-Queues-Error-Code": code, "CF-Queues-Error-Cause": message}
        return json_reply({"error": message}, status, headers)

    def handle(self, call: Call) -> Answer:
        """Route one request."""
        if call.route == "POST /message":
            return self._message(call)
        if call.route == "POST /batch":
            return self._batch(call.body)
        if call.route == "GET /metrics":
            return json_reply(self._metrics())
        return not_found(call)

    def _message(self, call: Call) -> Reply:
        kind = call.headers.get("X-Msg-Fmt", "v8")
        delay = call.headers.get("X-Msg-Delay-Secs", "0")
        self._check(kind, call.body, int(delay) if delay.isdecimal() else -1)
        self._append(call.body, kind, int(delay))
        self._operate([call.body])
        return self._accepted()

    def _batch(self, body: bytes) -> Reply:
        try:
            given = [
                (
                    base64.b64decode(message["body"], validate=True),
                    message.get("contentType", "v8"),
                    message.get("delaySecs", 0),
                )
                for message in orjson.loads(body)["messages"]
            ]
        except (orjson.JSONDecodeError, binascii.Error, TypeError, KeyError):
            self._refuse(400, "the batch must be JSON with messages in base64")
        if not 1 <= len(given) <= MAX_BATCH_MESSAGES:
            text = f"a batch has 1 to {MAX_BATCH_MESSAGES} messages, got {len(given)}"
            self._refuse(413, text)
        if (size := sum(len(raw) + OVERHEAD for raw, _, _ in given)) > MAX_BATCH:
            self._refuse(413, f"a batch has at most {MAX_BATCH} bytes, got {size}")
        for raw, kind, delay in given:
            self._check(kind, raw, delay)
        for raw, kind, delay in given:
            self._append(raw, kind, delay)
        self._operate(raw for raw, _, _ in given)
        return self._accepted()

    def _check(self, kind: str, body: bytes, delay: Any) -> None:
        if kind not in FORMATS:
            self._refuse(400, f"unknown message format {kind!r}")
        if (size := len(body) + OVERHEAD) > MAX_MESSAGE:
            text = f"message length of {size} bytes exceeds limit of {MAX_MESSAGE}"
            self._refuse(413, text)
        if not isinstance(delay, int) or not 0 <= delay <= MAX_DELAY_S:
            self._refuse(400, f"a delay has 0 to {MAX_DELAY_S} seconds, got {delay}")

    def _append(self, body: bytes, kind: str, delay_s: float) -> None:
        self._sent += 1
        now = self.clock()
        id_ = f"{self.seed:08x}{self._sent:024x}"
        self._waiting.append(Message(id_, body, kind, now, now + delay_s))
        self._bytes += len(body)

    def _operate(self, bodies: Iterable[bytes]) -> None:
        """Charge for writing, reading or deleting messages with these bodies."""
        sizes = [len(body) + OVERHEAD for body in bodies]
        count = sum(math.ceil(size / OPERATION) for size in sizes)
        self.charge("queues.operations", count)

    def _accepted(self) -> Reply:
        return json_reply({"metadata": {"metrics": self._metrics()}})

    def _metrics(self) -> dict[str, int]:
        # The first has waited longest, whether it is new or was given back. Every
        # send is answered with these, so none of them may grow with the backlog.
        oldest = self._waiting[0].sent if self._waiting else 0.0
        return {
            "backlogCount": len(self._waiting),
            "backlogBytes": self._bytes,
            "oldestMessageTimestamp": int(oldest * 1000),
        }

    def _refuse(self, status: int, message: str) -> NoReturn:
        raise Refusal(self.failure(status, message))

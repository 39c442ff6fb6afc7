"""Queues, the producer's side: batches within the documented limits."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence

from bench.path import wire
from bench.path.env import Env
from bench.path.errors import BadStatus, Malformed
from bench.path.http import Call

SERVICE = "queue"
BATCH_MESSAGES = 100  # a sendBatch call (Cloudflare docs, Queues limits)
BATCH_BYTES = 128 * 1000  # under the 256 KB of a batch, and the limit of one message


def send_text(env: Env, message: bytes) -> None:
    """Send ``message`` as a text: the consumer gets the bytes as they are."""
    _post(env, "/message", {"x-msg-fmt": "text"}, message)


def send_batch(env: Env, messages: Sequence[bytes]) -> None:
    """Send JSON ``messages``, in as many calls as the limits ask for."""
    for part in batches(messages):
        _send(env, part)


def batches(messages: Sequence[bytes]) -> Iterator[list[bytes]]:
    """``messages`` in order, cut where a call would have too many or too large ones."""
    part: list[bytes] = []
    size = 0
    for message in messages:
        full = len(part) == BATCH_MESSAGES or size + len(message) > BATCH_BYTES
        if part and full:
            yield part
            part, size = [], 0
        part.append(message)
        size += len(message)
    if part:
        yield part


def _send(env: Env, part: list[bytes]) -> None:
    bodies = [
        {"body": base64.b64encode(message).decode(), "contentType": "json"}
        for message in part
    ]
    headers = {
        "content-type": "application/json",
        "cf-queue-batch-count": str(len(part)),
        "cf-queue-batch-bytes": str(sum(map(len, part))),
        "cf-queue-largest-msg": str(max(map(len, part))),
    }
    _post(env, "/batch", headers, wire.dumps({"messages": bodies}))


def _post(env: Env, path: str, headers: dict[str, str], body: bytes) -> None:
    call = Call(SERVICE, "POST", path, headers, body, env.options.timeout_s)
    reply = env.transport.send(call)
    if reply.status != 200:
        raise BadStatus(SERVICE, reply.status)
    try:
        wire.loads(reply.body)["metadata"]["metrics"]
    except (TypeError, ValueError, LookupError) as error:
        raise Malformed(SERVICE, "body") from error

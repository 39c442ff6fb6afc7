"""Doubles for the tests of the request path: scripted services, a meter, a reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.path.env import Env, Options, Secrets
from bench.path.http import Reply, Request, StreamReply

NOW = 1_790_000_000.0
SECRETS = Secrets("sk-ant-secret", "sk-openai-secret", "whsec-secret")
TOKEN = "sess_alice"
SESSION = {"tenantId": "acme", "userId": "u1", "expiresAt": int(NOW) + 60}
VECTOR = [0.0] * 1535 + [1.0]


def sse(*events: dict[str, Any]) -> bytes:
    """Anthropic events as they come over the wire."""
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        for event in events
    )


def says(*texts: str) -> bytes:
    """A whole Anthropic stream that says ``texts``, one delta each."""
    usage = {"input_tokens": 10, "output_tokens": 1}
    head = {"id": "msg_1", "model": "claude-x", "usage": usage}
    return sse(
        {"type": "message_start", "message": head},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        *[text_delta(text) for text in texts],
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 7},
        },
        {"type": "message_stop"},
    )


def text_delta(text: str) -> dict[str, Any]:
    """One text delta event."""
    delta = {"type": "text_delta", "text": text}
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """A reply with a JSON body; ``headers`` with - written as _."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, named, json.dumps(value).encode())


@dataclass
class Call:
    """One call that the path made."""

    service: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Scripted:
    """A transport whose services are functions of the call; every call is kept.

    ``replies`` overrides a service by a reply, an exception, or a function of the
    call that gives one.
    """

    replies: dict[str, Any] = field(default_factory=dict)
    stream_chunks: Iterable[bytes] = field(default_factory=lambda: [says("Hello")])
    calls: list[Call] = field(default_factory=list)
    closed: int = 0

    def send(self, service, method, path, headers, body, timeout) -> Reply:
        call = Call(service, method, path, dict(headers), body)
        self.calls.append(call)
        answer = self.replies.get(service, DEFAULTS.get(service))
        if callable(answer):
            answer = answer(call)
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None, f"no script for {service}"
        return answer

    def stream(self, service, method, path, headers, body, timeout) -> StreamReply:
        head = Reply(200, {}, b"")
        if service in self.replies:
            head = self.send(service, method, path, headers, body, timeout)
        else:
            self.calls.append(Call(service, method, path, dict(headers), body))
        chunks = iter(self.stream_chunks)
        return StreamReply(head.status, head.headers, _raising(chunks), self._close)

    def _close(self) -> None:
        self.closed += 1

    def to(self, service: str) -> list[Call]:
        return [call for call in self.calls if call.service == service]


def _raising(chunks):
    """Chunks, where an exception in their place is raised."""
    for chunk in chunks:
        if isinstance(chunk, Exception):
            raise chunk
        yield chunk


def _kv(call: Call) -> Reply:
    if call.method == "GET" and call.path.startswith(f"/session%3A{TOKEN}?"):
        return reply(SESSION)
    return Reply(404 if call.method == "GET" else 200, {}, b"")


def _d1(call: Call) -> Reply:
    part = {"success": True, "results": {"columns": [], "rows": []}, "meta": {}}
    return reply([part for _ in call.json], x_cf_d1_session_commit_token="0001")


def _embeddings(call: Call) -> Reply:
    texts = call.json["input"]
    count = 1 if isinstance(texts, str) else len(texts)
    items = [{"embedding": VECTOR, "index": n} for n in range(count)]
    return reply({"data": items})


def match(name: str, values: list[float] | None = None, **metadata: Any) -> dict:
    """One match of Vectorize."""
    about = {"tenantId": "acme", "content": f"text of {name}", **metadata}
    found = {"id": name, "score": 0.5, "metadata": about}
    return found if values is None else {**found, "values": values}


def _vectorize(call: Call) -> Reply:
    if call.path == "/upsert":
        return reply({"mutationId": "m1"})
    values = VECTOR if call.json["returnValues"] else None
    matches = [match(f"chunk-{n}", values) for n in range(call.json["topK"])]
    return reply({"count": len(matches), "matches": matches})


def _r2(call: Call) -> Reply:
    if call.method == "PUT":
        return reply({"name": "x"})
    head = json.dumps({"size": 5}).encode()
    return Reply(200, {"cf-r2-metadata-size": str(len(head))}, head + b"a\nb c")


DEFAULTS: dict[str, Callable[[Call], Reply] | Reply] = {
    "kv": _kv,
    "d1": _d1,
    "embeddings": _embeddings,
    "vectorize": _vectorize,
    "r2": _r2,
    "queue": reply({"metadata": {"metrics": {}}}),
    "anthropic": reply(
        {"content": [{"type": "text", "text": "in short"}], "stop_reason": "end_turn"}
    ),
}


def env(transport: Any, now: float = NOW, **options: Any) -> Env:
    """An environment over ``transport`` whose made-up ids count up from 1."""
    ids = (f"id-{n}" for n in range(1, 10_000))
    return Env(
        transport, Options(**options), lambda: now, SECRETS, new_id=lambda: next(ids)
    )


def chat(body: Any = None, token: str = TOKEN, **headers: str) -> Request:
    """A chat request; ``body`` is JSON, or bytes as they are."""
    if body is None:
        body = {"query": "Why?", "conversationId": "c1", "turnId": "t1"}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Request("POST", "/chat", {"authorization": f"Bearer {token}", **named}, raw)


def data_of(body: bytes) -> list[Any]:
    """The JSON of every event of an event stream; the end mark as it is."""
    events = [part for part in body.split(b"\n\n") if part.startswith(b"data: ")]
    return [
        "[DONE]" if event == b"data: [DONE]" else json.loads(event[6:])
        for event in events
    ]


def text_of(body: bytes) -> str:
    """The text of an OpenAI stream, read by nothing but json."""
    chunks = [event for event in data_of(body) if isinstance(event, dict)]
    return "".join(
        choice["delta"].get("content") or ""
        for chunk in chunks
        for choice in chunk.get("choices", [])
    )


def error_of(body: bytes) -> dict[str, str]:
    """The error of an answer; fails where the body has another form."""
    value = json.loads(body)
    assert list(value) == ["error"]
    assert list(value["error"]) == ["type", "message"]
    return value["error"]

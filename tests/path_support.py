"""Doubles for the tests of the request path, what is sent to it, and readers of it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bench.path import invoke
from bench.path.env import Env, Options, Secrets
from bench.path.http import Call, Reply, Request, StreamReply, read
from bench.path.state import State

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


class Made(Call):
    """One call that the path made."""

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
    calls: list[Made] = field(default_factory=list)
    closed: int = 0

    def send(self, call: Call) -> Reply:
        made = self._keep(call)
        answer = self.replies.get(call.service, DEFAULTS.get(call.service))
        if callable(answer):
            answer = answer(made)
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None, f"no script for {call.service}"
        return answer

    def stream(self, call: Call) -> StreamReply:
        head = Reply(200, {}, b"")
        if call.service in self.replies:
            head = self.send(call)
        else:
            self._keep(call)
        chunks = raising(self.stream_chunks)
        return StreamReply(head.status, head.headers, chunks, self._close)

    def _keep(self, call: Call) -> Made:
        parts = {part.name: getattr(call, part.name) for part in fields(call)}
        self.calls.append(Made(**{**parts, "headers": dict(call.headers)}))
        return self.calls[-1]

    def _close(self) -> None:
        self.closed += 1

    def to(self, service: str) -> list[Made]:
        return [call for call in self.calls if call.service == service]


def raising(chunks: Iterable[bytes | Exception]) -> Iterator[bytes]:
    """Chunks, where an exception in their place is raised."""
    for chunk in chunks:
        if isinstance(chunk, Exception):
            raise chunk
        yield chunk


def _kv(call: Made) -> Reply:
    if call.method == "GET" and call.path.startswith(f"/session%3A{TOKEN}?"):
        return reply(SESSION)
    return Reply(404 if call.method == "GET" else 200, {}, b"")


def _d1(call: Made) -> Reply:
    part = {"success": True, "results": {"columns": [], "rows": []}, "meta": {}}
    return reply([part for _ in call.json], x_cf_d1_session_commit_token="0001")


def _embeddings(call: Made) -> Reply:
    texts = call.json["input"]
    count = 1 if isinstance(texts, str) else len(texts)
    items = [{"embedding": VECTOR, "index": n} for n in range(count)]
    return reply({"data": items})


def match(name: str, values: list[float] | None = None, **metadata: Any) -> dict:
    """One match of Vectorize."""
    about = {"tenantId": "acme", "content": f"text of {name}", **metadata}
    found = {"id": name, "score": 0.5, "metadata": about}
    return found if values is None else {**found, "values": values}


def _vectorize(call: Made) -> Reply:
    if call.path == "/upsert":
        return reply({"mutationId": "m1"})
    values = VECTOR if call.json["returnValues"] else None
    matches = [match(f"chunk-{n}", values) for n in range(call.json["topK"])]
    return reply({"count": len(matches), "matches": matches})


def _r2(call: Made) -> Reply:
    if call.method == "PUT":
        return reply({"name": "x"})
    head = json.dumps({"size": 5}).encode()
    return Reply(200, {"cf-r2-metadata-size": str(len(head))}, head + b"a\nb c")


DEFAULTS: dict[str, Callable[[Made], Reply] | Reply] = {
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


def answer(
    request: Request | None = None,
    replies: dict[str, Any] | None = None,
    **options: Any,
) -> tuple[State, Any, bytes, Scripted]:
    """State, response, body and transport of one chat request."""
    return run("chat", request or chat(), replies, **options)


def upload(
    body: bytes = b"{}",
    path: str = "/transcripts/call-7",
    method: str = "POST",
    **headers: str,
) -> Request:
    """A transcript that is sent to be ingested."""
    given = {
        "authorization": f"Bearer {TOKEN}",
        "content-type": "application/json; charset=utf-8",
    }
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Request(method, path, {**given, **named}, body)


def ingest(
    body: bytes, replies: dict[str, Any] | None = None, **options: Any
) -> tuple[State, Any, bytes, Scripted]:
    """State, response, body and transport of one transcript's ingestion."""
    return run("ingest", upload(body), replies, **options)


def run(
    invocation: str, request: Request, replies: dict[str, Any] | None, **options: Any
) -> tuple[State, Any, bytes, Scripted]:
    """State, response, body and transport of a request on scripted services."""
    transport = Scripted(replies or {})
    state, response = invoke(invocation, request, env(transport, **options))
    return state, response, read(response), transport


def transcript(
    paragraphs: Iterable[tuple[Any, str, float, float]], **alternative: Any
) -> str:
    """A response whose paragraphs are (speaker, text, start, end)."""
    listed = [
        {"sentences": [{"text": text}], "speaker": who, "start": start, "end": end}
        for who, text, start, end in paragraphs
    ]
    best = {"transcript": "", "words": [], "paragraphs": {"paragraphs": listed}}
    return wrap({**best, **alternative})


def wrap(*alternatives: dict[str, Any], **results: Any) -> str:
    """A response with a channel for each of ``alternatives``."""
    channels = [{"alternatives": [alternative]} for alternative in alternatives]
    return json.dumps({"metadata": {}, "results": {"channels": channels, **results}})


def cut(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """``data`` in pieces; any numbers will do as the places to cut."""
    edges = [0, *sorted(c % (len(data) + 1) for c in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def streams(real: Path, kind: str) -> list[Path]:
    """The recorded streams of one provider."""
    return sorted((real / "sse" / kind).glob("*.sse"))


def said(data: bytes) -> str:
    """The text of an Anthropic stream, read by nothing but lines and json."""
    events = [
        json.loads(line.removeprefix("data:"))
        for line in data.decode().split("\n")
        if line.startswith("data:")
    ]
    texts = [event["delta"].get("text", "") for event in events if "delta" in event]
    starts = [event["content_block"] for event in events if "content_block" in event]
    return "".join(start.get("text", "") for start in starts) + "".join(texts)


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

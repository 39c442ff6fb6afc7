"""The chunks that the journey's chat request retrieves, with texts of any size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import orjson

from bench import fixture_set
from bench.errors import BenchError
from bench.path import invoke, wire
from bench.path.bindings import vectorize
from bench.path.chat import State
from bench.path.chat.assemble import chunk_key
from bench.path.consume.upsert import metadata
from bench.path.env import DIMENSIONS, Env
from bench.path.errors import BadStatus
from bench.path.http import Call, read
from bench.path.transport import HttpTransport, Recorder, Transport
from bench.runtimes import environment
from bench.services._vector_rules import MAX_METADATA

if TYPE_CHECKING:
    from bench.runtimes import Scene
    from bench.services import Services

METADATA, R2 = "metadata", "r2"
LARGEST = "largest in metadata"
_SIZES = {"1.2 KB a text": 1200}
_READ = (vectorize.SERVICE, "r2")
# Of no tenant of the journey, so that no request of it finds the vector.
_NOBODY = {"tenantId": "nobody", "transcriptId": "", "text": ""}
_EDGE = "edge"


class Chunks:
    """Texts are put where a ``context`` has them, and put back at the end.

    ``sizes`` are bytes of a text by name; the largest fills the metadata of a vector
    that has them beside what the path stores.
    """

    def __init__(self, scene: Scene, services: Services) -> None:
        self._scene, self._services = scene, services
        self._transport = HttpTransport(scene.endpoints)
        state = self._asked(METADATA, self._transport)
        found = vectorize.query(
            self._env(METADATA, self._transport),
            state.vector,
            state.session.tenant,
            scene.world.options.top_k,
            values=True,
        )
        self._before: list[dict[str, Any]] = [
            {"id": one.id, "values": one.values, "metadata": one.metadata}
            for one in found
        ]
        rest = max(len(_json({**m["metadata"], "content": ""})) for m in self._before)
        self.sizes = {**_SIZES, LARGEST: MAX_METADATA - rest}
        self._contexts: dict[str, str] = {}

    def fill(self, size: str, context: str) -> None:
        """Give every chunk a text of that size, in metadata or in R2 alone."""
        text = _prose(self.sizes[size])
        vectors = [{**one, "metadata": {**one["metadata"]}} for one in self._before]
        for one in vectors:
            if context == R2:
                del one["metadata"]["content"]
            else:
                one["metadata"]["content"] = text
        self._services.put("vectorize", {"vectors": vectors})
        self._put_texts({one["id"]: text for one in vectors})
        self._size = size

    def replies(self, context: str) -> tuple[int, int]:
        """Calls that a chat request makes, and bytes of the replies of index and
        bucket, as the chunks are filled.

        Raises BenchError where its prompt is not the one of the other context.
        """
        recorder = Recorder(self._transport)
        state = self._asked(context, recorder)
        expected = self._contexts.setdefault(self._size, state.context)
        if state.context != expected or not expected:
            raise BenchError(f"{context}: another context than from elsewhere")
        received = sum(
            len(b"".join(one.chunks))
            for one in recorder.recording
            if one.call.service in _READ
        )
        return len(recorder.recording), received

    def edge(self) -> Iterator[tuple[int, bool]]:
        """Metadata of that many bytes, as the path writes it, and whether Vectorize
        accepts it: the limit and one byte more. Raises UpstreamError."""
        env = self._env(METADATA, self._transport)
        rest = len(_json(metadata(_NOBODY, 0, content=True)))
        for size in (MAX_METADATA, MAX_METADATA + 1):
            chunk = {**_NOBODY, "text": _prose(size - rest)}
            about = metadata(chunk, 0, content=True)
            line = {"id": _EDGE, "values": [1.0] * DIMENSIONS, "metadata": about}
            try:
                vectorize.upsert(env, [wire.dumps(line)])
            except BadStatus as error:
                if error.status != 400:
                    raise
                yield size, False
            else:
                yield size, True
        forget = Call(
            vectorize.SERVICE,
            "POST",
            "/deleteByIds",
            {"content-type": "application/json"},
            wire.dumps({"ids": [_EDGE]}),
            env.options.timeout_s,
        )
        if (reply := self._transport.send(forget)).status != 200:
            raise BadStatus(vectorize.SERVICE, reply.status)

    def close(self) -> None:
        """Put back what was there."""
        self._services.put("vectorize", {"vectors": self._before})
        self._put_texts({m["id"]: m["metadata"]["content"] for m in self._before})
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _put_texts(self, texts: dict[str, str]) -> None:
        self._services.put("r2", {chunk_key(id_): text for id_, text in texts.items()})

    def _asked(self, context: str, transport: Transport) -> State:
        request = self._scene.world.requests["chat"]
        state, response = invoke("chat", request, self._env(context, transport))
        answer = response.status, read(response)
        if answer != self._scene.expected["chat"] or not isinstance(state, State):
            raise BenchError(f"the path answered {answer[0]} {answer[1][:200]!r}")
        return state

    def _env(self, context: str, transport: Transport) -> Env:
        variant: dict[str, Any] = {"context": context}
        env = environment(self._scene.world, transport)
        return replace(env, options=replace(env.options, **variant))


def _prose(size: int) -> str:
    """Text of ``size`` bytes that is as long in JSON."""
    lines = fixture_set.read("corpus.ndjson").splitlines()
    text = " ".join(orjson.loads(line)["content"] for line in lines)
    plain = "".join(
        c for c in text if c.isascii() and c.isprintable() and c not in '"\\'
    )
    return (plain * (1 + size // len(plain)))[:size]


def _json(value: Any) -> bytes:
    """As Vectorize counts it: compact, in UTF-8."""
    return orjson.dumps(value)

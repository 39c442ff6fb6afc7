"""What a request is given besides itself: transport, options, clock, secrets, memory.

The same role as ``env`` in a Worker's ``fetch(request, env, ctx)``. It is made once
per process (per isolate) and shared by all its requests.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints

from bench.errors import UserError
from bench.path.memory import Memory

if TYPE_CHECKING:
    from bench.path.transport import Transport

DIMENSIONS = 1536
_CHUNK_LIMIT = 2400  # of at most 4 bytes each, beside some 200 bytes of other fields


@dataclass(frozen=True, slots=True)
class Options:
    """Which variant of each stage runs, and the limits that the path imposes.

    rerank: leave the order of Vectorize, score again in the path, or have a service
        do so that holds the vectors.
    parse: decode the whole transcript, or only the fields that are read.
    stream: convert Anthropic events to OpenAI chunks, or pass the bytes on.
    context: chunk texts lie in the vectors' metadata, or in R2 under the chunk's id.
    consistency: how a conversation is read after it was written (load_conversation).
    embedding: number text or base64 in the embedding reply.
    Raises UserError for a variant that does not exist.
    """

    rerank: Literal["off", "in_path", "offload"] = "off"
    parse: Literal["full", "fields"] = "full"
    stream: Literal["convert", "pass"] = "convert"
    context: Literal["metadata", "r2"] = "metadata"
    consistency: Literal["none", "session", "memory"] = "none"
    embedding: Literal["float", "base64"] = "float"
    top_k: int = 8  # chunks that a chat request retrieves
    rate_per_minute: int = 60  # tokens that a tenant's bucket holds and regains
    history_messages: int = 100  # newest messages of a conversation that are loaded
    summarize_over_tokens: int = 8000
    chunk_chars: int = 1200  # longest text of a chunk, without its overlap
    chunk_overlap: int = 0  # characters of a chunk that the next one repeats
    chunks_per_message: int = 32  # chunks that one queue message stands for
    max_transcript_bytes: int = 32 * 2**20
    max_tool_calls: int = 2
    timeout_s: float = 10.0
    llm_timeout_s: float = 60.0

    def __post_init__(self) -> None:
        if self.chunk_chars + self.chunk_overlap > _CHUNK_LIMIT:
            raise UserError(
                f"a chunk may have {_CHUNK_LIMIT} characters with its overlap, so that "
                "it fits into the 10 KiB of a vector's metadata",
                field="chunk_chars",
                remedy="choose smaller chunks or less overlap",
            )
        hints = get_type_hints(Options)
        for option in fields(self):
            allowed = get_args(hints[option.name])
            value = getattr(self, option.name)
            if allowed and value not in allowed:
                raise UserError(
                    f"{value!r} is not a variant",
                    field=option.name,
                    remedy=f"choose one of {', '.join(allowed)}",
                )


def variants(texts: Iterable[str]) -> dict[str, Any]:
    """Options by name from texts such as ``rerank=in_path``.

    Raises UserError for a name that does not exist, and for a value that is none.
    """
    kinds: dict[str, type[Any]] = {
        option.name: type(getattr(Options(), option.name)) for option in fields(Options)
    }
    given: dict[str, Any] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in kinds:
            raise UserError(
                f"{name!r} is no option of the path",
                field="option",
                remedy=f"choose one of {', '.join(kinds)}",
            )
        try:
            given[name] = kinds[name](value)
        except ValueError:
            raise UserError(
                f"{value!r} is not a number", field=name, remedy="give a number"
            ) from None
    Options(**given)
    return given


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys of the paid services and of the webhook; never printed."""

    anthropic_api_key: str = field(repr=False)
    openai_api_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Env:
    """Shared by all requests of a process.

    ``clock`` gives Unix seconds. ``memory`` is what this process (this isolate)
    remembers between requests; another one has its own.
    """

    transport: Transport
    options: Options
    clock: Callable[[], float]
    secrets: Secrets
    memory: Memory = field(default_factory=Memory)
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex

"""msgspec with types: only the fields that are read become objects."""

from __future__ import annotations

from typing import Any

import msgspec

from bench.parsers import Question
from bench.parsers._objects import floats, from_table, version_of
from bench.path.ingest import Turn, _fields
from bench.path.ingest._turns import has_sentences, turns

RUNTIME = "cpython"
NOTE = (
    "msgspec.json.Decoder of structs with only what is asked; checks the whole body, "
    "and of a skipped part no more than its syntax"
)

version = version_of("msgspec")


class Word(msgspec.Struct):
    """A word of a transcript."""

    word: str
    start: float
    end: float
    confidence: float | None = None
    speaker: int | float | None = None
    punctuated_word: str | None = None


class Alternative(msgspec.Struct):
    """A reading of a channel."""

    transcript: str
    words: list[Word] = []


class Channel(msgspec.Struct):
    """A channel with its readings, the best one first."""

    alternatives: list[Alternative]


class Results(msgspec.Struct):
    """The channels of a transcript."""

    channels: list[Channel]


class Transcript(msgspec.Struct):
    """A transcript without its metadata."""

    results: Results


class Metadata(msgspec.Struct):
    """What the metadata of a transcript begins with."""

    request_id: str | None = None
    created: str | None = None
    duration: float | None = None
    channels: int | float | None = None


class Head(msgspec.Struct):
    """A transcript without its results."""

    metadata: Metadata


class Item(msgspec.Struct):
    """An embedding: numbers, or float32 in base64, which msgspec decodes."""

    embedding: list[float] | bytes


class Embeddings(msgspec.Struct):
    """The items of an embeddings response."""

    data: list[Item]


class Match(msgspec.Struct):
    """A match of a Vectorize query without its metadata."""

    id: str
    score: float
    values: list[float] | None = None


class Matches(msgspec.Struct):
    """The matches of a Vectorize query."""

    matches: list[Match]


_transcript = msgspec.json.Decoder(Transcript)
_head = msgspec.json.Decoder(Head)
_embeddings = msgspec.json.Decoder(Embeddings)
_matches = msgspec.json.Decoder(Matches)


def _fields_of(body: bytes) -> list[Alternative]:
    channels = _transcript.decode(body).results.channels
    return [channel.alternatives[0] for channel in channels]


def _chunks(body: bytes) -> list[Turn]:
    # As the request path does it: words only where nothing else holds the text.
    transcript = _fields.decode(body, words=False)
    if not has_sentences(transcript):
        transcript = _fields.decode(body, words=True)
    return turns(transcript)


def _vectors(body: bytes) -> list[Any]:
    found = (item.embedding for item in _embeddings.decode(body).data)
    return [floats(each) if isinstance(each, bytes) else each for each in found]


reader = from_table(
    {
        Question("fields", "transcript"): _fields_of,
        Question("first", "transcript"): lambda body: _head.decode(body).metadata,
        Question("chunks", "transcript"): _chunks,
        Question("fields", "embedding"): _vectors,
        Question("fields", "vectorize"): lambda body: _matches.decode(body).matches,
    }
)

"""The fields of a Deepgram response that ingestion reads, as types for msgspec.

TypedDicts rather than Structs: the result then has the same shape as what
``json.loads`` gives, and one function reads turns out of both.
"""

from __future__ import annotations

import functools
from typing import Any, TypedDict

import msgspec


class Sentence(TypedDict):
    """A sentence of a paragraph."""

    text: str


class Paragraph(TypedDict, total=False):
    """Sentences of one speaker."""

    sentences: list[Sentence]
    speaker: int | None
    start: float
    end: float


class Paragraphs(TypedDict, total=False):
    """The container of paragraphs, without its second copy of the transcript."""

    paragraphs: list[Paragraph]


class Word(TypedDict, total=False):
    """A word with its times."""

    word: str
    punctuated_word: str | None
    start: float
    end: float
    speaker: int | None


class Alternative(TypedDict, total=False):
    """The best reading of a channel, without its words."""

    transcript: str
    paragraphs: Paragraphs | None


class WordyAlternative(Alternative, total=False):
    """The best reading of a channel with its words."""

    words: list[Word]


class Channel(TypedDict):
    """A channel, without its words."""

    alternatives: list[Alternative]


class WordyChannel(TypedDict):
    """A channel with its words."""

    alternatives: list[WordyAlternative]


class Utterance(TypedDict, total=False):
    """What one speaker said between two pauses, without its words."""

    transcript: str
    start: float
    end: float
    speaker: int | None
    channel: int


class Results(TypedDict, total=False):
    """``results`` of a response, without words."""

    channels: list[Channel]
    utterances: list[Utterance] | None


class WordyResults(TypedDict, total=False):
    """``results`` of a response with words."""

    channels: list[WordyChannel]
    utterances: list[Utterance] | None


class Transcript(TypedDict):
    """A response, without words."""

    results: Results


class WordyTranscript(TypedDict):
    """A response with words."""

    results: WordyResults


@functools.cache
def _decoder(*, words: bool) -> Any:
    return msgspec.json.Decoder(WordyTranscript if words else Transcript)


def decode(body: bytes, *, words: bool) -> Any:
    """The response with only these fields; ValueError where it has another shape."""
    return _decoder(words=words).decode(body)

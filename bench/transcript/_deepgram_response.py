"""The fields of a Deepgram response that must be right if they are there.

Only what the request path and the figures read is typed; every other key is free, so
that responses of all models and versions pass.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Seconds = Annotated[float, Meta(ge=0)]


class Word(Struct, gc=False):
    """A word as Deepgram gives it; the keys that the path does not read are free."""

    word: str
    start: Seconds
    end: Seconds
    confidence: float | None = None
    speaker: int | None = None
    punctuated_word: str | None = None


class Sentence(Struct, gc=False):
    """Part of a paragraph."""

    text: str
    start: Seconds
    end: Seconds


class Paragraph(Struct):
    """Sentences of one speaker."""

    sentences: list[Sentence]
    start: Seconds
    end: Seconds
    speaker: int | None = None


class Paragraphs(Struct):
    """The text once more, by paragraph."""

    transcript: str = ""
    paragraphs: list[Paragraph] = []


class Alternative(Struct):
    """One reading of a channel; the first one counts."""

    transcript: str = ""
    confidence: float | None = None
    words: list[Word] = []
    paragraphs: Paragraphs | None = None


class Channel(Struct):
    """One channel of the audio."""

    alternatives: list[Alternative] = []


class Utterance(Struct):
    """A stretch of speech between two silences."""

    start: Seconds
    end: Seconds
    transcript: str
    words: list[Word] = []
    speaker: int | None = None


class Results(Struct):
    """What was recognised, by channel and by utterance."""

    channels: list[Channel] = []
    utterances: list[Utterance] | None = None


class Metadata(Struct):
    """Of the request; only the length of the audio is read."""

    duration: Seconds | None = None


class Response(Struct):
    """The body as a whole."""

    results: Results
    metadata: Metadata | None = None

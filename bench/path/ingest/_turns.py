"""Turns of speech out of a Deepgram response, from the best source that it has.

Paragraphs where the request asked for them, else utterances, else runs of words of one
speaker, else the bare text. Times become whole milliseconds, which every language
prints alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import floor
from typing import Any

from bench.path.ingest import Turn
from bench.path.text import sanitise

_SPEAKERS = 10_000  # more than any call has; keeps "Speaker N: " short


def has_sentences(transcript: Any) -> bool:
    """Whether the text of each channel can be had without its words."""
    results = transcript["results"]
    if results.get("utterances"):
        return True
    return all(
        (alternative.get("paragraphs") or {}).get("paragraphs")
        for channel in results.get("channels", [])
        for alternative in channel["alternatives"][:1]
    )


def turns(transcript: Any) -> list[Turn]:
    """Turns in the order of the response; channels one after the other.

    Where there are several channels and speakers are not told apart, the channel is
    the speaker. Raises LookupError, TypeError, ValueError, AttributeError or
    OverflowError where ``transcript`` is not a Deepgram response.
    """
    results = transcript["results"]
    channels = results["channels"]
    if not isinstance(channels, list):
        raise TypeError("channels")
    found: list[Turn] = []
    for number, channel in enumerate(channels):
        best = channel["alternatives"][0]
        default = number if len(channels) > 1 else None
        paragraphs = (best.get("paragraphs") or {}).get("paragraphs")
        if paragraphs:
            found += [_paragraph(each, default) for each in paragraphs]
        elif results.get("utterances"):
            found += [
                _turn(each["transcript"], each, each, default)
                for each in results["utterances"]
                if each.get("channel", 0) == number
            ]
        elif best.get("words"):
            found += _runs(best["words"], default)
        else:
            found.append(Turn(_clean(best["transcript"]), default, 0, 0))
    return [turn for turn in found if turn.text]


def _paragraph(paragraph: dict[str, Any], default: int | None) -> Turn:
    text = " ".join([sentence["text"] for sentence in paragraph["sentences"]])
    return _turn(text, paragraph, paragraph, default)


def _runs(words: list[dict[str, Any]], default: int | None) -> Iterator[Turn]:
    for _, group in groupby(words, lambda word: word.get("speaker")):
        run = list(group)
        text = " ".join([word.get("punctuated_word") or word["word"] for word in run])
        yield _turn(text, run[0], run[-1], default)


def _turn(
    text: str, first: dict[str, Any], last: dict[str, Any], default: int | None
) -> Turn:
    speaker = first.get("speaker")
    if speaker is None:
        speaker = default
    if speaker is not None and not 0 <= speaker < _SPEAKERS:
        raise ValueError("speaker")
    start, end = first.get("start", 0), last.get("end", 0)
    return Turn(_clean(text), speaker, _milliseconds(start), _milliseconds(end))


def _clean(text: str) -> str:
    return " ".join(sanitise(text).split())


def _milliseconds(seconds: float) -> int:
    return floor(seconds * 1000 + 0.5)

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

_SAFE = 2**53 - 1  # whole numbers up to here are exact in every language
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
    channels = _list(results["channels"])
    found: list[Turn] = []
    for number, channel in enumerate(channels):
        best = channel["alternatives"][0]
        default = number if len(channels) > 1 else None
        paragraphs = best.get("paragraphs")
        if paragraphs is not None and (listed := _optional(paragraphs, "paragraphs")):
            found += [_paragraph(each, default) for each in listed]
        elif listed := _optional(results, "utterances"):
            found += [
                _turn(each["transcript"], each, each, default)
                for each in listed
                if each.get("channel", 0) == number
            ]
        elif listed := _optional(best, "words"):
            found += _runs(listed, default)
        else:
            found.append(Turn(_clean(best["transcript"]), default, 0, 0))
    return [turn for turn in found if turn.text]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return value


def _optional(fields: dict[str, Any], name: str) -> list[Any]:
    """The list under ``name``; absent and null are an empty one."""
    value = fields.get(name)
    return [] if value is None else _list(value)


def _paragraph(paragraph: dict[str, Any], default: int | None) -> Turn:
    sentences = _list(paragraph["sentences"])
    text = " ".join([sentence["text"] for sentence in sentences])
    return _turn(text, paragraph, paragraph, default)


def _runs(words: list[dict[str, Any]], default: int | None) -> Iterator[Turn]:
    for _, group in groupby(words, _speaker):
        run = list(group)
        text = " ".join(map(_said, run))
        yield _turn(text, run[0], run[-1], default)


def _said(word: dict[str, Any]) -> Any:
    said = word.get("punctuated_word")
    return word["word"] if said is None or said == "" else said


def _turn(
    text: str, first: dict[str, Any], last: dict[str, Any], default: int | None
) -> Turn:
    speaker = _speaker(first)
    if speaker is None:
        speaker = default
    start, end = first.get("start", 0), last.get("end", 0)
    return Turn(_clean(text), speaker, _milliseconds(start), _milliseconds(end))


def _speaker(speech: dict[str, Any]) -> int | None:
    """A whole number, or None; JSON may write it as 1.0."""
    speaker = speech.get("speaker")
    if speaker is None:
        return None
    if type(speaker) not in (int, float) or speaker % 1 or not 0 <= speaker < _SPEAKERS:
        raise ValueError("speaker")
    return int(speaker)


def _clean(text: str) -> str:
    return " ".join(sanitise(text).split())


def _milliseconds(seconds: float) -> int:
    if type(seconds) not in (int, float):
        raise TypeError("time")
    whole = floor(seconds * 1000 + 0.5)
    if abs(whole) > _SAFE:
        raise ValueError("time")
    return whole

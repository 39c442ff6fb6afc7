"""What is right: the answer to each question, in plain values that can be compared.

The reference is CPython's ``json.loads``. A parser may answer in whatever is natural to
it: dicts, structs, tuples, arrays, data frames. ``plain`` turns that into lists, dicts
and scalars outside of any timing; all must be there by then, a proxy that would still
have to parse is no answer.

    full    the value, types and order of keys included
    fields  transcript: of the best alternative of each channel ``transcript`` and
            ``words``, of each word what it has of ``WORD``; numbers are doubles
            embedding: the vectors as lists of doubles, base64 decoded
            vectorize: [id, score, values or None] of each match, numbers are doubles
    first   what the metadata has of ``FIRST``; the duration is a double
    chunks  ``text``, ``speaker``, ``start_ms`` and ``end_ms`` of each turn, as the
            request path makes them (`bench.path.ingest._turns`)

A field that is null counts as absent: the difference is lost in a struct or a table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bench.parsers import KINDS, Question
from bench.parsers._compare import why_different
from bench.parsers._objects import PICKS

__all__ = ["Outcome", "kind_of", "plain", "reference", "why_different"]

WORD = ("word", "start", "end", "confidence", "speaker", "punctuated_word")
FIRST = ("request_id", "created", "duration", "channels")
_TURN = ("text", "speaker", "start_ms", "end_ms")
_MATCH = ("id", "score", "values")
_DOUBLES = ("start", "end", "confidence", "duration", "score")


class Outcome(NamedTuple):
    """What became of a text: ``accepted`` with its value, ``rejected`` or ``crashed``.

    ``why`` says what a parser said that rejected it, or how it ended: it died, gave no
    answer in time, or ran out of memory.
    """

    state: str
    value: Any = None
    why: str = ""


def kind_of(body: bytes) -> str:
    """``transcript``, ``embedding`` or ``vectorize`` where all of it is there.

    Any other body is ``other``, one that is not JSON included.
    """
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        return "other"
    for kind, modes in KINDS.items():
        questions = [Question(mode, kind) for mode in modes if mode != "full"]
        if questions and all(_can_answer(question, whole) for question in questions):
            return kind
    return "other"


def _can_answer(question: Question, whole: Any) -> bool:
    try:
        plain(question, PICKS[question](whole))
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return False
    return True


def reference(question: Question, body: bytes) -> Any:
    """The right answer, plain. Raises what reading another kind of body raises."""
    whole = json.loads(body)
    if question.mode == "full":
        return whole
    return plain(question, PICKS[question](whole))


def plain(question: Question, value: Any) -> Any:
    """The answer ``value`` in comparable values; raises where it is none.

    Items may be mappings, objects with attributes or, where they have a fixed number of
    parts, sequences; tables must have ``to_dicts`` (polars).
    """
    if question.mode == "full":
        return value
    if question.mode == "first":
        return _present(value, FIRST)
    if question.mode == "chunks":
        return [_read(turn, _TURN) for turn in _rows(value)]
    if question.kind == "transcript":
        return [_alternative(each) for each in _rows(value)]
    if question.kind == "embedding":
        return [_doubles(vector) for vector in value]
    return [_match(each) for each in _rows(value)]


def _alternative(value: Any) -> dict[str, Any]:
    found = _read(value, ("transcript", "words"))
    words = [_present(word, WORD) for word in found.get("words") or ()]
    return {"transcript": found["transcript"], "words": words}


def _match(value: Any) -> list[Any]:
    found = _present(value, _MATCH)
    values = found.get("values")
    return [found["id"], found["score"], None if values is None else _doubles(values)]


def _present(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """The fields of ``value`` that are there and not null."""
    return {
        name: float(field) if name in _DOUBLES else field
        for name, field in _read(value, names).items()
        if field is not None
    }


def _read(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {name: value[name] for name in names if name in value}
    if isinstance(value, list | tuple) and len(value) == len(names):
        return dict(zip(names, value, strict=True))
    if isinstance(value, list | tuple | str | int | float | bytes | None):
        raise TypeError(f"{value!r:.60} has no {', '.join(names)}")
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def _rows(value: Any) -> Iterable[Any]:
    rows: Iterable[Any] = value.to_dicts() if hasattr(value, "to_dicts") else value
    return rows


def _doubles(vector: Any) -> list[float]:
    if isinstance(vector, str | bytes):
        raise TypeError("a vector of text")
    return [float(number) for number in vector]

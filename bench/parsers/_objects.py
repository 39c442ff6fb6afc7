"""Answers picked from a whole document: what a user of a plain parser writes.

A parser that makes all objects at once answers ``full`` with them and every other
question by reading from them. Nothing is copied that need not be: the answer may hold
more than was asked, and `bench.parsers._answers.plain` leaves the rest out, unmeasured.
"""

from __future__ import annotations

import sys
from array import array
from binascii import a2b_base64
from collections.abc import Callable
from importlib import metadata
from typing import Any

from bench.errors import BenchError
from bench.parsers import Question
from bench.path.ingest._turns import turns

Answer = Callable[[bytes], Any]
Reader = Callable[[Question], Answer | None]


def from_loads(loads: Answer) -> Reader:
    """The ``reader`` of a parser whose ``loads`` gives dicts and lists."""

    def reader(question: Question) -> Answer | None:
        if question.mode == "full":
            return loads
        pick = PICKS.get(question)
        return None if pick is None else lambda body: pick(loads(body))

    return reader


def from_table(table: dict[Question, Answer]) -> Reader:
    """The ``reader`` of a parser that answers the questions of ``table`` alone."""
    return table.get


def version_of(package: str) -> Callable[[], str]:
    """``version`` of a module that parses with ``package``.

    It raises BenchError, with what to type, where the package is not installed.
    """

    def version() -> str:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError as error:
            raise BenchError(
                f"{package} is not installed\n  remedy: run `make clean run`"
            ) from error

    return version


def vector(embedding: Any) -> Any:
    """The numbers of an embedding: a list as it is, base64 text as float32.

    The documentation of ``encoding_format=base64`` says little-endian float32.
    """
    if isinstance(embedding, list):
        return embedding
    return floats(a2b_base64(embedding, strict_mode=True))


def floats(buffer: bytes) -> array[float]:
    """Little-endian float32 as an array. Raises ValueError for a broken number."""
    values = array("f")
    values.frombytes(buffer)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def best(channels: Any) -> list[Any]:
    """The best alternative of each channel, with its transcript and its words."""
    return [channel["alternatives"][0] for channel in channels]


def match(found: Any) -> tuple[Any, Any, Any]:
    """Id, score and values of a match; the values are None where it has none."""
    return found["id"], found["score"], found.get("values")


PICKS: dict[Question, Callable[[Any], Any]] = {
    Question("fields", "transcript"): lambda whole: best(whole["results"]["channels"]),
    Question("first", "transcript"): lambda whole: whole["metadata"],
    Question("chunks", "transcript"): turns,
    Question("fields", "embedding"): lambda whole: [
        vector(item["embedding"]) for item in whole["data"]
    ],
    Question("fields", "vectorize"): lambda whole: [
        match(found) for found in whole["matches"]
    ],
}
"""How each question but ``full`` is answered from the whole document."""

"""A parser inside Pyodide, called by ``_pyodide.mjs``; the bodies are in its memory."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pyodide.code import eval_code  # type: ignore[import-not-found]

from bench.parsers import Question
from bench.parsers._answers import plain
from bench.parsers._travel import flat


class Reading(NamedTuple):
    """How a body is read, and for which question."""

    read: Callable[[bytes], Any]
    question: Question
    body: bytes


_readings: dict[str, Reading] = {}


def setup(cases: str) -> None:
    """``cases`` is JSON: a list of [name, source, mode, kind, file]."""
    for name, source, mode, kind, file in json.loads(cases):
        read = eval_code(source, {})
        _readings[name] = Reading(read, Question(mode, kind), Path(file).read_bytes())
    # As in bench.measure.child: what was made by now must not be collected again.
    gc.collect()
    gc.freeze()


def run(name: str, loops: int) -> None:
    """Answer ``loops`` times; with an empty name do all the rest."""
    if name:
        read, _, body = _readings[name]
        for _ in range(loops):
            read(body)


def answer(name: str) -> str:
    """[state, plain answer made flat, why] as JSON, like `bench.parsers._subject`."""
    read, question, body = _readings[name]
    try:
        value = read(body)
    except Exception as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        return json.dumps(["rejected", None, why[:300]])
    try:
        return json.dumps(["accepted", flat(plain(question, value)), ""])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return json.dumps(["no answer", None, f"{type(error).__name__}: {error}"])

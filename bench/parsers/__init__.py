"""JSON parsers, one file each: adding one is adding a file to this folder.

A parser module exports four names:

    RUNTIME   where it runs: a name of ``HOSTS``
    NOTE      what it is, in a sentence
    version() its version, as machine.json and every row say it
    reader(question) -> how it answers ``question``, or None where it cannot

What ``reader`` returns depends on the runtime. In CPython it is a function
``(body: bytes) -> value``. In workerd it is the TypeScript source of a function
``(body: Uint8Array) => value``, which may be asynchronous. In Pyodide it is the source
of a Python function of bytes.

Questions differ in what they want (``mode``) and in what the body is (``kind``); a
ratio never mixes two of them:

    full    everything, as objects of the language
    fields  of a transcript its text and words, of embeddings the vectors, of a
            Vectorize result ids, scores and vectors
    first   the metadata that a transcript begins with
    chunks  what ingestion needs of a transcript: text, speaker and times of each turn

`bench.parsers._answers` defines each answer exactly, and holds every parser to it.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from bench import registry

PACKAGE = "bench.parsers"
HOSTS = ("cpython", "workerd", "pyodide")
MODES = ("full", "fields", "first", "chunks")
# The modes in which each kind of body is asked for.
KINDS = {
    "transcript": MODES,
    "embedding": ("full", "fields"),
    "vectorize": ("full", "fields"),
    "other": ("full",),
}
REFERENCE = "json"
"""The parser that the others are compared with: CPython's own."""


class Question(NamedTuple):
    """What is wanted of what kind of body."""

    mode: str
    kind: str


class Case(NamedTuple):
    """A question about the body in ``file``."""

    question: Question
    file: Path


def load(package: str = PACKAGE) -> dict[str, ModuleType]:
    """Parser modules by name. Raises BenchError naming the file of a bad one."""
    return registry.load(package, ("RUNTIME", "NOTE", "version", "reader"))

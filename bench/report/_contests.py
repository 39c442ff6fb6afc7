"""The documents of ``bench parsers`` and ``bench rerank``, table by table: what a page
shows, and what a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from bench.figures._contest import Row, limit, main_fixture
from bench.report import _parsers, _rerank
from bench.report._compared import controls, stories
from bench.report._evidence import Table
from bench.report._lines import indented, joined, table, wrapped
from bench.verdict import parsers, rerank


class Titled(NamedTuple):
    """A table, what it is called, and what a reader of a page needs to know of it."""

    title: str
    table: Table
    about: str


class Contest(NamedTuple):
    """A kind of comparison: its question, its answer, its tables, and the keys that a
    table of its document is named by."""

    title: str
    question: str
    sentence: Callable[[Row], str]
    tables: Callable[[Row], Iterable[Titled]]
    named: tuple[str, ...]


def _of_parsers(document: Row) -> Iterable[Titled]:
    main, about = main_fixture(document), _SPEED
    for mode in _parsers.modes(document):
        yield Titled(f"{mode} of {main}", _parsers.speed(document, mode), about)
        about = ""
    yield Titled("every body", _parsers.bodies(document), _BODIES)
    title = "first request of an isolate"
    yield Titled(title, _parsers.cold(document), _COLD)
    yield Titled("by size", _parsers.costs(document), _COSTS)
    yield Titled("switch", _parsers.switches(document), _SWITCHES)
    yield Titled("correctness", _parsers.correctness(document), _CORRECTNESS)
    yield Titled("the article's 18 KB", stories(document), _STORIES)


def _of_rerank(document: Row) -> Iterable[Titled]:
    yield Titled("re-rankers", _rerank.rerankers(document), _RERANKERS)
    yield Titled("options of a Worker", _rerank.options(document), _OPTIONS)
    title = "a request with a network added, ms"
    yield Titled(title, _rerank.latency(document), _LATENCY)
    title = "cheapest exact way, ms"
    yield Titled(title, _rerank.break_even(document), _BREAK_EVEN)
    yield Titled("the service itself", _rerank.service(document), _SERVICE)
    yield Titled("the article's 12 ms", stories(document), _STORIES)


_SPEED = (
    "CPU of one parse with its 95 % interval over n process groups, and its ratio to "
    "CPython's json and to the fastest of its runtime. Peak is the memory that an "
    "answer adds at most. An answer that differs from the right one has no number."
)
_BODIES = "CPython's json in microseconds, and the fastest with its ratio to json."
_COLD = (
    "CPU of a parse in the first request that a fresh isolate gets; n counts isolates."
)
_COSTS = "A line through generated transcripts: a fixed part and a part for each byte."
_SWITCHES = (
    "From which size another parser saves a millisecond, or a tenth of the limit, of "
    "what the runtime's own parser takes."
)
_CORRECTNESS = (
    "Numbers of texts. Bad is what is not JSON, good what is; free is what the "
    "standard leaves to the parser."
)
_STORIES = (
    "The article's number is from memory. A condition is as long where its interval "
    "reaches that number."
)
_RERANKERS = (
    "CPU of one ranking. Pure Python over lists that are in use for long is 1. Fresh "
    "values were parsed a moment ago, which is not counted; json and base64 count it."
)
_OPTIONS = (
    "Charged is the time under the isolate lock of one whole request, the call of the "
    "index included; whole is all CPU of its thread. Trip is its wall clock here."
)
_LATENCY = (
    "Waiting is not CPU and moves no other number. The network's time is added to what "
    "was measured on loopback, once for each call of the service."
)
_BREAK_EVEN = (
    "Milliseconds charged. Saves is the difference to the next best way. It matters "
    "where it is more than 1 % of the limit and its interval excludes zero."
)
_SERVICE = "What offloading costs where it is offloaded to."

KINDS = {
    "parsers": Contest(
        "JSON parsers",
        "Which JSON parser, and does it matter?",
        parsers.sentence,
        _of_parsers,
        ("mode", "fixture"),
    ),
    "rerank": Contest(
        "re-ranking",
        "Where should re-ranking happen?",
        rerank.sentence,
        _of_rerank,
        ("k", "dims"),
    ),
}


def whole(kind: str, document: dict[str, Any]) -> str:
    """Every table, then the answer, at most 100 columns wide."""
    this, machine = KINDS[kind], document.get("machine") or {}
    name, cpu_ms = limit(document)
    lines = [
        f"run {document.get('run', 'unknown')}, host {machine.get('host', 'unknown')}",
        f"{this.title}; intervals are 95 % over n process groups"
        + (f"; limits {name}: {cpu_ms:,g} ms a request" if cpu_ms else ""),
    ]
    for each in this.tables(document):
        lines += table(each.title, each.table)
    return joined([*lines, "", *wrapped(this.sentence(document))])


def brief(kind: str, document: dict[str, Any]) -> str:
    """The answer in a few lines, for the end of a run of several notebooks."""
    this = KINDS[kind]
    said = [this.sentence(document), *controls(document, this.named)]
    return joined([this.title, *(line for text in said for line in indented(text))])


def sections(documents: dict[str, Row]) -> list[Row]:
    """What a page shows of each of ``documents`` that is a comparison."""
    return [
        {
            "id": kind,
            "title": this.title,
            "question": this.question,
            "answer": this.sentence(documents[kind]),
            "tables": [
                each for each in this.tables(documents[kind]) if each.table.rows
            ],
        }
        for kind, this in KINDS.items()
        if kind in documents
    ]

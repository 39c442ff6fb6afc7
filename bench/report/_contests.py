"""The documents of verbs other than ``bench stages``, table by table: what a page
shows, and what a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, NamedTuple

from bench.figures._contest import Row, limit, listed, main_fixture
from bench.report import (
    _capacity,
    _claims,
    _engines,
    _matrix,
    _parsers,
    _remedies,
    _rerank,
)
from bench.report import _workloads as _replayed
from bench.report._compared import controls
from bench.report._evidence import Table
from bench.report._lines import indented, joined, table, wrapped
from bench.verdict import parsers, rerank


class Titled(NamedTuple):
    """A table, what it is called, and what a reader of a page needs to know of it."""

    title: str
    table: Table
    about: str


class Contest(NamedTuple):
    """A kind of document: its question, its answer, its tables, and the keys that a
    table with a control is named by, where it has such."""

    title: str
    question: str
    sentence: Callable[[Row], str]
    tables: Callable[[Row], Iterable[Titled]]
    named: tuple[str, ...] = ()


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
    yield Titled("the article's 18 KB", _parsers.stories(document), _STORIES)


def _of_rerank(document: Row) -> Iterable[Titled]:
    yield Titled("re-rankers", _rerank.rerankers(document), _RERANKERS)
    yield Titled("options of a Worker", _rerank.options(document), _OPTIONS)
    title = "a request with a network added, ms"
    yield Titled(title, _rerank.latency(document), _LATENCY)
    title = "cheapest exact way, ms"
    yield Titled(title, _rerank.break_even(document), _BREAK_EVEN)
    yield Titled("the service itself", _rerank.service(document), _SERVICE)
    yield Titled("the article's 12 ms", _rerank.stories(document), _STORIES)


def _of_matrix(document: Row) -> Iterable[Titled]:
    yield Titled("every limit", _matrix.overview(document), "")
    strictest = _matrix.strictest(document)
    title = f"{strictest} in detail"
    yield Titled(title, _matrix.details(document), _DETAILS)
    yield Titled("beside the article", _matrix.reasons(document), "")
    title = "what the verdicts rest on"
    yield Titled(title, _matrix.evidence(document), _EVIDENCE)


def _of_workloads(document: Row) -> Iterable[Titled]:
    yield Titled("cost of a request", _replayed.costs(document), _CHARGED)
    yield Titled("by size", _replayed.laws(document), _LAWS)
    yield Titled("engines outside", _engines.engines(document), _ENGINES)
    yield Titled("an engine's own time", _engines.services(document), "")
    yield Titled("an engine by size", _engines.sizes(document), "")


def _of_remedies(document: Row) -> Iterable[Titled]:
    for each in listed(document, "remedies"):
        title = str(each.get("title"))
        yield Titled(title, _remedies.table(each), _remedies.about(each))


def _of_claims(document: Row) -> Iterable[Titled]:
    for title, found in _claims.tables(document):
        yield Titled(title, found, "")
    title = "what the verdicts on claims rest on"
    yield Titled(title, _claims.evidence(document), _SOURCES)


def _of_worker(document: Row) -> Iterable[Titled]:
    name = str(document["limits"]["name"])
    yield Titled("all requests, by limits", _project().profiles(document), "")
    yield Titled(f"by route, {name}", _project().verdicts(document, name), "")
    yield Titled("cost of a request", _project().costs(document), "")
    yield Titled("where the CPU goes", _project().functions(document), "")
    yield Titled("memory", _project().memory(document), "")


def _worker(document: Row) -> str:
    return str(_project().sentence(document))


def _of_versions(document: Row) -> Iterable[Titled]:
    title, turns = "what a request is charged", _turns()
    yield Titled(title, turns.ratios(document), turns.about(document))


def _versions(document: Row) -> str:
    return str(_turns().sentence(document))


def _turns() -> ModuleType:
    from bench.report import _project_turns

    return _project_turns


def _project() -> ModuleType:
    # What measures a project takes a while to import, and few pages need it.
    from bench.report import _project

    return _project


def _of_capacity(document: Row) -> Iterable[Titled]:
    yield Titled("what is to be expected", _capacity.metrics(document), _EXPECTED)
    yield Titled("which limit binds first", _capacity.limits(document), "")
    yield Titled("a month's bill", _capacity.costs(document), "")
    yield Titled("machines outside", _capacity.external(document), "")
    yield Titled("native against elsewhere", _capacity.break_even(document), "")
    yield Titled("beside the same rate as Poisson", _capacity.twins(document), "")


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
_DETAILS = (
    "The limit that allows the least. Margin is the limit less the mean CPU of a warm "
    "request at this machine's speed; it fits up to that factor between a millisecond "
    "here and one of Cloudflare's."
)
_EVIDENCE = (
    "Ids of rows in samples.parquet: runtime, phase, invocation, stage, variant and "
    "fixture."
)
_CHARGED = "One line for each workload, way to do it, size and phase."
_LAWS = "A fixed part and a part for each unit, through three sizes or more."
_ENGINES = (
    "What the article moves out, asked of the real engines in processes of their own; "
    "what a Worker pays in front of them is a line of the table above."
)
_EXPECTED = (
    "Simulated: requests that were measured, sent to isolates whose lives are assumed. "
    "Every assumption is in capacity.json."
)
_SOURCES = (
    "Ids of rows in samples.parquet, rows of a document, committed inputs, rows of the "
    "tables of limits, or the source that a claim names."
)

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
    "matrix": Contest(
        "the decision matrix",
        "Which workload fits which limit?",
        _matrix.sentence,
        _of_matrix,
    ),
    "workloads": Contest(
        "workloads",
        "What does each row of the matrix cost?",
        _replayed.sentence,
        _of_workloads,
    ),
    "remedies": Contest(
        "the article's fixes",
        "Do the article's fixes work, and what do they cost?",
        _remedies.sentence,
        _of_remedies,
        ("remedy",),
    ),
    "claims": Contest(
        "the article's claims",
        "Which of the article's claims hold?",
        _claims.sentence,
        _of_claims,
    ),
    "capacity": Contest(
        "the capacity plan",
        "What breaks first, at what rate, and what does it cost?",
        _capacity.sentence,
        _of_capacity,
    ),
    "worker": Contest(
        "the Worker",
        "Does this Worker fit, and where does its CPU go?",
        _worker,
        _of_worker,
    ),
    "versions": Contest(
        "two versions of the Worker",
        "Does the new version cost more than the old one?",
        _versions,
        _of_versions,
    ),
}
"""By the verb that makes the document, and in the order of a page."""


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
    """What a page shows of each of ``documents``."""
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

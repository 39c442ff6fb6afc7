"""The document of ``bench remedies``: what each fix of the article does, in numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bench.figures._axes import Estimate, ratio_text
from bench.figures._contest import Row, control, estimate, listed
from bench.report import _shape
from bench.report._compared import MICRO, count
from bench.report._evidence import WARN, Table
from bench.verdict.claims._outcome import plain
from bench.verdict.raw import pattern

# A point that ends a sentence, and none within a number.
_END = re.compile(r"\.\s+(?=[A-Z])")
_UNITS = {"count": "", "share": "%", "us": MICRO}


def numbers(document: Row) -> Table:
    """All numbers of all fixes, each with its interval over groups of processes."""
    found = listed(document, "remedies")
    rows = [
        [f"{_name(each)}: {row[0]}", *row[1:]] for each in found for row in _of(each)
    ]
    notes = [note for each in found for note in _failure(each)]
    origins = [_origin(each) for each in found for _ in _of(each)]
    return Table(["fix, number", "value", "n"], rows, notes, origins)


def table(remedy: Row) -> Table:
    """The numbers of one fix, and whether its reference differs from itself."""
    notes = [*_failure(remedy), *_controlled(control(remedy))]
    rows = list(_of(remedy))
    origins = [_origin(remedy) for _ in rows]
    return Table(["number", "value", "n"], rows, notes, origins)


def _origin(remedy: Row) -> list[str]:
    """All samples of a fix: its numbers are concluded from them together."""
    return [pattern(invocation="remedy", stage=remedy.get("remedy"))]


def _name(remedy: Row) -> str:
    return str(remedy.get("remedy")).replace("_", " ")


def _of(remedy: Row) -> Iterator[list[str]]:
    for one in listed(remedy, "numbers"):
        yield [str(one.get("name")), value(one), count(one.get("n"))]


def _failure(remedy: Row) -> list[str]:
    error = remedy.get("error")
    return [f"{WARN} {_name(remedy)} failed: {error}"] if error else []


def _controlled(same: Estimate | None) -> list[str]:
    if same is None:
        return []
    sound = same.low is None or same.high is None or same.low <= 1.0 <= same.high
    said = "The A/A control is" if sound else f"{WARN} The A/A control is off,"
    return [f"{said} {ratio_text(same)}."]


def value(one: Row) -> str:
    """Such as ``1.32 [1.21, 1.44] ms``; ends that say nothing are left out."""
    found = estimate(one, "value", "low", "high")
    unit = str(one.get("unit"))
    if found is None:
        return _shape.MISSING
    if unit == "ratio":
        return ratio_text(found)
    scale = 100 if unit == "share" else 1
    ends = ""
    if found.low is not None and found.high is not None and found.low != found.high:
        ends = f" [{plain(scale * found.low)}, {plain(scale * found.high)}]"
    text = f"{plain(scale * found.value)}{ends} {_UNITS.get(unit, unit)}".rstrip()
    return text.replace("-", "\N{MINUS SIGN}")


def about(remedy: Row) -> str:
    """What was asked of a fix and what was found, in sentences."""
    parts = (remedy.get("question"), remedy.get("answer"))
    return " ".join(str(part) for part in parts if part)


def sentence(document: Row) -> str:
    """The first sentence of each answer, then what failed."""
    found = listed(document, "remedies")
    answers = [str(each["answer"]) for each in found if each.get("answer")]
    if not answers:
        return "No fix was tried to its end, so there is no answer."
    firsts = [f"{_END.split(text)[0].rstrip('.')}." for text in answers]
    failed = [note for each in found for note in _failure(each)]
    return " ".join([*firsts, *(f"{text}." for text in failed)])


def markdown(document: Row) -> str:
    """Each fix with its question and its answer, as a list."""
    return "\n".join(
        f"- **{each.get('title')}.** {about(each)}"
        + (f" {' '.join(_failure(each))}" if each.get("error") else "")
        for each in listed(document, "remedies")
    )

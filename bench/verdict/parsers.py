"""Which JSON parser, and does it matter: the answer of ``bench parsers`` in words.

Everything is read from the document: the main body, parsed whole, in the runtime that
Workers uses and in CPython, what the fastest saves, and what is wrong with whom.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bench.figures._axes import Estimate, ratio_text
from bench.figures._common import duration, milliseconds, number, spoken
from bench.figures._contest import (
    Row,
    cost,
    failure,
    in_order,
    limit,
    listed,
    main_fixture,
    ratio,
)
from bench.verdict.answer import percent

_MODE = "full"
# The parser that a Worker has without adding anything.
_AT_HOME = "v8_json"
_FLAWS = ("accepts_wrong", "rejects_wrong", "wrong_values", "crashed")


def sentence(document: dict[str, Any]) -> str:
    """The answer: what parsing costs a Worker, who is fastest, who is wrong.

    It begins with what is inconclusive; where nothing was measured it says so.
    """
    main = main_fixture(document)
    rows = [
        row
        for row in listed(document, "rows")
        if row.get("mode") == _MODE and row.get("fixture") == main
    ]
    if not any(cost(row) for row in rows):
        return "No parser was measured to its end, so there is no answer."
    parts = [
        _doubt(document),
        _at_home(document, rows),
        *(_fastest(rows, runtime) for runtime in in_order(r["runtime"] for r in rows)),
        _switch(document),
        story(document),
        _wrong(document),
    ]
    return " ".join(part for part in parts if part)


def _doubt(document: Row) -> str:
    tables = listed(document, "tables")
    doubted = [table for table in tables if table.get("holds") is not True]
    if not doubted:
        return ""
    names = [f"{table.get('mode')} of {table.get('fixture')}" for table in doubted[:3]]
    rest = f" and {len(doubted) - 3} more" if len(doubted) > 3 else ""
    return (
        f"Inconclusive for {', '.join(names)}{rest}: the reference differs from itself "
        "there, so the machine was not still."
    )


def _at_home(document: Row, rows: list[Row]) -> str:
    """What a Worker pays for its own parser, as a part of the limit."""
    row: Row = next((row for row in rows if row.get("parser") == _AT_HOME), {})
    spent, (name, limit_ms) = cost(row), limit(document)
    if spent is None:
        return ""
    part = ""
    if limit_ms:
        share = percent(spent.value / 1000 / limit_ms)
        part = f", {share} of the {limit_ms:,g} ms that {name} allows"
    return (
        f"Parsing all of {row.get('fixture')}{_size(row)} in workerd takes "
        f"{spent_text(spent)}{part}."
    )


def _size(row: Row) -> str:
    from bench.verdict.switch import spoken_size

    size = number(row.get("bytes"))
    return "" if size is None else f", {spoken_size(size)},"


def spent_text(found: Estimate) -> str:
    """Microseconds with their interval, in the unit that reads best."""
    if found.low is None or found.high is None:
        return duration(found.value)
    ends = f"{duration(found.low)} to {duration(found.high)}"
    return f"{duration(found.value)} ({ends})"


def _fastest(rows: list[Row], runtime: str) -> str:
    mine = [row for row in rows if row.get("runtime") == runtime and cost(row)]
    if not mine:
        return ""
    best = min(mine, key=lambda row: cost(row) or Estimate(0.0, None, None))
    found = ratio(best)
    to = f", {ratio_text(found)} of CPython's json" if found else ""
    if len(mine) == 1:
        return f"In {spoken(runtime)} only {best.get('parser')} was measured{to}."
    return f"In {spoken(runtime)} {best.get('parser')} is the fastest{to}."


def _switch(document: Row) -> str:
    """From which size another parser of workerd saves a millisecond."""
    from bench.verdict.switch import spoken_size

    rows = [
        row
        for row in listed(document, "switches")
        if row.get("runtime") == "workerd"
        and row.get("mode") == _MODE
        and row.get("saves_ms") == 1
        and row.get("share") is None
    ]
    if not rows:
        return ""
    # A verdict says "from" where the switch pays off, and why not elsewhere.
    sizes = [
        (size, row)
        for row in rows
        if (size := number(row.get("bytes"))) is not None
        and str(row.get("verdict")).startswith("from")
    ]
    if not sizes:
        return "No other parser saves a Worker a millisecond at any size it accepts."
    size, row = min(sizes, key=lambda pair: pair[0])
    return (
        f"Changing a Worker from {row.get('from')} to {row.get('to')} saves a "
        f"millisecond from {spoken_size(size)} on."
    )


def _wrong(document: Row) -> str:
    wrong = _names(
        row for row in listed(document, "rows") if failure(row)[:5] == "wrong"
    )
    said = (
        f"{wrong} answered a question wrong and got no number for it." if wrong else ""
    )
    return f"{said} {_flaws(document)}".strip()


def _flaws(document: Row) -> str:
    """Who reads every text right, or what a Worker's own parser gets wrong."""
    suite = listed(document, "suite")
    if not suite:
        return ""
    flawed = [row for row in suite if any(number(row.get(key)) for key in _FLAWS)]
    sound = _names(row for row in suite if row not in flawed)
    if not flawed:
        texts = "Every parser reads every text of the edge cases right."
    elif sound:
        texts = f"Every text of the edge cases is read right by {sound} alone."
    else:
        texts = "No parser reads every text of the edge cases right."
    home = next((row for row in flawed if row.get("parser") == _AT_HOME), None)
    topics = home.get("flaws") if home else None
    if not isinstance(topics, list) or not topics:
        return texts
    return f"{texts} {_AT_HOME} is wrong about {', '.join(map(str, topics))}."


def _names(rows: Iterable[Row]) -> str:
    return ", ".join(dict.fromkeys(str(row.get("parser")) for row in rows))


def story(document: dict[str, Any]) -> str:
    """Whether a Worker reaches the article's number, from the rows of its story; or
    nothing where no Worker was asked."""
    rows = [
        row
        for row in listed(document, "stories")
        if number(row.get("measured_ms")) is not None
        and str(row.get("runtime")).startswith("workerd")
    ]
    # A row without an interval is a size that was reckoned and not a measurement.
    measured = [row for row in rows if number(row.get("high")) is not None]
    if not measured:
        return ""
    article = f"{number(measured[0].get('article_ms')) or 0.0:g}"
    found = [row for row in measured if row.get("reproduces") is True]
    if found:
        least = min(found, key=lambda row: float(row["measured_ms"]))
        return f"The article's {article} ms are reached by {_told(least)}."
    most = max(measured, key=lambda row: float(row["measured_ms"]))
    reckoned = next((row for row in rows if row not in measured), None)
    also = f"; {reckoned.get('condition')}" if reckoned else ""
    return (
        f"No Worker reaches the article's {article} ms; nearest is {_told(most)}{also}."
    )


def _told(row: Row) -> str:
    return f"{row.get('condition')}, {milliseconds(float(row['measured_ms']))} ms"

"""The summary for a terminal: plain text that a log, a mail or a diff can hold."""

from __future__ import annotations

import textwrap
from typing import Any

from bench.figures._common import milliseconds, number
from bench.platform import DEFAULT, limit_profile
from bench.verdict.answer import interval, measured, percent, sentence, share

Row = dict[str, Any]

WIDTH = 96
_WIDEST = 100
_NAME, _CPU, _INTERVAL, _SMALL = 24, 10, 20, 10


def summary_table(document: Row) -> str:
    """Table of stages, wholes and checks, and the answer, at most 100 columns wide."""
    limits = limit_profile(str(document.get("limits") or DEFAULT))
    machine = document.get("machine") or {}
    lines = [
        f"run {document.get('run', 'unknown')}, host {machine.get('host', 'unknown')}",
        f"limits {limits.name}: {limits.cpu_ms:,g} ms a request, "
        f"{limits.queue_cpu_ms:,g} ms a queue batch",
        "CPU in ms of one invocation; intervals are 95 % over n process groups",
    ]
    for whole in measured(document):
        lines += ["", *_invocation(document, whole, share(whole, limits))]
    lines += _journeys(document)
    lines += _failed(document)
    lines += ["", *textwrap.wrap(sentence(document, limits), WIDTH)]
    return "\n".join(_plain(line)[:_WIDEST].rstrip() for line in lines)


def _invocation(document: Row, whole: Row, part: float) -> list[str]:
    place = ("runtime", "phase", "invocation")
    title = " ".join(str(whole.get(key)) for key in ("invocation", "phase", "runtime"))
    lines = [_line(title, "ms", "95 % interval", "of limit", "I/O", "alone", "n")]
    limit = float(whole["whole_cpu_ms"]) / part if part else 0.0
    for row in document.get("rows") or []:
        cpu = number(row.get("cpu_ms"))
        if cpu is not None and all(row.get(key) == whole.get(key) for key in place):
            lines.append(_measured(f"  {row.get('stage')}", cpu, row, limit))
    floor = number(whole.get("floor_cpu_ms"))
    if floor is not None:
        lines.append(_measured("  floor", floor, {}, limit))
    total = _measured("  whole", float(whole["whole_cpu_ms"]), whole, limit)
    return [*lines, total, *_checks(whole)]


def _measured(name: str, cpu: float, row: Row, limit: float) -> str:
    return _line(
        name,
        milliseconds(cpu),
        interval(row, "low", "high").strip(),
        percent(cpu / limit) if limit else "",
        _optional(row.get("io_ms")),
        _optional(row.get("alone_ms")),
        str(row.get("n") or ""),
    )


def _optional(value: Any) -> str:
    found = number(value)
    return "" if found is None else milliseconds(found)


def _line(name: str, cpu: str, ends: str, *others: str) -> str:
    if len(name) > _NAME:
        name = name[: _NAME - 1] + "\N{HORIZONTAL ELLIPSIS}"
    rest = "".join(f"{text:>{_SMALL}}" for text in others)
    return f"{name:<{_NAME}}{cpu:>{_CPU}}  {ends:<{_INTERVAL}}{rest}"


def _checks(whole: Row) -> list[str]:
    """Closure, A/A control and verdict; what is in doubt is named."""
    parts = []
    closure = number(whole.get("closure"))
    if closure is not None:
        parts.append(f"closure {closure:+.1%}{_signed(whole)}")
    control = whole.get("control") or {}
    ratio = number(control.get("ratio"))
    if ratio is not None:
        low, high = number(control.get("low")), number(control.get("high"))
        ends = "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
        parts.append(f"A/A control {ratio:.3f}{ends}")
    parts.append(str(whole.get("verdict") or "not judged"))
    parts += [str(doubt) for doubt in whole.get("doubts") or []]
    return textwrap.wrap(
        "; ".join(parts), WIDTH, initial_indent="  ", subsequent_indent="  "
    )


def _signed(whole: Row) -> str:
    low, high = number(whole.get("closure_low")), number(whole.get("closure_high"))
    return "" if low is None or high is None else f" [{low:+.1%}, {high:+.1%}]"


def _journeys(document: Row) -> list[str]:
    """The whole journey of each runtime and phase, which no limit applies to."""
    lines = []
    for row in document.get("totals") or []:
        cpu = number(row.get("whole_cpu_ms"))
        if cpu is not None:
            ends = interval(row, "low", "high").strip()
            name = f"journey {row.get('phase')} {row.get('runtime')}"
            lines.append(_line(name, milliseconds(cpu), ends))
    return ["", *lines] if lines else []


def _failed(document: Row) -> list[str]:
    failed = [row for row in document.get("rows") or [] if row.get("error")]
    lines = []
    for row in failed:
        keys = ("runtime", "phase", "invocation", "stage")
        name = " ".join(str(row[key]) for key in keys if row.get(key))
        text = f"failed: {name}: {row['error']}"
        lines += textwrap.wrap(text, WIDTH, subsequent_indent="  ", max_lines=4)
    return ["", *lines] if lines else []


def _plain(line: str) -> str:
    """``line`` without control characters: a name cannot steer the terminal."""
    return "".join(char for char in line if char.isprintable())

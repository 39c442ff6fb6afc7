"""The summary for a terminal: plain text that a log, a mail or a diff can hold."""

from __future__ import annotations

import textwrap
from typing import Any

from bench.figures._common import milliseconds, number
from bench.platform import DEFAULT, LimitProfile, limit_profile
from bench.report import _evidence
from bench.report._isolate import isolate
from bench.report._lines import WIDTH, cut, indented, joined, table, wrapped
from bench.verdict.answer import (
    counted,
    interval,
    is_locked,
    measured,
    percent,
    sentence,
    share,
)

Row = dict[str, Any]

_NAME, _CPU, _INTERVAL = 22, 9, 19
_OTHERS = (12, 10, 9, 9, 6)  # I/O, of limit, alone, profile, n


def summary_table(document: Row) -> str:
    """Table of stages, wholes and checks, what else is known, and the answer, at most
    100 columns wide."""
    limits = limit_profile(str(document.get("limits") or DEFAULT))
    machine = document.get("machine") or {}
    lines = [
        f"run {document.get('run', 'unknown')}, host {machine.get('host', 'unknown')}",
        f"limits {limits.name}: {limits.cpu_ms:,g} ms a request, "
        f"{limits.queue_cpu_ms:,g} ms a queue batch",
        "CPU in ms of one invocation; intervals are 95 % over n process groups",
    ]
    for whole in measured(document):
        lines += ["", *_invocation(document, whole, limits)]
    lines += _journeys(document)
    lines += _beside(document, limits)
    lines += _failed(document)
    return joined([*lines, "", *wrapped(sentence(document, limits))])


def _invocation(document: Row, whole: Row, limits: LimitProfile) -> list[str]:
    place = ("runtime", "phase", "invocation")
    title = " ".join(str(whole.get(key)) for key in ("invocation", "phase", "runtime"))
    limit = limits.cpu_ms_for(str(whole.get("invocation")))
    stages = [
        row
        for row in document.get("rows") or []
        if number(row.get("cpu_ms")) is not None
        and all(row.get(key) == whole.get(key) for key in place)
    ]
    around = "outside lock" if is_locked(whole) else "HTTP client"
    # A column without a number is left out, its place is not.
    heads = {"alone": "alone_ms", "profile": "profile_ms"}
    alone, profile = (
        head if any(row.get(key) is not None for row in stages) else ""
        for head, key in heads.items()
    )
    of = "for scale" if whole.get("workers") is False else "of limit"
    lines = [_line(title, "ms", "95 % interval", around, of, alone, profile)]
    lines += [_stage(row, counted(row, whole) / limit) for row in stages]
    lines += [*_wholes(whole, limit, share(whole, limits)), *_checks(whole)]
    return [*lines, *(indented(_evidence.profile_note(whole)) if profile else [])]


def _stage(row: Row, part: float) -> str:
    others = (row.get(key) for key in ("io_ms", "alone_ms", "profile_ms"))
    io, alone, profile = map(_optional, others)
    return _line(
        f"  {row.get('stage')}",
        milliseconds(float(row["cpu_ms"])),
        interval(row, "low", "high").strip(),
        *(io, percent(part), alone, profile, str(row.get("n") or "")),
    )


def _wholes(whole: Row, limit: float, part: float) -> list[str]:
    """Floor, whole and, where it is known, what of the whole is charged."""
    locked = is_locked(whole)
    floor = number(whole.get("floor_cpu_ms"))
    lines = []
    if floor is not None:
        charged = number(whole.get("locked_floor_ms")) if locked else floor
        of = "" if charged is None else percent(charged / limit)
        lines.append(_line("  floor", milliseconds(floor), "", "", of))
    ends = interval(whole, "low", "high").strip()
    total = milliseconds(float(whole["whole_cpu_ms"]))
    of, n = percent(part), str(whole.get("n") or "")
    lines.append(_line("  whole", total, ends, "", "" if locked else of, "", "", n))
    if locked:
        ends = interval(whole, "locked_low", "locked_high").strip()
        lines.append(_line("  under the lock", _locked(whole), ends, "", of))
    return lines


def _locked(whole: Row) -> str:
    return milliseconds(float(whole["locked_ms"]))


def _optional(value: Any) -> str:
    found = number(value)
    return "" if found is None else milliseconds(found)


def _line(name: str, cpu: str, ends: str, *others: str) -> str:
    rest = "".join(
        f"{text:>{width}}" for text, width in zip(others, _OTHERS, strict=False)
    )
    if len(others) == len(_OTHERS) - 1:
        rest += f"{'n':>{_OTHERS[-1]}}"
    return f"{cut(name, _NAME):<{_NAME}}{cpu:>{_CPU}}  {ends:<{_INTERVAL}}{rest}"


def _checks(whole: Row) -> list[str]:
    """Closure, A/A control, waiting, verdict; what is in doubt is named."""
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
    for name, key in (("run delay", "run_delay_ms"), ("helpers", "helpers_ms")):
        if number(whole.get(key)) is not None:
            parts.append(f"{name} {_optional(whole[key])} ms")
    parts.append(str(whole.get("verdict") or "not judged"))
    parts += [str(doubt) for doubt in whole.get("doubts") or []]
    return indented("; ".join(parts))


def _signed(whole: Row) -> str:
    low, high = number(whole.get("closure_low")), number(whole.get("closure_high"))
    return "" if low is None or high is None else f" [{low:+.1%}, {high:+.1%}]"


def _journeys(document: Row) -> list[str]:
    """The whole journey of each runtime and phase, which no limit applies to."""
    lines = []
    for row in _evidence.in_order(document, document.get("totals") or []):
        cpu = number(row.get("whole_cpu_ms"))
        if cpu is not None:
            ends = interval(row, "low", "high").strip()
            name = f"journey {row.get('phase')} {row.get('runtime')}"
            under = f"{_locked(row)} under the lock" if is_locked(row) else ""
            lines.append(f"{_line(name, milliseconds(cpu), ends)}  {under}")
    return ["", *lines] if lines else []


def _beside(document: Row, limits: LimitProfile) -> list[str]:
    """The article's table, first requests, the isolate, and the instruments."""
    rows = document.get("article") or []
    warm = ["warm"] if any(row["phase"] == "warm" for row in rows) else None
    tables = (
        ("the article's table, ms", _evidence.article(document, warm)),
        ("first requests, ms", _evidence.warming(document)),
        ("the isolate", isolate(document, limits)),
        ("instruments, ms", _evidence.instruments(document)),
    )
    return [line for title, found in tables for line in table(title, found)]


def _failed(document: Row) -> list[str]:
    failed = [row for row in document.get("rows") or [] if row.get("error")]
    lines = []
    for row in failed:
        keys = ("runtime", "phase", "invocation", "stage")
        name = " ".join(str(row[key]) for key in keys if row.get(key))
        text = f"failed: {name}: {row['error']}"
        lines += textwrap.wrap(text, WIDTH, subsequent_indent="  ", max_lines=4)
    return ["", *lines] if lines else []

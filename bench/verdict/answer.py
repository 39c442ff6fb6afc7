"""The answer in one sentence, and the arithmetic of shares behind it.

The sentence is about the warm request that comes nearest to its limit: a sustained
cost ends a Worker, while a single overrun, a cold start, is absorbed by the roll-over
bank of its isolate (Cloudflare docs, Workers limits, 2026-07-28).

What counts against the limit is CPU while the isolate lock is held (workerd's
io/limit-enforcer.h), so a row that knows its time under the lock is judged by it; the
HTTP handling around it is not charged. Without it the whole CPU stands in.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from bench.figures._common import milliseconds, number, phases_of, spoken
from bench.platform import LimitProfile, limit_profiles

Row = dict[str, Any]

# What a local millisecond may cost there, until it is fitted from production logs.
TRANSFER_LOW, TRANSFER_HIGH = 0.5, 2.0
FITS, TOO_MUCH, UNSURE = "fits", "does not fit", "may fit or not"
NO_VERDICT = "no verdict"  # measured in a runtime that Workers does not use

_SAID = {FITS: "it fits", TOO_MUCH: "it does not fit"}
SYMBOL = {
    FITS: "\N{CHECK MARK}",
    TOO_MUCH: "\N{MULTIPLICATION X}",
    NO_VERDICT: "\N{EN DASH}",
}


class Against(NamedTuple):
    """One profile against the invocation of a phase that comes nearest to its limit."""

    profile: LimitProfile
    phase: str
    runtime: str
    invocation: str
    share: float
    said: str


class Charge(NamedTuple):
    """CPU in ms that counts against the limit; the ends may be unknown."""

    value: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        return f"{milliseconds(self.value)} ms{_ends(self.low, self.high)}"


def is_locked(whole: Row) -> bool:
    """Whether the time under the isolate lock of an invocation is known."""
    return number(whole.get("locked_ms")) is not None


def charge(row: Row) -> Charge:
    """What of one invocation Workers would charge."""
    if is_locked(row):
        ends = (number(row.get(key)) for key in ("locked_low", "locked_high"))
        return Charge(float(row["locked_ms"]), *ends)
    ends = (number(row.get(key)) for key in ("low", "high"))
    return Charge(float(row["whole_cpu_ms"]), *ends)


def measured(document: Row) -> list[Row]:
    """Invocations with a whole that was measured: those of runtimes that Workers uses
    first, and of each the warm ones."""
    rows = [
        row
        for row in document.get("invocations") or []
        if number(row.get("whole_cpu_ms")) is not None
    ]
    phases = phases_of(str(row.get("phase")) for row in rows)
    return sorted(
        rows,
        key=lambda row: (
            row.get("workers") is False,
            phases.index(str(row.get("phase"))),
        ),
    )


def judged(document: Row) -> bool:
    """False where all that was measured is in runtimes that Workers does not use."""
    rows = measured(document)
    return not rows or any(row.get("workers") is not False for row in rows)


def share(row: Row, limits: LimitProfile) -> float:
    """Part of the limit that one invocation uses; 1 is all of it."""
    return charge(row).value / limits.cpu_ms_for(str(row.get("invocation")))


def said(row: Row, limits: LimitProfile) -> str:
    """Fits, does not fit or neither, over the whole range of the transfer factor.

    A runtime that Workers does not use (``workers`` is False) gets no verdict: its
    milliseconds are of another language.
    """
    if row.get("workers") is False:
        return NO_VERDICT
    limit = limits.cpu_ms_for(str(row.get("invocation")))
    _, low, high = charge(row)
    if high is not None and high * TRANSFER_HIGH <= limit:
        return FITS
    if low is not None and low * TRANSFER_LOW > limit:
        return TOO_MUCH
    return UNSURE


def nearest(document: Row, limits: LimitProfile, phase: str) -> Row | None:
    """The invocation of ``phase`` that uses most of its limit, of the runtimes that
    Workers uses if there is one."""
    rows = [row for row in measured(document) if row.get("phase") == phase]
    rows = [row for row in rows if row.get("workers") is not False] or rows
    return max(rows, key=lambda row: share(row, limits), default=None)


def driver(document: Row, whole: Row) -> Row | None:
    """The stage that most of one invocation's charge is spent in."""
    return max(
        _stages(document, whole), key=lambda row: counted(row, whole), default=None
    )


def counted(stage: Row, whole: Row) -> float:
    """CPU in ms of a stage that is held against the limit: what of it is under the
    lock where that is known of its whole, else all of it."""
    return _compute(stage) if is_locked(whole) else number(stage.get("cpu_ms")) or 0.0


def _compute(stage: Row) -> float:
    """CPU in ms of a stage without its calls."""
    return (number(stage.get("cpu_ms")) or 0.0) - (number(stage.get("io_ms")) or 0.0)


def _stages(document: Row, whole: Row) -> list[Row]:
    place = ("runtime", "phase", "invocation")
    return [
        row
        for row in document.get("rows") or []
        if number(row.get("cpu_ms")) is not None
        and all(row.get(key) == whole.get(key) for key in place)
    ]


def sentence(document: Row, limits: LimitProfile) -> str:
    """The answer: share of the budget, whether that fits, and what drives it."""
    warm = nearest(document, limits, "warm")
    cold = nearest(document, limits, "cold")
    main = warm or cold or next(iter(measured(document)), None)
    if main is None:
        return "Nothing was measured to its end, so there is no answer."
    text = f"{_doubt(document)}{_main(document, main, limits)}"
    if warm is not None and cold is not None:
        fresh = "isolate" if is_locked(cold) else "process"
        text += f" The first {cold['invocation']} invocation of a fresh {fresh} costs "
        text += str(charge(cold))
        if said(cold, limits) != NO_VERDICT:
            limit = limits.cpu_ms_for(str(cold.get("invocation")))
            text += f", {percent(share(cold, limits))} of {limit:,g} ms"
        text += "."
    return text


def _main(document: Row, row: Row, limits: LimitProfile) -> str:
    if said(row, limits) == NO_VERDICT:
        return _orientation(document, row, limits)
    limit, part = limits.cpu_ms_for(str(row.get("invocation"))), share(row, limits)
    verdict = _SAID.get(said(row, limits), "whether it fits cannot be told from here")
    text = (
        f"Of the {limit:,g} ms of CPU that {limits.name} allows, one "
        f"{row.get('phase')} {row.get('invocation')} invocation uses {percent(part)}: "
        f"{charge(row)}{_under_lock(row)} here, "
        f"{percent(part * TRANSFER_LOW)} to {percent(part * TRANSFER_HIGH)} if a "
        f"millisecond of this machine is {TRANSFER_LOW:g} to {TRANSFER_HIGH:g} of "
        f"Cloudflare's, so {verdict}"
    )
    return f"{text}{_driven_by(document, row)}"


def _orientation(document: Row, row: Row, limits: LimitProfile) -> str:
    """What a runtime that Workers does not use can say: where the CPU goes."""
    limit = limits.cpu_ms_for(str(row.get("invocation")))
    runtime, stages = spoken(row.get("runtime")), _stages(document, row)
    io = sum(number(stage.get("io_ms")) or 0.0 for stage in stages)
    compute = float(row["whole_cpu_ms"]) - io
    return (
        f"In {runtime}, one {row.get('phase')} {row.get('invocation')} invocation "
        f"costs {charge(row)} of CPU: {milliseconds(io)} ms in the HTTP client, which "
        "Workers does mostly outside the request's account, and "
        f"{milliseconds(compute)} ms of compute{_led_by(stages, compute)}. Workers "
        f"does not run {runtime}: this says where the CPU goes and gives no verdict. "
        f"For scale: the limit is {limit:,g} ms ({limits.title})."
    )


def _led_by(stages: list[Row], compute: float) -> str:
    top = max(stages, key=_compute, default=None)
    if top is None or compute <= 0:
        return ""
    return (
        f", of which {top.get('stage')} is the largest part with "
        f"{milliseconds(_compute(top))} ms ({percent(_compute(top) / compute)})"
    )


def _driven_by(document: Row, row: Row) -> str:
    top, whole = driver(document, row), charge(row).value
    if top is None or not whole:
        return "."
    cost = counted(top, row)
    return (
        f"; {top.get('stage')} drives it with {milliseconds(cost)} ms, "
        f"{percent(cost / whole)} of that."
    )


def _under_lock(row: Row) -> str:
    if not is_locked(row):
        return ""
    return (
        " under the isolate lock, which is what is charged, of "
        f"{milliseconds(row['whole_cpu_ms'])} ms on its thread"
    )


def _doubt(document: Row) -> str:
    doubted = [row for row in measured(document) if row.get("verdict") != "ok"]
    if not doubted:
        return ""
    keys = ("invocation", "phase", "runtime")
    names = [" ".join(spoken(row.get(key)) for key in keys) for row in doubted]
    return f"Inconclusive for {', '.join(names)}: a check on the numbers failed. "


def interval(row: Row, low: str, high: str) -> str:
    """`` [low, high]`` in ms, or nothing where an end is unknown."""
    return _ends(number(row.get(low)), number(row.get(high)))


def _ends(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f" [{milliseconds(low)}, {milliseconds(high)}]"


def percent(part: float) -> str:
    """0.6 -> ``60 %``; two significant digits where it is small."""
    size = abs(part) * 100
    digits = 0 if size >= 10 else 1 if size >= 1 else 2 if size >= 0.1 else 3
    return f"{part * 100:,.{digits}f} %"


def against_all(document: Row, chosen: LimitProfile) -> list[Against]:
    """Each profile, the chosen one first, in each phase that was measured."""
    profiles = {chosen.name: chosen, **limit_profiles()}
    phases = dict.fromkeys(str(row.get("phase")) for row in measured(document))
    found = []
    for profile in profiles.values():
        for phase in phases:
            row = nearest(document, profile, phase)
            if row is not None:
                name = str(row.get("invocation"))
                runtime = str(row.get("runtime"))
                part, words = share(row, profile), said(row, profile)
                found.append(Against(profile, phase, runtime, name, part, words))
    return found

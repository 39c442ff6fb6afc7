"""How a capacity plan prints a number: in its unit, with its interval, or a dash."""

from __future__ import annotations

from typing import Any

from bench.figures._common import milliseconds, number
from bench.report._shape import MISSING
from bench.verdict.answer import percent

Row = dict[str, Any]
_MOVES = 0.001
_STATES = {"any rate": "any", "never": "never", "unknown": "unknown"}


def value(found: Any, unit: Any) -> str:
    """A number in its unit: a share as a percentage, ms, dollars, or a plain one."""
    known = number(found)
    if known is None:
        return MISSING
    if unit == "share":
        return percent(known) if known else "0 %"
    if unit == "ms":
        return f"{milliseconds(known)} ms"
    if unit == "usd a month":
        return money(known)
    return short(known)


def short(found: Any) -> str:
    """Three significant digits without an exponent; large ones in M or G."""
    known = number(found)
    if known is None:
        return MISSING
    for size, suffix in ((1e9, " G"), (1e6, " M")):
        if abs(known) >= size:
            return f"{known / size:,.3g}{suffix}" if known < 1e12 else f"{known:.2e}"
    if known == 0 or abs(known) >= 0.001:
        return f"{known:,.0f}" if abs(known) >= 100 else f"{known:.3g}"
    return f"{known:.1e}"


def percentile(row: Row) -> str:
    """The name of a percentile of the whole request."""
    return str(row.get("metric")).replace("latency_", "whole request, ")


def ends(row: Row) -> str:
    """The interval of a row."""
    low, high = number(row.get("low")), number(row.get("high"))
    if low is None and high is None:
        return ""
    unit = row.get("unit")
    return "" if low == high else f"{value(low, unit)} to {value(high, unit)}"


def needing(row: Row) -> str:
    """The value of a row, or how many it would take to have one."""
    if row.get("value") is None and row.get("needs"):
        return f"needs {row['needs']:,}"
    return value(row.get("value"), row.get("unit"))


def binds(row: Row) -> str:
    """The rate at which a limit binds, or its state."""
    if row.get("state") == "fills":
        return f"full in {short(row.get('days'))} d"
    return _STATES.get(str(row.get("state")), short(row.get("rate_at")))


def rate_ends(row: Row) -> str:
    """The interval of that rate."""
    low, high = row.get("low"), row.get("high")
    if (low is None and high is None) or row.get("state") == "fills" or low == high:
        return ""
    return f"{short(low)} to {'never' if high is None else short(high)}"


def lowest(row: Row) -> tuple[int, float]:
    """The order of limits: what breaks first is first."""
    states = ("any rate", "at", "fills", "never", "unknown")
    state = str(row.get("state"))
    place = states.index(state) if state in states else len(states)
    return place, number(row.get("rate_at")) or 0.0


def count(row: Row) -> str:
    """A number of machines."""
    if row.get("machines") is None:
        return "none is enough"
    return f"{row['machines']:,}"


def money(found: Any) -> str:
    """Dollars with cents."""
    known = number(found)
    return MISSING if known is None else f"{known:,.2f}"


def money_ends(row: Row) -> str:
    """The interval of a total."""
    low, high = number(row.get("low")), number(row.get("high"))
    if low is None or high is None or low == high:
        return ""
    return f"{money(low)} to {money(high)}"


def given(found: Any) -> str:
    """The end of a range, which may be words."""
    return found if isinstance(found, str) else short(found)


def moves(row: Row) -> bool:
    """Whether a guess changes an answer by more than a thousandth of it."""
    low, high = number(row.get("answer_low")), number(row.get("answer_high"))
    if low is None or high is None:
        return False
    return abs(high - low) > _MOVES * abs(number(row.get("base")) or 0.0)


def with_ends(row: Row, key: str, low: str, high: str) -> str:
    """A number with its interval."""
    unit = row["unit"]
    ends = " to ".join(value(row[end], unit) for end in (low, high))
    return f"{value(row[key], unit)} [{ends}]"


def whose(names: list[str], every: list[str]) -> str:
    """Which profiles: ``all``, ``all but free``, or their names."""
    others = [name for name in every if name not in names]
    if not others:
        return "all"
    if len(others) == 1 and len(every) > 2:
        return f"all but {others[0]}"
    return ", ".join(names)

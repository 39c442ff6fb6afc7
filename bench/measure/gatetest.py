"""The gate on itself: does it fail on code that is 5 % slower, and pass on the same?

Each trial takes turns between a fixed piece of code (json.loads), the same code again
and the same code with 5 % more work, which is really done. All trials are one run, and
a gate judges it: the slower code must fail a limit that lies half way, the same code
must pass it. The document is that of the gate; ``trials`` counts its verdicts.
"""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.measure.checkouts import BASELINE, RUNTIME
from bench.measure.compare import Budget
from bench.measure.contest import Contest, block, hold
from bench.measure.process import starter
from bench.measure.selftest import SUBJECT
from bench.measure.stages import Reporter
from bench.measure.turns import Member, Pace

if TYPE_CHECKING:
    from bench.store import Run

EFFECT = 0.05
LIMIT = 1 + EFFECT / 2
TRIALS = 20
SAME, SLOWER = "same", "slower"
_CASE = "loads"
# At most 20 times this long, and some tenths of a second a trial to start and end.
_SECONDS = 7.0


def seconds(trials: int = TRIALS) -> float:
    """An upper estimate for the progress display."""
    return trials * _SECONDS


def measure(run: Run, *, seed: int, progress: Reporter, trials: int = TRIALS) -> None:
    """The turns of every trial, as contests of ``run`` of their own.

    Raises ChildError where a measured process fails.
    """
    extra = {BASELINE: 0.0, SAME: 0.0, SLOWER: EFFECT}
    members = [
        Member(name, starter(SUBJECT, {"extra": share}), {block(_CASE, ""): _CASE})
        for name, share in extra.items()
    ]
    for trial in range(trials):
        progress.step(f"trial {trial + 1} of {trials}")
        contest = Contest(
            invocation=f"trial {trial + 1:02}",
            members=members,
            reference=BASELINE,
            budget=Budget(seconds=_SECONDS, target_width=0.015),
            pace=Pace(rounds=30),
            runtimes=dict.fromkeys(extra, RUNTIME),
        )
        hold(contest, run, seed=seed + 1000 * trial, on_group=lambda *_: None)


def counted(rows: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """How often each verdict was given, of the same code and of the slower."""
    return {
        variant: dict(
            Counter(row["verdict"] for row in rows if row["variant"] == variant)
        )
        for variant in (SAME, SLOWER)
    }


def lines(rows: list[dict[str, Any]]) -> list[str]:
    """The counts as text, with the width of the intervals behind them."""
    names = {SAME: "the same code", SLOWER: f"{EFFECT:+.0%} of work"}
    said = [
        f"{names[variant]:14} " + ", ".join(f"{n} {word}" for word, n in found.items())
        for variant, found in counted(rows).items()
    ]
    widths = [row["high"] / row["low"] - 1 for row in rows if row["low"]]
    middle = f"{median(widths):.1%}" if widths else "unknown"
    return [
        f"json.loads against itself in turns on one core, limit {LIMIT:g}:",
        *said,
        f"median width of the {len(rows)} intervals: {middle}",
    ]

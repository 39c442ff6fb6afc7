"""Two checkouts of one project in turns on one core: what a change costs.

This is the comparison that a pull request needs. Measured one after the other, the
same code differs too often; here the old and the new checkout are processes of the same
groups, beside the old one once more as the control (`bench.measure.contest`).

A subject is named as ``module:function`` and looked for in each checkout. The function
takes a dict of parameters (``seed``) and returns cases by name: functions of the number
of loops (`bench.measure.child`). What it computes is not compared: a subject should
check its own answer in its set-up.

    invocation  turns      stage    the case
    variant     baseline (the old checkout), candidate (the new one), control
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.measure.child import Case
from bench.measure.compare import Budget
from bench.measure.contest import Contest, block, hold
from bench.measure.process import Child, ChildError, starter
from bench.measure.stages import Reporter
from bench.measure.turns import Member, Pace

if TYPE_CHECKING:
    from bench.store import Run

INVOCATION = "turns"
BASELINE, CANDIDATE = "baseline", "candidate"
RUNTIME = "cpython"
_ELSEWHERE = "bench.measure.checkouts:elsewhere"


@dataclass(frozen=True, slots=True)
class Size:
    """How long the turns take, and how fine they should tell."""

    budget: Budget
    pace: Pace


SIZES = {
    "quick": Size(Budget(seconds=20, target_width=0.01), Pace(rounds=40)),
    "full": Size(Budget(seconds=180, target_width=0.004), Pace(rounds=60)),
}


def elsewhere(parameters: dict[str, Any]) -> dict[str, Case]:
    """Set-up of a measured process: the subject of the checkout in ``folder``.

    Raises ImportError where Python would take it from another place.
    """
    folder = Path(parameters["folder"])
    sys.path.insert(0, str(folder))
    name, _, function = parameters["subject"].partition(":")
    module = importlib.import_module(name)
    origin = Path(module.__file__ or "")
    if not origin.resolve().is_relative_to(folder.resolve()):
        raise ImportError(f"{name} comes from {origin}, not from {folder}")
    cases: dict[str, Case] = getattr(module, function)({"seed": parameters["seed"]})
    return cases


def measure(
    run: Run,
    subject: str,
    old: Path,
    new: Path,
    *,
    size: Size,
    seed: int,
    progress: Reporter,
) -> None:
    """Groups of both checkouts into ``run``, until they tell enough or time is up.

    Raises ChildError where a measured process fails.
    """
    cases = check(subject, old, new, seed=seed)
    members = [
        Member(
            name,
            starter(_ELSEWHERE, _parameters(subject, folder, seed)),
            {block(case, ""): case for case in cases},
        )
        for name, folder in ((BASELINE, old), (CANDIDATE, new))
    ]
    contest = Contest(
        invocation=INVOCATION,
        members=members,
        reference=BASELINE,
        budget=size.budget,
        pace=size.pace,
        runtimes=dict.fromkeys((BASELINE, CANDIDATE), RUNTIME),
    )
    progress.step("old and new in turns")
    hold(
        contest,
        run,
        seed=seed,
        on_group=lambda done, width: progress.step(f"group {done}, width {width:.1%}"),
    )


def check(subject: str, old: Path, new: Path, *, seed: int) -> Sequence[str]:
    """Names of the cases, which both checkouts must have.

    Raises UserError, before anything is measured, for a checkout that is no folder, a
    subject that cannot be set up in it, or cases that differ.
    """
    names = {}
    for option, folder in (("--old", old), ("--new", new)):
        if not folder.is_dir():
            raise UserError(
                "is not a folder",
                file=folder,
                field=option,
                remedy="name a checkout, such as one that `git worktree add` made",
            )
        try:
            parameters = _parameters(subject, folder, seed)
            with Child(_ELSEWHERE, parameters, seed=seed) as child:
                child.ready()
                names[option] = child.cases
        except ChildError as error:
            raise UserError(
                f"{subject!r} cannot be set up: {error}",
                file=folder,
                field="--turns",
                remedy="name module:function, a function of a dict that returns "
                "functions of a number of loops by name",
            ) from error
    if set(names["--old"]) != set(names["--new"]) or not names["--new"]:
        raise UserError(
            f"has the cases {', '.join(names['--old']) or 'none'} in the old checkout "
            f"and {', '.join(names['--new']) or 'none'} in the new one",
            field="--turns",
            remedy="compare what both have",
        )
    return names["--new"]


def _parameters(subject: str, folder: Path, seed: int) -> dict[str, Any]:
    return {"subject": subject, "folder": str(folder.resolve()), "seed": seed}

"""``bench gate``: a run against budgets, for continuous integration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.errors import GateViolatedError, InconclusiveError, UserError
from bench.verbs import _options, _output

if TYPE_CHECKING:
    from bench.store import Run
    from bench.verdict._budgets import Budget

BUDGETS = Path("bench.toml")
# What a change may cost where no budgets are named, and turns tell.
_RATIO = 1.02


@click.command("gate")
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option(
    "--budgets",
    type=click.Path(path_type=Path),
    help="Budgets in TOML.  [default: bench.toml; with --turns a ratio of 1.02]",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="An earlier run of the same machine, for budgets with a ratio.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Judge ratios to a baseline of another machine, inputs or versions all the "
    "same: the reasons stand in the result.",
)
@click.option(
    "--turns",
    "subject",
    metavar="MODULE:FUNCTION",
    help="Measure this subject of two checkouts in turns on one core, then judge.",
)
@click.option(
    "--old",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="With --turns: the checkout that is the baseline.",
)
@click.option(
    "--new",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=Path(),
    show_default=True,
    help="With --turns: the checkout that is judged.",
)
@click.option(
    "--selftest",
    is_flag=True,
    help="How often the gate fails on +5 % and passes on none: 20 times each, measured "
    "here in three minutes.",
)
@_options.profile
@_options.common
def command(
    run: Path | None,
    budgets: Path | None,
    baseline: Path | None,
    force: bool,
    subject: str | None,
    old: Path | None,
    new: Path,
    selftest: bool,
    profile: str,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Hold RUN against the budgets of bench.toml.

    Ends with 0 where every cell passes, with 5 where one fails, and with 6 where none
    fails and one could not be told. Nothing is measured, unless --turns or --selftest
    says so: they make a run, in --out where it is given.
    """
    from bench.report import _gate

    _check(run, baseline, subject, old, selftest)
    if selftest:
        _selftest(out, seed, quiet, as_json)
        return
    given = _read(budgets, subject)
    if subject is not None and old is not None:
        judged = _turns(subject, old, new, profile, out, seed, quiet)
    else:
        judged = _opened(run or Path())
    other = None if baseline is None else _opened(baseline)
    document = _document(judged, given, other, force, budgets or BUDGETS)
    kept = None if subject is not None else out
    if not _output.emit(document, as_json=as_json, out=kept):
        _output.say(_gate.terminal(document))
    _end(document)


def _check(
    run: Path | None,
    baseline: Path | None,
    subject: str | None,
    old: Path | None,
    selftest: bool,
) -> None:
    """Raise UserError unless there is exactly one thing to judge."""
    ways = {"RUN": run, "--turns": subject, "--selftest": selftest or None}
    named = [name for name, value in ways.items() if value is not None]
    if len(named) != 1:
        raise UserError(
            f"{' and '.join(named) or 'nothing'} is named",
            field="RUN",
            remedy="name one: a folder of results, --turns, or --selftest",
        )
    if (subject is None) != (old is None):
        raise UserError(
            "belong together",
            field="--turns, --old",
            remedy="write --turns module:function --old DIR",
        )
    if baseline is not None and run is None:
        raise UserError(
            "is for the run that is named",
            field="--baseline",
            remedy="leave it out; --turns measures its baseline itself",
        )


def _read(budgets: Path | None, subject: str | None) -> list[Budget]:
    from bench.measure.checkouts import BASELINE, CANDIDATE, INVOCATION
    from bench.measure.compare import CONFIDENCE
    from bench.verdict import _budgets

    if budgets is not None or subject is None:
        return _budgets.read(budgets or BUDGETS)
    turns = _budgets.Budget(
        name="turns",
        invocation=INVOCATION,
        variant=CANDIDATE,
        against=BASELINE,
        ratio=_RATIO,
        confidence=CONFIDENCE,
    )
    return [turns]


def _opened(path: Path) -> Run:
    from bench.verdict.compare import opened

    return opened(path)


def _turns(
    subject: str,
    old: Path,
    new: Path,
    profile: str,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> Run:
    """A finished run of both checkouts."""
    from bench.measure import checkouts
    from bench.progress import Progress
    from bench.store import Run

    size = checkouts.SIZES[profile]
    checkouts.check(subject, old, new, seed=seed)
    with Run.create(
        out,
        argv=sys.argv[1:],
        seed=seed,
        profile=profile,
        parameters={"turns": subject},
        fixtures={},
    ) as run:
        with Progress(seconds=size.budget.seconds, quiet=quiet) as progress:
            checkouts.measure(
                run, subject, old, new, size=size, seed=seed, progress=progress
            )
        run.seal()
    return run


def _document(
    run: Run,
    budgets: list[Budget],
    baseline: Run | None,
    force: bool,
    file: Path | None,
) -> dict[str, Any]:
    from bench.verdict import gate

    document = gate.document(run, budgets, baseline, force=force, file=file)
    found: dict[str, Any] = _output.finite(document)
    return found


def _end(document: dict[str, Any]) -> None:
    """Raise what the verdict ends with."""
    from bench.verdict import gate

    counts, total = document["counts"], len(document["rows"])
    if counts[gate.FAIL]:
        raise GateViolatedError(f"{counts[gate.FAIL]} of {total} cells fail")
    if counts[gate.UNKNOWN]:
        raise InconclusiveError(
            f"{counts[gate.UNKNOWN]} of {total} cells could not be told"
        )


def _selftest(out: Path | None, seed: int, quiet: bool, as_json: bool) -> None:
    """Measure, judge and count; the gate's own verdicts do not end it."""
    from bench.measure import gatetest
    from bench.measure.checkouts import BASELINE
    from bench.measure.compare import CONFIDENCE
    from bench.progress import Progress
    from bench.store import Run
    from bench.verdict import _budgets

    with Run.create(
        out,
        argv=sys.argv[1:],
        seed=seed,
        profile="quick",
        parameters={"gate": "selftest"},
        fixtures={},
    ) as run:
        with Progress(seconds=gatetest.seconds(), quiet=quiet) as progress:
            gatetest.measure(run, seed=seed, progress=progress)
        run.seal()
    budgets = [
        _budgets.Budget(
            name=variant,
            variant=variant,
            against=BASELINE,
            ratio=gatetest.LIMIT,
            confidence=CONFIDENCE,
        )
        for variant in (gatetest.SAME, gatetest.SLOWER)
    ]
    document = _document(run, budgets, None, False, None)
    trials = gatetest.counted(document["rows"])
    if as_json:
        _output.emit_json(document | {"trials": trials})
        return
    for line in gatetest.lines(document["rows"]):
        _output.say(line)

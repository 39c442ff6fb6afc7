"""``bench worker``: what somebody's own Worker will cost, before it is deployed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.errors import GateViolatedError, InconclusiveError, UserError
from bench.verbs import _options, _output

if TYPE_CHECKING:
    from bench.platform import LimitProfile
    from bench.project import Project
    from bench.project._data import Seeds
    from bench.project.requests import Mix
    from bench.store import Run

_SURE = 0.9
"""Share of the draws that a gate asks to agree."""


def _seed(kind: str, what: str) -> _options.Decorator:
    return click.option(
        f"--seed-{kind}",
        f"seed_{kind}",
        multiple=True,
        metavar="BINDING=PATH",
        help=f"What {what} holds at first; may be repeated.",
    )


@click.command("worker")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--env", help="The environment of the project's configuration.")
@click.option(
    "--requests",
    type=click.Path(path_type=Path),
    help="A HAR file, NDJSON, or lines such as `GET /path`. Without it those in the "
    "project's own folder replay/, and `GET /` where it has none.",
)
@_seed("kv", "a KV namespace, a JSON object,")
@_seed("d1", "a D1 database, a script of SQL after its migrations,")
@_seed("r2", "an R2 bucket, a folder of files,")
@_seed("vectorize", "a Vectorize index, vectors as NDJSON,")
@click.option(
    "--outbound",
    type=click.Path(path_type=Path),
    help='Answers to fetch, NDJSON of {"host", "path", "status", "body"}; others: 502.',
)
@click.option(
    "--service",
    "beside",
    multiple=True,
    metavar="BINDING=DIR",
    help="The project of another Worker that a service binding leads to; may be "
    "repeated. Its bindings are called BINDING.NAME.",
)
@click.option(
    "--stub",
    "stubs",
    multiple=True,
    metavar="BINDING",
    help="Answer every call of this binding with an error; may be repeated.",
)
@click.option(
    "--phase",
    type=click.Choice(["cold", "warm", "all"]),
    default="all",
    show_default=True,
    help="The first request of an isolate, or later ones.",
)
@click.option(
    "--any-status",
    is_flag=True,
    help="A verdict for routes that answer an error, or not always alike, too.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="OLD_DIR",
    help="Compare with another version of the project instead: both take turns on one "
    "core, and every route is faster, slower or the same.",
)
@click.option(
    "--within",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.02,
    show_default=True,
    help="With --against: what a route may cost more or less and be the same.",
)
@click.option(
    "--gate",
    is_flag=True,
    help="Exit 5 unless every route fits --limits, or where one is slower than in "
    "--against; 6 where that cannot be told.",
)
@_options.profile
@_options.limits
@_options.common
def command(
    folder: Path,
    env: str | None,
    requests: Path | None,
    seed_kv: tuple[str, ...],
    seed_d1: tuple[str, ...],
    seed_r2: tuple[str, ...],
    seed_vectorize: tuple[str, ...],
    outbound: Path | None,
    beside: tuple[str, ...],
    stubs: tuple[str, ...],
    phase: str,
    any_status: bool,
    against: Path | None,
    within: float,
    gate: bool,
    profile: str,
    limits: str,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Measure the Worker project in DIR: CPU by route and function, and what fits.

    It is bundled as wrangler does and run in workerd, with services on loopback behind
    its bindings. Nothing of it is installed, none of its scripts run, and nothing that
    it does reaches a network. What options do not name is taken from the project's
    folder replay/: requests.ndjson, outbound.ndjson, kv/NAME.json, d1/NAME.sql,
    r2/NAME/, vectorize/NAME.ndjson and .dev.vars.
    """
    from bench.measure.stages import PHASES
    from bench.platform import limit_profile
    from bench.project import _neighbours, _replay
    from bench.project import requests as asked
    from bench.project._given import Given
    from bench.store import Run

    if against is not None and (any_status or phase != "all"):
        raise UserError(
            "says nothing beside --against",
            field="--any-status" if any_status else "--phase",
            remedy="leave it out: versions take turns warm, and must answer alike",
        )
    limit = limit_profile(limits)
    kept = _replay.find(folder, env)
    requests, outbound = requests or kept.requests, outbound or kept.outbound
    seeds = dict(kept.seeds) | {
        (kind, name): path
        for kind, given in (
            ("kv", seed_kv),
            ("d1", seed_d1),
            ("r2", seed_r2),
            ("vectorize", seed_vectorize),
        )
        for name, path in _pairs(f"seed-{kind}", given)
    }
    services = _pairs("service", beside)
    told = Given(env, services, stubs, seeds, kept.variables)
    project = told.project(folder)
    older = None if against is None else told.older(against)
    mix = asked.read(requests, seed)
    phases = list(PHASES) if phase == "all" else [phase]
    for line in [] if quiet else [*kept.said, *_neighbours.said(project)]:
        _output.note(line)
    parameters: dict[str, Any] = {
        "worker": project.name,
        "env": env,
        "stubs": list(stubs),
        "services": [name for name, _ in services],
    }
    if older is None:
        parameters |= {"phases": phases, "limits": limits, "any_status": any_status}
    else:
        parameters |= {"against": older[0].name, "within": within}
    with Run.create(
        out,
        argv=sys.argv[1:],
        seed=seed,
        profile=profile,
        parameters=parameters,
        fixtures=({mix.source["file"]: mix.source["sha256"]} if requests else {})
        | _replay.digests(seeds, outbound),
    ) as run:
        common = _Common(run, mix, outbound, profile, seed, quiet, as_json)
        if older is not None:
            document = _versions(common, older, (project, seeds), limit, within)
        else:
            document = _alone(common, project, seeds, limit, phases, any_status)
    if gate and older is not None:
        _hold_versions(document["rows"])
    elif gate:
        _hold(document["verdicts"], limit.name)


@dataclass(frozen=True, slots=True)
class _Common:
    """What both ways to measure are told."""

    run: Run
    mix: Mix
    outbound: Path | None
    profile: str
    seed: int
    quiet: bool
    as_json: bool


def _alone(
    common: _Common,
    project: Project,
    seeds: Seeds,
    limits: LimitProfile,
    phases: list[str],
    any_status: bool,
) -> dict[str, Any]:
    """Measure one version; its document, which is printed and kept."""
    from bench.measure import project as measured
    from bench.progress import Progress
    from bench.report import _project as report

    run = common.run
    expected = measured.seconds(common.profile, phases)
    with Progress(seconds=expected, quiet=common.quiet) as progress:
        document = measured.measure(
            run,
            project=project,
            mix=common.mix,
            seeds=seeds,
            outbound=common.outbound,
            profile=common.profile,
            limits=limits,
            seed=common.seed,
            progress=progress,
            phases=phases,
            any_status=any_status,
        )
    _draw(run, "worker", document, limits)
    text = None if common.as_json else report.text(document)
    _output.finish(run, "worker.json", document, text)
    return document


def _draw(
    run: Run, source: str, document: dict[str, Any], limits: LimitProfile
) -> None:
    from bench import figures

    folder, samples = run.path / "figures", run.samples()
    figures.save_all(folder, source, document, samples, limits)


def _versions(
    common: _Common,
    old: tuple[Project, Seeds],
    new: tuple[Project, Seeds],
    limits: LimitProfile,
    within: float,
) -> dict[str, Any]:
    """Measure two versions in turns; their document, which is printed and kept."""
    from bench.measure import project_turns as measured
    from bench.progress import Progress
    from bench.report import _project_turns as report

    expected = measured.seconds(common.profile)
    with Progress(seconds=expected, quiet=common.quiet) as progress:
        document = measured.measure(
            common.run,
            old=old[0],
            new=new[0],
            mix=common.mix,
            seeds=(old[1], new[1]),
            outbound=common.outbound,
            profile=common.profile,
            seed=common.seed,
            progress=progress,
            within=within,
        )
    _draw(common.run, "versions", document, limits)
    text = None if common.as_json else report.text(document)
    _output.finish(common.run, "versions.json", document, text)
    return document


def _pairs(option: str, given: Sequence[str]) -> list[tuple[str, Path]]:
    """``BINDING=PATH`` taken apart. Raises UserError for one that is not."""
    found = []
    for each in given:
        name, equals, path = each.partition("=")
        if not (name and equals and path):
            raise UserError(
                f"{each!r} is not BINDING=PATH",
                field=f"--{option}",
                remedy="write the binding's name, = and a path",
            )
        found.append((name, Path(path)))
    return found


def _hold(verdicts: Sequence[dict[str, Any]], profile: str) -> None:
    """Raise GateViolatedError unless everything fits ``profile``, InconclusiveError
    where that cannot be told."""
    from bench.verdict.answer import FITS, NO_VERDICT

    mine = [row for row in verdicts if row["profile"] == profile]
    broken = [r for r in mine if r["verdict"] not in (FITS, NO_VERDICT)]
    if broken:
        said = "; ".join(f"{row['route']} {row['verdict']}" for row in broken)
        raise GateViolatedError(f"limits {profile}: {said}")
    unsure = [
        row for row in mine if row["verdict"] == NO_VERDICT or row["confidence"] < _SURE
    ]
    if unsure:
        names = ", ".join(row["route"] for row in unsure)
        raise InconclusiveError(f"limits {profile}: cannot be told of {names}")


def _hold_versions(rows: Sequence[dict[str, Any]]) -> None:
    """Raise GateViolatedError where a route is slower than before, InconclusiveError
    where that cannot be told of one."""
    from bench.verdict.compare import INCONCLUSIVE, SLOWER

    slower = [row for row in rows if row["verdict"] == SLOWER]
    if slower:
        said = "; ".join(f"{row['route']} {row['ratio']:.3f} times" for row in slower)
        raise GateViolatedError(f"slower than before: {said}")
    unsure = [row["route"] for row in rows if row["verdict"] == INCONCLUSIVE]
    if unsure:
        raise InconclusiveError(f"cannot be told of {', '.join(unsure)}")

"""``bench worker``: what somebody's own Worker will cost, before it is deployed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bench.errors import GateViolatedError, InconclusiveError, UserError
from bench.verbs import _options, _output

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
    help="A HAR file, NDJSON, or lines such as `GET /path`; `GET /` without it.",
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
    "--gate",
    is_flag=True,
    help="Exit 5 unless every route fits --limits, 6 where that cannot be told.",
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
    stubs: tuple[str, ...],
    phase: str,
    any_status: bool,
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
    it does reaches a network.
    """
    from bench import figures
    from bench.figures import _project as figure
    from bench.measure import project as measured
    from bench.measure.stages import PHASES
    from bench.platform import limit_profile
    from bench.progress import Progress
    from bench.project import STUB
    from bench.project import requests as asked
    from bench.project._wrangler import load
    from bench.report import _project as report
    from bench.store import Run

    limit = limit_profile(limits)
    project = load(folder, env).stubbed(stubs)
    seeds = {
        (kind, name): path
        for kind, given in (
            ("kv", seed_kv),
            ("d1", seed_d1),
            ("r2", seed_r2),
            ("vectorize", seed_vectorize),
        )
        for name, path in _pairs(kind, given)
    }
    mix = asked.read(requests, seed)
    phases = list(PHASES) if phase == "all" else [phase]
    for each in [] if quiet else project.of(STUB):
        _output.note(f"not provided: every call of {each.name} ({each.target}) fails")
    with Run.create(
        out,
        argv=sys.argv[1:],
        seed=seed,
        profile=profile,
        parameters={
            "worker": project.name,
            "env": env,
            "stubs": list(stubs),
            "phases": phases,
            "limits": limits,
            "any_status": any_status,
        },
        fixtures={mix.source["file"]: mix.source["sha256"]} if requests else {},
    ) as run:
        expected = measured.seconds(profile, phases)
        with Progress(seconds=expected, quiet=quiet) as progress:
            document = measured.measure(
                run,
                project=project,
                mix=mix,
                seeds=seeds,
                outbound=outbound,
                profile=profile,
                limits=limit,
                seed=seed,
                progress=progress,
                phases=phases,
                any_status=any_status,
            )
        drawn, data = figure.draw(document, run.samples(), limit)
        figures.save(
            run.path / "figures", "worker", figures.sign(drawn, document), data
        )
        text = None if as_json else report.text(document)
        _output.finish(run, "worker.json", document, text)
    if gate:
        _hold(document["verdicts"], limit.name)


def _pairs(kind: str, given: Sequence[str]) -> list[tuple[str, Path]]:
    """``BINDING=PATH`` taken apart. Raises UserError for one that is not."""
    found = []
    for each in given:
        name, equals, path = each.partition("=")
        if not (name and equals and path):
            raise UserError(
                f"{each!r} is not BINDING=PATH",
                field=f"--seed-{kind}",
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

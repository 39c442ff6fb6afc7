"""The document of ``bench selftest``: its trials run, kept as samples, summarised."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from bench.measure import footprint, selftest, stages
from bench.measure.selftest import SIZES, Size, Trial
from bench.progress import Progress
from bench.store import Run

SCHEMA = 1


def report(
    profile: str, *, seed: int, out: Path | None, progress: Progress
) -> dict[str, Any]:
    """Run the trials, the closure of the default journey and the footprint.

    Each trial is a cell of a run, so an interruption loses one at the most.
    """
    from bench import transcript

    body = transcript.given(None)
    with Run.create(
        out,
        argv=sys.argv[1:],
        seed=seed,
        profile=profile,
        parameters={},
        fixtures={body.label: body.sha256},
    ) as run:
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "run": run.id,
            "machine": run.machine,
            "command": run.manifest.get("command", ""),
        }
        document |= _trials(run, SIZES[profile], seed, progress)
        document["floor_us"] = selftest.empty_turn_us(seed)
        measured = stages.measure(
            run,
            transcript=body,
            runtimes=["cpython"],
            phases=["warm"],
            profile=profile,
            seed=seed,
            progress=progress,
        )
        document["closure"] = measured["totals"][0]["closure"]
        document["path"] = measured["totals"][0]
        progress.step("memory of the driver with a 10 MB transcript")
        document["help_seconds"] = footprint.help_seconds()
        document["peak_mib"] = footprint.peak_mib(seed)
        document["lines"] = lines(document)
        run.seal()
    return document


def _trials(run: Run, size: Size, seed: int, progress: Progress) -> dict[str, Any]:
    progress.expect(seconds=size.total_seconds)
    done: list[Trial] = []
    for trial in selftest.trials(size, seed):
        done.append(trial)
        rows = _rows(trial)
        with run.cell({"selftest": trial.index, "tool": rows[0]["variant"]}) as cell:
            cell.add(rows)
        progress.step(f"comparison {trial.index + 1} of {size.comparisons}")
    return selftest.summarise(done)


def _rows(trial: Trial) -> list[dict[str, Any]]:
    """Ratio, low and high of each comparison of one trial, as samples."""
    if trial.ours is not None:
        found = {
            name: {"ratio": i.value, "low": i.low, "high": i.high}
            for name, i in trial.ours.ratios.items()
        }
        tool = "workbench"
    else:
        duels = {"control": trial.pyperf_same, "slower": trial.pyperf_slower}
        found = {
            name: {
                "ratio": duel.ratio,
                "width": duel.width,
                "significant": float(duel.significant),
            }
            for name, duel in duels.items()
            if duel is not None
        }
        tool = "pyperf"
    return [
        {
            "runtime": "cpython",
            "stage": name,
            "variant": tool,
            "process": trial.index,
            "seq": trial.index,
            "metric": metric,
            "unit": "1",
            "value": value,
        }
        for name, numbers in found.items()
        for metric, value in numbers.items()
    ]


def lines(document: dict[str, Any]) -> list[str]:
    """The report as text, each number with its interval and what it is held to."""
    seconds = document["seconds_per_comparison"]
    text = [
        f"{document['comparisons']} comparisons of json.loads, "
        f"{seconds['median']:.1f} s each (at most {seconds['max']:.1f} s), "
        f"on {document['machine']['host']}",
        "",
        f"{'':28}{'workbench':>24}{'pyperf':>24}",
    ]
    names = {
        "false_positive": "false positives (A/A)",
        "power": "finds +2 %",
    }
    other = document.get("pyperf")
    for key, label in names.items():
        ours, theirs = document[key], other[key] if other else None
        text.append(f"{label:28}{_rate(ours):>24}{_rate(theirs):>24}")
    theirs = f"{other['interval_width']:.1%}" if other else "-"
    width = f"{document['interval_width']:.1%}"
    text.append(f"{'width of the 95 % interval':28}{width:>24}{theirs:>24}")
    text += [
        "",
        f"floor of a turn {document['floor_us']:.1f} us CPU; "
        f"closure of the path {document['closure']:+.1%}",
        f"bench --help {document['help_seconds']:.2f} s; "
        f"peak memory with a 10 MB transcript {document['peak_mib']:.0f} MiB",
    ]
    return text


def _rate(rate: dict[str, float] | None) -> str:
    if rate is None:
        return "-"
    return f"{rate['value']:.0%} [{rate['low']:.0%}, {rate['high']:.0%}] n={rate['n']}"

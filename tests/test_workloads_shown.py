"""What is derived from the samples of workloads, and how it is shown."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from click.testing import CliRunner
from figure_support import text_of
from replay_support import workloads as made_up
from workload_support import FREE, new_run

from bench import figures, report
from bench.measure import replay, workload_tables
from bench.platform import limit_profile
from bench.report import _workloads
from bench.store import Run, list_runs
from bench.verbs.workloads import command


@pytest.fixture
def run(tmp_path):
    with new_run(tmp_path / "run") as made:
        yield made


def sample(name, route, fixture, process, seq, metric, value, phase="warm"):
    return {
        "runtime": "workerd",
        "phase": phase,
        "invocation": "workload",
        "stage": name,
        "variant": route,
        "fixture": fixture,
        "process": process,
        "seq": seq,
        "metric": metric,
        "unit": "ms",
        "value": value,
    }


def kept(run, rows):
    with run.cell({"made": "up"}) as cell:
        cell.add(rows)
    return workload_tables.document(run, ["rag_complex", "documents"], FREE)


def line(fixed, per_mb, metric="locked"):
    """Requests on a straight line, each group a little off it."""
    return [
        sample("documents", "native", f"{mb} MB", process, seq, metric, cost)
        for process in range(4)
        for mb in (0.1, 1, 4)
        for seq in range(3)
        for cost in [(fixed + per_mb * mb) * (1 + 0.01 * (process - 1.5))]
    ]


def test_a_law_is_found_with_where_it_reaches_the_limit(run):
    [law] = kept(run, line(0.5, 8.0))["laws"]
    assert (law["workload"], law["metric"], law["unit"]) == (
        "documents",
        "locked",
        "bytes",
    )
    assert law["fixed_ms_low"] < 0.5 < law["fixed_ms_high"]
    assert law["per_unit_ms"] == pytest.approx(8e-6)
    assert law["reaches_low"] < 9.5 / 8e-6 < law["reaches_high"]
    assert (law["smallest"], law["largest"], law["n"]) == (100_000, 4_000_000, 4)


def test_an_empty_input_that_reaches_the_limit_reaches_it_at_any_size(run):
    [law] = kept(run, line(12.0, 1.0, "cpu"))["laws"]
    assert (law["metric"], law["reaches"]) == ("cpu", 0)


def test_two_sizes_make_no_law(run):
    rows = [row for row in line(1, 1) if row["fixture"] != "4 MB"]
    assert kept(run, rows)["laws"] == []


def test_samples_of_an_engine_are_rows_beside_the_worker_s(run):
    rows = [
        sample("rag_complex", route, "8 matches", process, 0, metric, 1.0 + process)
        for route in ("qdrant", "native")
        for process in range(2)
        for metric in ("cpu", "locked", "wall")
    ]
    found = kept(run, rows)["rows"]
    assert [row["route"] for row in found] == ["native", "qdrant"]
    assert [row["cpu_ms"] for row in found] == [1.5, 1.5]
    assert {row["subrequests"] for row in found} == {None}


def test_the_answer_counts_what_is_over_the_limit():
    said = _workloads.sentence(made_up())
    assert "Of 6 cases that were measured, 2 are charged more than the 10 ms" in said
    assert "documents, 4 MB (cold, 64.0 ms)" in said
    assert "Intervals of 2 more" in said
    assert _workloads.sentence({"rows": []}) == "No workload was measured."


def test_the_text_fits_a_terminal_and_names_what_failed():
    text = report.workloads_text(made_up("it broke"))
    assert max(map(len, text.splitlines())) <= 100
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert "limits free: 10 ms a request" in text
    assert "webhook, 4 MB, warm failed: it broke" in text
    assert "640 %" in text
    assert "qdrant, filtered, 2,000 vectors" in text
    assert "14.0 [0.400, >1 day]" in text


@pytest.mark.parametrize("limits", ["free", "paid-default", "custom:cpu_ms=3"])
def test_the_figure_shows_every_case_and_the_limit(limits):
    module = figures.load()["workloads"]
    profile = limit_profile(limits)
    figure, data = module.draw(made_up("it broke"), pd.DataFrame(), profile)
    shown = text_of(figure)
    for word in ("documents, 4 MB", "multimodal, base64, 4 MB", "it broke"):
        assert word in shown
    assert f"{profile.cpu_ms:,g} ms" in shown
    assert len(data) == 6
    assert "documents native 4 MB cold 64.0 ms" in figure.get_label()
    nothing, _ = module.draw({}, pd.DataFrame(), profile)
    assert "No workload" in text_of(nothing)


@pytest.fixture
def stubbed(monkeypatch, tmp_path):
    """A measurement that answers at once; collects its arguments."""
    calls = []

    def measure(run, **given):
        calls.append(given)
        given["progress"].step("measuring")
        skipped = ["postgres"] if given["seed"] == 14 else []
        return made_up("it broke" if given["seed"] == 13 else None, skipped=skipped)

    monkeypatch.setattr(replay, "replay", measure)
    monkeypatch.setattr("bench.store._creation.RESULTS", tmp_path)
    return calls


def only_run(folder):
    [listed] = list_runs(folder)
    return Run.open(folder / listed.folder)


def test_the_verb_prints_one_document_and_keeps_it(stubbed, tmp_path):
    asked = ["--json", "--quiet", "--workload", "webhook"]
    done = CliRunner().invoke(command, asked)
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert document["rows"] == made_up()["rows"]
    assert document["engines"]["laws"][0]["high"] is None, "JSON has no infinity"
    assert stubbed[0]["names"] == ("webhook",)
    run = only_run(tmp_path)
    assert run.manifest["status"] == "finished"
    assert json.loads((run.path / "workloads.json").read_bytes()) == document


def test_the_verb_fails_where_a_cell_failed_and_keeps_the_rest(stubbed, tmp_path):
    done = CliRunner().invoke(command, ["--quiet", "--seed", "13"])
    assert done.exception.exit_code == 4
    assert "failed: it broke" in done.stdout
    assert only_run(tmp_path).manifest["status"] == "failed"


def test_an_engine_that_was_skipped_is_said_and_fails_nothing(stubbed, tmp_path):
    done = CliRunner().invoke(command, ["--quiet", "--seed", "14"])
    assert done.exit_code == 0, done.output
    assert "postgres skipped: PostgreSQL is not here" in " ".join(done.stdout.split())
    assert only_run(tmp_path).manifest["status"] == "finished"

"""Many runs: series of like runs, changes of level, and samples that are read once."""

from __future__ import annotations

import math
import os
import random
import shutil
from itertools import pairwise

import numpy as np
import pytest
from compare_support import WHOLE, change, groups, made, rows, whole
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UserError
from bench.store import Run
from bench.verdict import _changepoints, _summaries, history
from bench.verdict._changepoints import LEAST, changes, segments

NAME = "workerd/warm/chat/whole/plain/transcript.json/cpu"


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache") / "history"
    monkeypatch.setattr(_summaries, "FOLDER", folder)
    return folder


def noisy(levels, noise, seed):
    draw = random.Random(seed)
    return [level + draw.gauss(0, noise) for level in levels]


def test_a_still_series_has_no_change():
    false = sum(bool(changes(noisy([0.0] * 60, 0.01, seed))) for seed in range(200))
    # Nominal is unknown, as the split is chosen; one in twenty would be too many.
    assert false <= 10


@pytest.mark.parametrize("at", [LEAST, 12, 27])
def test_a_step_is_found_where_it_is(at):
    found = [
        changes(noisy([0.0] * at + [0.1] * (30 - at), 0.005, seed))
        for seed in range(20)
    ]
    exact = sum([change.index for change in each] == [at] for each in found)
    assert exact >= 19
    assert all(change.p <= _changepoints.LEVEL for each in found for change in each)


def test_levels_that_come_and_go_are_told_apart_in_a_long_series():
    """A step back hides from one look at the whole; windows see both."""
    levels = [0.0] * 300 + [0.05] * 20 + [0.0] * 380 + [0.02] * 300
    found = [change.index for change in changes(noisy(levels, 0.005, 1))]
    assert [
        min(found, key=lambda i: abs(i - true)) for true in (300, 320, 700)
    ] == found
    assert all(
        abs(i - true) <= 2 for i, true in zip(found, (300, 320, 700), strict=True)
    )


def test_single_outliers_are_no_change_of_level():
    values = noisy([0.0] * 50, 0.005, 1)
    values[10] += 0.2
    values[37] -= 0.2
    assert changes(values) == []


@given(st.lists(st.floats(-20, 20), max_size=150))
def test_any_series_gives_the_same_ordered_changes_twice(values):
    found = changes(values)
    assert found == changes(list(values))
    parts = segments(len(values), found)
    assert parts[0][0] == 0
    assert parts[-1][1] == len(values)
    assert all(before[1] == after[0] for before, after in pairwise(parts))
    assert all(end > start for start, end in parts) or not values
    assert all(change.p <= _changepoints.LEVEL for change in found)


@given(st.lists(st.floats(-5, 5), min_size=2 * LEAST, max_size=14))
def test_the_split_is_where_the_energy_distance_is_largest(values):
    """Against the statistic as Matteson and James write it, pair by pair."""

    def mean(pairs):
        return sum(abs(a - b) for a, b in pairs) / len(pairs)

    def energy(split):
        x, y = values[:split], values[split:]
        inside = [
            mean([(v[i], v[k]) for k in range(len(v)) for i in range(k)])
            for v in (x, y)
        ]
        between = mean([(a, b) for a in x for b in y])
        return len(x) * len(y) / len(values) * (2 * between - sum(inside))

    best = max(energy(split) for split in range(LEAST, len(values) - LEAST + 1))
    found = energy(_changepoints._farthest(values))
    assert found == pytest.approx(best, abs=1e-9)


def run_at(folder, day, level, *, seed=1, **options):
    """A run of that day; its manifest says when it was."""
    manifest = {
        "run": folder.name,
        "created": f"2026-01-{day:02}T00:00:00+00:00",
        "commit": f"{day:040}",
    } | options.pop("manifest", {})
    return made(folder, whole(level, seed=seed), manifest=manifest, **options)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Twelve runs on one machine, slower from the seventh on; a run of another."""
    folder = tmp_path_factory.mktemp("results")
    draw = random.Random(1)
    for day in range(1, 13):
        level = (5.0 if day < 7 else 5.5) * draw.lognormvariate(0, 0.005)
        facts = {"v8": "15.1" if day < 7 else "15.2"}
        run_at(folder / f"run-{day:02}", day, level, seed=day, facts_of=facts)
    run_at(folder / "elsewhere", 13, 50.0, facts_of={"cpu": "Another CPU"})
    return folder


def test_a_change_is_found_at_its_run_with_what_changed_beside(results):
    document = history.document(results, pattern="whole")
    [change] = document["rows"]
    assert (change["run"], change["index"]) == ("run-07", 6)
    assert change["ratio"] == pytest.approx(1.1, abs=0.02)
    assert change["low"] < 1.1 < change["high"]
    assert change["before_ms"] == pytest.approx(5.0, rel=0.01)
    assert change["changed"][0] == "V8 15.1 to 15.2"
    assert change["changed"][1].startswith("commit ")
    main, other = document["series"]
    assert [point["run"] for point in main["points"]] == [
        f"run-{day:02}" for day in range(1, 13)
    ]
    assert all(p["low"] < p["ms"] < p["high"] for p in main["points"])
    assert (other["changes"], len(other["points"])) == ([], 1)
    assert "fewer" in other["why"]
    assert document["run"] == "elsewhere"
    assert history.document(results, pattern="whole") == document


@pytest.mark.parametrize(
    "options",
    [
        {"facts_of": {"governor": "powersave"}},
        {"manifest": {"profile": "full"}},
        {"manifest": {"seed": 9}},
        {"manifest": {"fixtures": {"transcript.json": "cd" * 32}}},
        {"manifest": {"parameters": {"options": {"rerank": "in_path"}}}},
    ],
)
def test_unlike_runs_are_series_of_their_own(tmp_path, options):
    run_at(tmp_path / "a", 1, 5.0)
    run_at(tmp_path / "b", 2, 5.0)
    run_at(tmp_path / "c", 3, 5.0, **options)
    found = history.document(tmp_path, pattern="whole")["series"]
    assert [len(each["points"]) for each in found] == [2, 1]


def test_versions_and_packages_stay_in_the_series(tmp_path):
    run_at(tmp_path / "a", 1, 5.0)
    run_at(tmp_path / "b", 2, 5.0, facts_of={"workerd": "x", "versions": {}})
    assert len(history.document(tmp_path)["series"]) == 1


def test_only_finished_runs_that_can_be_read_count(results, tmp_path):
    folder = tmp_path / "results"
    shutil.copytree(results, folder)
    change(folder / "run-01" / "manifest.json", {"status": "failed"})
    (folder / "run-02" / "samples.parquet").write_bytes(b"nonsense")
    (folder / "run-03" / "samples.parquet").unlink()
    (folder / "run-04" / "manifest.json").write_text("{")
    document = history.document(folder, pattern="whole")
    assert [row["run"] for row in document["unread"]] == ["run-04", "run-02", "run-03"]
    assert all(row["why"] for row in document["unread"])
    named = {run["run"] for run in document["runs"]}
    assert named.isdisjoint({"run-01", "run-02", "run-03", "run-04"})
    assert "run-05" in named


def test_a_folder_without_runs_or_without_such_a_cell_is_refused(results, tmp_path):
    for folder, pattern in ((tmp_path, ""), (results, "nosuch")):
        with pytest.raises(UserError, match="no finished run has a cell"):
            history.document(folder, pattern=pattern)
    with pytest.raises(UserError, match="is not a folder"):
        history.document(tmp_path / "nowhere")


@pytest.fixture
def read(monkeypatch):
    """The runs whose samples were read."""
    seen = []
    real = _summaries.summarise
    monkeypatch.setattr(
        _summaries, "summarise", lambda run: seen.append(run.id) or real(run)
    )
    return seen


def test_samples_are_read_once(results, read, cache):
    first = history.document(results)
    assert len(read) == 13
    assert len(list(cache.iterdir())) == 13
    assert history.document(results) == first
    assert len(read) == 13
    assert history.document(results, pattern="whole") == first | {"pattern": "whole"}
    assert len(read) == 13


def test_what_was_kept_counts_while_the_samples_do(tmp_path, read, cache):
    folder = tmp_path / "a"
    run_at(folder, 1, 5.0)
    document = history.document(tmp_path)
    samples = folder / "samples.parquet"
    os.utime(samples, ns=(1, 1))
    assert history.document(tmp_path) == document
    assert read == ["a"], "another time with the same bytes is the same"
    shutil.copy(run_at(tmp_path / "b", 2, 7.0).path / "samples.parquet", samples)
    shutil.rmtree(tmp_path / "b")
    changed = history.document(tmp_path)
    assert changed["series"][0]["points"][0]["ms"] == pytest.approx(7.0, rel=0.01)
    assert read == ["a", "a"]
    [entry] = cache.iterdir()
    entry.write_bytes(b"broken")
    assert history.document(tmp_path) == changed
    assert len(read) == 3


def test_a_cache_of_another_version_or_none_at_all_only_costs_time(
    tmp_path, read, cache, monkeypatch
):
    (tmp_path / "runs").mkdir()
    run_at(tmp_path / "runs" / "b", 1, 5.0)
    document = history.document(tmp_path / "runs")
    monkeypatch.setattr(_summaries, "VERSION", _summaries.VERSION + 1)
    assert history.document(tmp_path / "runs") == document
    assert read == ["b", "b"]
    blocked = tmp_path / "a file"
    blocked.touch()
    monkeypatch.setattr(_summaries, "FOLDER", blocked / "history")
    assert history.document(tmp_path / "runs") == document


def test_a_cost_that_is_not_above_zero_is_shown_and_not_tested(tmp_path):
    for day in range(1, 9):
        place = WHOLE | {"stage": "rerank", "variant": "metered"}
        before = list(rows(place | {"stage": "auth"}, groups(1.0), metric="upto"))
        after = list(rows(place, groups(0.9, seed=day), metric="upto"))
        manifest = {"run": f"r{day}", "created": f"2026-01-0{day}"}
        made(tmp_path / f"r{day}", before, after, manifest=manifest)
    [series] = history.document(tmp_path, pattern="rerank")["series"]
    assert "not above zero" in series["why"]
    assert all(point["ms"] < 0 for point in series["points"])


def test_a_run_that_is_being_made_can_be_the_last(results):
    run = Run.open(results / "elsewhere")
    document = history.document(results, pattern="whole", also=run)
    assert [len(each["points"]) for each in document["series"]] == [12, 2]


def test_ratios_are_of_levels(results):
    [change] = history.document(results, pattern="whole")["rows"]
    [series] = [each for each in history.document(results)["series"] if each["changes"]]
    logs = np.log([point["ms"] for point in series["points"]])
    wanted = math.exp(logs[6:].mean() - logs[:6].mean())
    assert change["ratio"] == pytest.approx(wanted)

"""Workloads on real processes in tiny sizes, and what is derived from their samples."""

from __future__ import annotations

import math
from contextlib import contextmanager

import pytest
from workerd_support import needs_workerd
from workload_support import COLUMNS, FREE, new_run

from bench import workloads
from bench.errors import BenchError, UserError
from bench.measure import workload_tables
from bench.measure import workloads as measured
from bench.measure.sizes import PhaseSize
from bench.measure.turns import Pace
from bench.platform import tables
from bench.registry import load
from bench.services._server import REQUIRED
from bench.store import Run
from bench.workerd import tools
from bench.workloads import _scene, multimodal
from bench.workloads._subjects import WarmUp

TINY = measured.Size(
    cold=PhaseSize(0, 1e-9, 2),
    warm=PhaseSize(0, 1e-9, 2, Pace(rounds=2, seconds=1, warm_seconds=0.01)),
    warm_up=WarmUp(2, 1.0),
)
NAMES = ["agent_single", "multimodal", "webhook"]


class Heard:
    def __init__(self):
        self.said = []

    def step(self, label):
        self.said.append(label)


@pytest.fixture(scope="module")
def scene():
    needs_workerd()
    with pytest.MonkeyPatch.context() as patch, _scene.stage(1) as staged:
        patch.setattr(multimodal, "BYTES", (50_000,))
        yield staged


@pytest.fixture
def staged(scene, monkeypatch):
    """Let every measurement use the same services."""
    share(scene, monkeypatch)
    return scene


def share(scene, monkeypatch):
    @contextmanager
    def same(_):
        yield scene
        scene.services.clear_faults()

    monkeypatch.setattr(measured, "stage", same)


@pytest.fixture(scope="module")
def whole(scene, tmp_path_factory):
    """A run of some workloads in both phases, and its document."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    with pytest.MonkeyPatch.context() as patch, new_run(folder) as made:
        share(scene, patch)
        yield made, go(made, NAMES)


@pytest.fixture
def run(tmp_path):
    with new_run(tmp_path / "run") as made:
        yield made


def go(run, names=("webhook",), phases=("cold", "warm"), progress=None):
    return measured.measure(
        run,
        names=names,
        profile="quick",
        limits=FREE,
        seed=1,
        progress=progress or Heard(),
        phases=phases,
        size=TINY,
    )


def keys(run):
    return [entry["key"] for entry in run.manifest["cells"].values()]


def test_every_route_in_both_phases_as_the_contract_says(whole):
    _, document = whole
    assert document["errors"] == []
    rows = document["rows"]
    assert [(row["workload"], row["route"], row["phase"]) for row in rows] == [
        (name, route, phase)
        for name in NAMES
        for route in workloads.in_worker(workloads.load()[name])
        for phase in ("cold", "warm")
    ]
    for row in rows:
        assert set(row) == COLUMNS
        assert row["n"] == 2
        assert 0 < row["cpu_ms"] <= row["high"] < math.inf
        assert 0 <= row["outside_ms"] < row["wall_ms"]
        assert sum(row["calls"].values()) == row["subrequests"]
        if tools.features().async_trace:
            assert 0 < row["locked_ms"] <= row["locked_high"]
    by = {(row["workload"], row["route"]): row for row in rows}
    assert by["webhook", "native"]["subrequests"] == 1
    assert by["agent_single", "native"]["subrequests"] == 5
    for route in ("native", "base64"):
        assert by["multimodal", route]["subrequests"] == 2
        assert by["multimodal", route]["bytes_in"] == 50_000
        assert by["multimodal", route]["bytes_out"] == 50_000


def test_a_request_is_charged_what_it_does_in_both_phases_alike(whole):
    _, document = whole
    for row in document["rows"]:
        used = row["calls"], row["meters"]
        if row["workload"] == "webhook":
            assert used == ({"queue": 1}, {"queues.operations": 1})
        elif row["workload"] == "multimodal":
            assert used == ({"kv": 1, "media": 1}, {"kv.reads": 1})
        else:
            assert row["calls"]["anthropic"] == 2
            assert row["calls"]["vectorize"] == 1
            assert row["meters"]["vectorize.queried"] == 1536


def test_samples_are_single_requests_and_cells_groups_of_a_route(whole):
    run, _ = whole
    table = run.samples()
    assert set(table["runtime"]) == {"workerd"}
    assert set(table["invocation"]) == {"workload"}
    assert set(table["stage"]) == set(NAMES)
    units = dict(zip(table["metric"], table["unit"], strict=True))
    times = {"cpu": "ms", "wall": "ms", "outside": "ms"}
    times |= {"locked": "ms"} if tools.features().async_trace else {}
    counts = {"subrequests": "count", "bytes_in": "bytes", "bytes_out": "bytes"}
    used = {name: unit for name, unit in units.items() if "." in name}
    assert units == times | counts | used
    assert set(used.values()) == {"count", "reads", "dimensions", "operations"}
    request = ["phase", "stage", "variant", "fixture", "process", "seq"]
    for _, one in table.groupby(request):
        value = dict(zip(one["metric"], one["value"], strict=True))
        assert len(value) == len(one), "one row a metric"
        assert value.keys() >= {*times, *counts}
        calls = [value[name] for name in value if name.startswith("calls.")]
        assert sum(calls) == value["subrequests"]
        waited = max(value["wall"] - value["cpu"], 0)
        assert value["outside"] == pytest.approx(waited)
    cold = table[(table["phase"] == "cold") & (table["metric"] == "cpu")]
    assert set(cold.groupby(["stage", "variant", "process"]).size()) == {1}
    warm = table[(table["phase"] == "warm") & (table["metric"] == "cpu")]
    assert set(warm.groupby(["stage", "variant", "process"]).size()) == {2}
    assert {tuple(key) for key in keys(run)} == {
        ("workload", "route", "phase", "group")
    }
    assert len(keys(run)) == 4 * 2 * 2  # routes, phases, groups


def test_a_meter_is_in_the_unit_that_its_price_is_for():
    services = load("bench.services", REQUIRED).values()
    meters = [meter for module in services for meter in module.Service.charges]
    assert meters
    for meter in meters:
        included = tables.find(f"{meter}.included")
        assert measured._unit(f"meter.{meter}") == included.unit
    assert measured._unit("calls.kv") == "count"


def used(seq, amounts):
    place = {
        "runtime": "workerd",
        "phase": "warm",
        "invocation": "workload",
        "stage": "webhook",
        "variant": "native",
        "fixture": "2 KB",
        "seq": seq,
    }
    for metric, value in amounts.items():
        yield place | {"metric": metric, "unit": "count", "value": value}


def test_what_most_requests_did_not_use_counts_as_nothing(run):
    read = {"subrequests": 2, "calls.kv": 2, "meter.kv.reads": 2}
    wrote = {"subrequests": 1, "calls.kv": 1, "meter.kv.writes": 1}
    with run.cell({"made": "up"}) as cell:
        for seq, amounts in enumerate((read, read, wrote)):
            cell.add(used(seq, amounts))
    (row,) = workload_tables.document(run, ["webhook"], FREE)["rows"]
    assert row["calls"] == {"kv": 2}
    assert row["meters"] == {"kv.reads": 2, "kv.writes": 0}


def test_a_run_that_did_not_count_says_so(run):
    with run.cell({"older": True}) as cell:
        cell.add(used(0, {"subrequests": 2}))
    (row,) = workload_tables.document(run, ["webhook"], FREE)["rows"]
    assert (row["subrequests"], row["calls"], row["meters"]) == (2, None, None)


def test_what_a_run_holds_is_not_measured_again(staged, run, monkeypatch):
    first = go(run)

    def measured_again(*_):
        yield pytest.fail("it measured")

    monkeypatch.setattr(measured, "_groups", measured_again)
    assert go(run)["rows"] == first["rows"]


def test_an_interrupted_run_goes_on_with_the_cells_that_it_lacks(
    staged, run, monkeypatch
):
    source = measured._groups

    def interrupted(*given):
        with_one = source(*given)
        try:
            yield next(with_one)
            raise KeyboardInterrupt
        finally:
            with_one.close()

    monkeypatch.setattr(measured, "_groups", interrupted)
    with pytest.raises(KeyboardInterrupt):
        go(run, ["webhook"], ["cold"])
    monkeypatch.setattr(measured, "_groups", source)
    rows = go(run, ["webhook", "multimodal"], ["cold"])["rows"]
    assert {row["workload"]: row["n"] for row in rows} == {
        "webhook": 3,
        "multimodal": 2,
    }
    groups = [key["group"] for key in keys(run) if key["workload"] == "webhook"]
    assert groups == [0, 1, 2], "the first one is kept"


def test_a_service_that_fails_fails_those_who_need_it_and_no_others(staged, run):
    staged.services.fault("media", "refused")
    heard = Heard()
    document = go(run, ["multimodal", "webhook"], ["cold"], heard)
    for row in document["rows"]:
        if row["workload"] == "webhook":
            assert (row["error"], row["n"]) == (None, 2)
        else:
            assert "multimodal" in row["error"]
            assert (row["cpu_ms"], row["locked_ms"], row["n"]) == (None, None, 0)
    assert len(document["errors"]) == 2
    assert any("failed" in said for said in heard.said)
    assert {error["key"]["case"] for error in run.errors()} == {
        "multimodal/native/0.05 MB",
        "multimodal/base64/0.05 MB",
    }
    # Where it lives again, the next attempt measures what failed.
    run.close()
    with Run.resume(run.path) as again:
        document = go(again, ["multimodal", "webhook"], ["cold"])
        assert document["errors"] == []
        assert {row["n"] for row in document["rows"]} == {2}
        assert again.errors() == []


def test_a_service_that_dies_in_the_middle_leaves_the_others(staged, run, monkeypatch):
    check = measured.check

    def then(scene, cases):
        wrong = check(scene, cases)
        scene.services.fault("media", "refused")
        return wrong

    monkeypatch.setattr(measured, "check", then)
    document = go(run, ["multimodal", "webhook"], ["warm"])
    failed = {row["workload"] for row in document["rows"] if row["error"]}
    assert failed == {"multimodal"}


def test_a_workload_whose_path_fails_is_an_error_in_its_row(staged, run, monkeypatch):
    def broken(*_):
        raise BenchError("the path is broken")

    monkeypatch.setattr(multimodal, "requests", broken)
    rows = go(run, ["multimodal", "webhook"], ["cold"])["rows"]
    assert [(row["workload"], row["error"]) for row in rows] == [
        ("multimodal", "the path is broken"),
        ("multimodal", "the path is broken"),
        ("webhook", None),
    ]


def test_what_cannot_be_measured_is_said_at_once(run, monkeypatch):
    with pytest.raises(UserError, match="'hot' is not a phase"):
        go(run, phases=["hot"])
    with pytest.raises(UserError, match="'nosuch' is not a workload"):
        go(run, ["nosuch"])
    monkeypatch.setattr(tools, "unavailable", lambda: "there is no workerd here")
    with pytest.raises(BenchError, match="no workerd here"):
        go(run)

"""`bench stages` in workerd, end to end, in tiny sizes: every cell and kind of row."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from workerd_support import TINY, make_tiny, needs_workerd

from bench import fixture_set, transcript
from bench.errors import UserError
from bench.measure import derive, sizes
from bench.measure.stages import measure
from bench.path import stages
from bench.runtimes import JOURNEY, workerd
from bench.store import Run
from bench.workerd import tools


class Silent:
    def __init__(self):
        self.said = []

    def step(self, label: str) -> None:
        self.said.append(label)


@pytest.fixture
def tiny(monkeypatch):
    needs_workerd()
    make_tiny(monkeypatch)
    monkeypatch.setitem(sizes.SIZES, "quick", TINY)


@pytest.fixture
def run(tmp_path):
    with Run.create(
        tmp_path / "run", argv=[], seed=1, profile="quick", parameters={}, fixtures={}
    ) as made:
        yield made


def go(run, phases, runtimes=("workerd",), progress=None):
    return measure(
        run,
        transcript=transcript.parse(fixture_set.read("transcript.json"), "t.json"),
        runtimes=list(runtimes),
        phases=list(phases),
        profile="quick",
        seed=1,
        progress=progress or Silent(),
    )


def test_both_phases_of_the_whole_journey(tiny, run):
    document = go(run, ["cold", "warm"])
    assert {(r["phase"], r["invocation"], r["stage"]) for r in document["rows"]} == {
        (phase, invocation, stage)
        for phase in ("cold", "warm")
        for invocation in JOURNEY
        for stage in stages(invocation)
    }
    for row in document["rows"]:
        assert row["error"] is None
        assert row["workers"]
        assert row["low"] <= row["cpu_ms"] <= row["high"]
        assert row["compute_ms"] + row["io_ms"] == pytest.approx(row["cpu_ms"])
        assert (row["alone_ms"] is not None) == (row["phase"] == "warm")
    for whole in document["invocations"] + document["totals"]:
        assert 0 < whole["floor_cpu_ms"] < whole["whole_cpu_ms"]
        assert 0 < whole["locked_floor_ms"] < whole["locked_ms"]
        assert whole["helpers_ms"] >= 0
    for total in document["totals"]:
        mine = [r for r in document["rows"] if r["phase"] == total["phase"]]
        explained = sum(r["cpu_ms"] for r in mine) + total["floor_cpu_ms"]
        assert explained / total["whole_cpu_ms"] - 1 == pytest.approx(total["closure"])

    check_warming(document)
    check_instruments(document)
    check_isolate(document)
    check_profile(run.path)
    check_rest(document)
    run.seal()
    assert derive.document(Run.open(run.path), JOURNEY)["rows"] == document["rows"]


def check_warming(document):
    for invocation in JOURNEY:
        rows = [r for r in document["warming"] if r["invocation"] == invocation]
        assert [row["request"] for row in rows] == list(range(1, 11))
        # Nothing about a machine is as certain as that compiling costs.
        assert rows[0]["cpu_ms"] > rows[-1]["cpu_ms"]


def check_instruments(document):
    named = {
        phase: {r["instrument"] for r in document["instruments"] if r["phase"] == phase}
        for phase in ("cold", "warm")
    }
    assert named == {
        "cold": {"schedstat", "trace"},
        "warm": {"schedstat", "bench", "trace"},
    }


def check_isolate(document):
    known = {(r["what"], r["variant"], r["metric"]) for r in document["isolates"]}
    assert {("startup", "total", "cpu"), ("script", "gzip", "size")} <= known
    assert {("heap", "3", "live"), ("conversion", "per chunk", "cpu")} <= known
    by = {(r["what"], r["variant"], r["metric"]): r for r in document["isolates"]}
    plain, packed = by["script", "plain", "size"], by["script", "gzip", "size"]
    assert 1_000 < packed["value"] < plain["value"]
    assert by["heap", "3", "peak"]["value"] >= by["heap", "1", "live"]["value"] > 0
    parts = [by["startup", part, "cpu"]["value"] for part in ("isolate", "script")]
    assert sum(parts) < by["startup", "total", "cpu"]["value"]


def check_profile(folder: Path):
    names = {path.name for path in (folder / "profiles").iterdir()}
    assert names == {"workerd-chat-warm.cpuprofile", "workerd-chat-warm.folded.txt"}
    profile = json.loads((folder / "profiles/workerd-chat-warm.cpuprofile").read_text())
    assert {"nodes", "samples", "timeDeltas"} <= set(profile)
    functions = {node["callFrame"]["functionName"] for node in profile["nodes"]}
    assert {"invoke", "loadConversation"} <= functions


def check_rest(document):
    [chat] = [
        row
        for row in document["invocations"]
        if (row["phase"], row["invocation"]) == ("warm", "chat")
    ]
    assert set(chat["profile_rest"]) <= {"outside JS", "garbage collector", "other"}
    assert chat["profile_rest"]


def test_a_workerd_that_dies_is_an_error_row_and_the_rest_goes_on(tiny, run):
    """kill -9 of the first processes that serve: their cell fails, no other does."""
    me, killed = psutil.Process(), threading.Event()

    def kill_one() -> None:
        while not killed.is_set():
            for child in me.children():
                if child.name() == "workerd" and child.cpu_times().user > 0.05:
                    os.kill(child.pid, signal.SIGKILL)
                    killed.set()
                    return
            time.sleep(0.005)

    killer = threading.Thread(target=kill_one)
    killer.start()
    try:
        document = go(run, ["warm"])
    finally:
        killed.set()
        killer.join()
    [failed] = [row for row in document["rows"] if row["error"]]
    assert failed["stage"] == "in path"
    assert "SIGKILL" in failed["error"]
    states = [cell["state"] for cell in run.manifest["cells"].values()]
    assert sorted(states) == ["failed"] + ["finished"] * 5
    assert not [c for c in me.children() if c.name() == "workerd"]


def test_an_older_workerd_is_measured_with_fewer_instruments(tiny, run, monkeypatch):
    bare = tools.Features(bench=False, async_trace=False)
    monkeypatch.setattr(tools, "features", lambda: bare)
    document = go(run, ["warm"])
    for row in document["rows"]:
        assert row["error"] is None
        assert row["alone_ms"] is None
        assert row["io_ms"] == 0
    assert {whole["locked_ms"] for whole in document["invocations"]} == {None}
    assert document["instruments"] == []
    profiled = [row["profile_ms"] for row in document["rows"] if row["profile_ms"]]
    assert profiled, "the profile's split stands in"


def test_a_platform_without_workerd_says_so_and_the_rest_works(tiny, run, monkeypatch):
    monkeypatch.setattr(tools.platform, "machine", lambda: "sparc64")
    reason = workerd.unavailable()
    assert reason == f"there is no workerd for {tools.platform.system()} sparc64"
    progress = Silent()
    document = go(run, ["cold"], ["workerd", "cpython"], progress)
    assert {row["runtime"] for row in document["rows"]} == {"cpython"}
    assert f"workerd is left out: {reason}" in progress.said
    with pytest.raises(UserError, match="no workerd for"):
        go(run, ["warm"])

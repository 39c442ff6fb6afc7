"""A Worker measured for real, in tiny sizes: the numbers mean little then."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from project_every import every, seeds_of
from project_support import (
    SECRET,
    TINY,
    as_it_is,
    error_of,
    measure,
    mix_of,
    needs_wrangler,
    project,
)

from bench.errors import BenchError, GateViolatedError, UserError
from bench.measure import project as measured
from bench.path.http import Request
from bench.project import memory, requests
from bench.project import profile as profiling
from bench.project._wrangler import load
from bench.verbs import worker
from bench.workerd import tools
from bench.workerd.isolates import Isolates

__all__ = ["as_it_is"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return every(tmp_path_factory.mktemp("worker") / "mine")


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    needs_wrangler()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "WARM_REQUESTS", 4)
        patch.setattr(memory, "CONCURRENT", (1, 3))
        patch.setattr(profiling, "WARM_REQUESTS", 4)
        asked = [
            Request("GET", requests.url("/kv"), {"cookie": f"a={SECRET}"}, b""),
            Request("GET", requests.url("/kv"), {"cookie": f"a={SECRET}"}, b""),
            Request("GET", requests.url("/d1"), {}, b""),
            Request("GET", requests.url("/outside"), {}, b""),
            Request("GET", requests.url("/throws"), {}, b""),
            Request("POST", "/queue?cut=jobs", {}, b'[{"a": 1}]'),
        ]
        own = load(folder).stubbed(("BROWSER",))
        yield measure(
            tmp_path_factory.mktemp("whole") / "run",
            own,
            mix_of(*asked),
            seeds=seeds_of(folder),
            outbound=folder / "seeds" / "answers.ndjson",
        )


def test_every_route_is_measured_in_both_phases(whole):
    document, _, _ = whole
    assert document["errors"] == []
    places = {(row["route"], row["phase"]) for row in document["rows"]}
    routes = {"GET /kv", "GET /d1", "GET /outside", "GET /throws", "queue jobs"}
    assert places == {(r, p) for r in routes for p in ("cold", "warm")}
    for row in document["rows"]:
        assert row["cpu_ms"] > 0
        assert row["n"] == 2
        if tools.features().async_trace:
            assert row["locked_ms"] > 0


def test_calls_are_counted_by_binding(whole):
    document, _, _ = whole
    calls = {row["route"]: row["calls"] for row in document["rows"]}
    assert calls["GET /kv"] == {"KV": 1, "OTHER": 1}
    assert calls["GET /d1"] == {"DB": 1}
    assert calls["GET /outside"] == {"outside": 1}
    assert calls["queue jobs"] == {"KV": 1}


def test_a_route_that_fails_is_shown_and_has_no_verdict(whole):
    document, _, _ = whole
    rows = [row for row in document["rows"] if row["route"] == "GET /throws"]
    assert all(row["doubt"] == "answered 500 every time" for row in rows)
    by = {(v["profile"], v["route"]): v for v in document["verdicts"]}
    assert by["free", "GET /throws"]["verdict"] == "no verdict"
    assert by["free", "GET /kv"]["verdict"] == "fits"
    assert by["free", "all requests"]["because"] == "without GET /throws"


def test_the_mix_weighs_routes_as_they_were_asked(whole):
    document, _, _ = whole
    assert {r["route"]: r["asked"] for r in document["rows"]}["GET /kv"] == 2
    for total in document["totals"]:
        mine = [r for r in document["rows"] if r["phase"] == total["phase"]]
        mean = sum(r["cpu_ms"] * r["asked"] for r in mine) / 6
        assert total["whole_cpu_ms"] == pytest.approx(mean)
    [warm] = [t for t in document["totals"] if t["phase"] == "warm"]
    assert 0 < warm["floor_cpu_ms"] < warm["whole_cpu_ms"]


def test_functions_are_named_with_their_source(whole):
    document, _, _ = whole
    functions = document["functions"]
    assert sum(each["share"] for each in functions) <= 1 + 1e-9
    sources = {each["source"].partition(":")[0] for each in functions}
    assert "src/index.ts" in sources
    assert not [each for each in sources if each.startswith(("/", ".."))]


def test_memory_is_read_with_requests_in_flight(whole):
    document, _, _ = whole
    rows = {(r["what"], r["concurrent"]): r for r in document["memory"]["rows"]}
    assert set(rows) == {
        *(("idle", 0), ("live", 0)),
        *((what, n) for what in ("live", "peak") for n in (1, 3)),
    }
    assert all(0.1 < row["mb"] < 128 for row in rows.values())
    assert 1 <= rows["peak", 3]["in_flight"] <= 3
    assert document["memory"]["gzip_bytes"] < document["memory"]["script_bytes"]


def test_a_run_holds_its_profiles_and_no_secret(whole):
    document, heard, run = whole
    assert document["profile"] == [
        *("worker.cpuprofile", "worker.folded.txt", "worker.speedscope.json"),
    ]
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path.name
    assert SECRET not in json.dumps(document) + json.dumps(heard.said)


def test_what_is_stubbed_is_in_the_result(whole):
    document, _, _ = whole
    assert document["unavailable"] == [
        {"binding": "BROWSER", "kind": "browser", "stubbed": True}
    ]
    assert {each["name"] for each in document["bindings"]} >= {"KV", "DB", "OBJECT"}


def test_an_interrupted_run_goes_on_with_what_it_lacks(as_it_is, tmp_path, monkeypatch):
    own, mix = load(project(tmp_path / "mine")), requests.read(None)
    monkeypatch.setattr(memory, "CONCURRENT", ())
    first, _, _ = measure(tmp_path / "run", own, mix, phases=["warm"])
    monkeypatch.setattr(measured, "Warm", lambda *_: pytest.fail("measured again"))
    again, _, _ = measure(tmp_path / "run", own, mix, resumes=True)
    warm = [row for row in again["rows"] if row["phase"] == "warm"]
    assert warm == first["rows"]
    assert [row["phase"] for row in again["rows"]] == ["cold", "warm"]


def test_a_worker_that_throws_at_first_says_why_and_no_secret(as_it_is, tmp_path):
    source = f"throw new Error(`mine: {SECRET}`); export default {{}};"
    folder = project(tmp_path / "mine", source=source)
    (folder / ".dev.vars").write_text(f"KEY={SECRET}")
    with pytest.raises(UserError, match="does not start") as raised:
        measure(tmp_path / "run", load(folder), requests.read(None))
    said = error_of(raised)
    assert "mine: [hidden]" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("limit", "end"), [("0.001", GateViolatedError), ("1000", type(None))]
)
def test_the_verb_gives_a_document_and_holds_the_gate(
    limit, end, as_it_is, tmp_path, monkeypatch
):
    monkeypatch.setattr(measured, "SIZES", {"quick": TINY})
    monkeypatch.setattr(memory, "CONCURRENT", ())
    folder = project(tmp_path / "mine", {"browser": {"binding": "BROWSER"}})
    given = [str(folder), "--json", "--quiet", "--stub", "BROWSER", "--gate"]
    given += ["--limits", f"custom:cpu_ms={limit}", "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(worker.command, given)
    assert isinstance(done.exception, end), done.exception
    made = json.loads(done.stdout)
    assert (made["schema"], made["rows"][0]["route"]) == (1, "GET /")
    assert {"machine", "totals", "functions", "memory", "verdicts", "profile"} <= {
        *made
    }
    assert (tmp_path / "run" / "figures" / "worker_routes.svg").is_file()
    assert json.loads((tmp_path / "run" / "worker.json").read_text()) == made


def test_a_worker_that_dies_is_a_failure_of_its_route(as_it_is, tmp_path, monkeypatch):
    own = load(project(tmp_path / "mine"))
    ask = Isolates.ask

    def dies(self, isolate, request):
        if request.path.endswith("/dies"):
            raise BenchError(f"it died: {SECRET}")
        return ask(self, isolate, request)

    monkeypatch.setattr(Isolates, "ask", dies)
    mix = mix_of(
        Request("GET", requests.url("/"), {}, b""),
        Request("GET", requests.url("/dies"), {"cookie": SECRET}, b""),
    )
    document, _, _ = measure(tmp_path / "run", own, mix, phases=["warm"])
    assert document["errors"] == ["GET /dies: it died: [hidden]"]
    [row] = [row for row in document["rows"] if row["route"] == "GET /"]
    assert row["cpu_ms"] > 0

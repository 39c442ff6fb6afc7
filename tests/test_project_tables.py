"""What is derived from the samples of a Worker, and what is said and gated of it."""

from __future__ import annotations

import json
import random

import orjson
import pytest
from click.testing import CliRunner
from project_support import LEFT, RIGHT, project
from workload_support import FREE, new_run

from bench import figures
from bench.errors import GateViolatedError, InconclusiveError
from bench.figures import worker_routes as figure
from bench.measure import project as measured
from bench.measure.project_tables import document
from bench.platform import limit_profile
from bench.project.verdicts import MIX
from bench.report import _project as shown
from bench.verbs import worker

EVIL = f"GET /{LEFT}b{RIGHT}"
FACTS = {
    "project": {
        "name": "mine",
        "main": "src/index.ts",
        "compatibility_date": "2026-11-01",
        "compatibility_flags": [],
        "script_bytes": 1000,
        "gzip_bytes": 400,
        "modules": 1,
        "ignored": [],
    },
    "bindings": [{"name": "KV", "kind": "kv", "note": "in memory"}],
    "unavailable": [{"binding": "X", "kind": "browser", "stubbed": True}],
    "requests": {
        "format": "plain", "file": "list.txt", "sha256": "0" * 64, "total": 4,
        "replayed": 2, "left_out": 2, "skipped": {"another host": 3}, "assets": {},
    },
    "weights": {"GET /a": 3, EVIL: 1},
    "statuses": {"GET /a": {"200": 1}, EVIL: {"200": 1}},
    "any_status": False,
    "functions": [
        {"function": "parse", "source": "src/x.ts:3", "self_ms": 0.2, "share": 0.7}
    ],
    "flame": [{"stack": ["fetch src/x.ts:1", "parse src/x.ts:3"], "self_ms": 0.2}],
    "outside": [{"host": "api.example", "asked": "GET /", "answered": 502, "n": 3}],
}  # fmt: skip


def run_of(folder, costs, *, statuses=None, subrequests=2, locked=True, **facts):
    """A run whose routes cost about ``costs`` ms, (cold, warm) by route."""
    draw = random.Random(1)
    statuses = statuses or {}
    with new_run(folder) as run:
        for place, phase in enumerate(("cold", "warm")):
            for group in range(4):
                rows = []
                for route, spent in costs.items():
                    for seq in range(1 if phase == "cold" else 5):
                        ms = spent[place] * draw.uniform(0.95, 1.05)
                        status = statuses.get(route, (200, 200))[place]
                        values = [
                            ("cpu", "ms", ms + 0.2),
                            ("wall", "ms", ms + 1),
                            ("subrequests", "count", subrequests),
                            ("calls.KV", "count", subrequests),
                            ("status", "code", status),
                        ] + ([("locked", "ms", ms)] if locked else [])
                        rows += [
                            {
                                "runtime": "workerd", "phase": phase,
                                "invocation": "worker", "stage": route,
                                "variant": "plain", "process": group, "seq": seq,
                                "metric": metric, "unit": unit, "value": value,
                            }
                            for metric, unit, value in values
                        ]  # fmt: skip
                with run.cell(measured._key(phase, group)) as cell:
                    cell.add(rows)
        run.save(measured.FACTS, orjson.dumps(FACTS | facts))
        return run


def verdicts_of(made, profile="free"):
    return {v["route"]: v for v in made["verdicts"] if v["profile"] == profile}


def test_cheap_routes_fit_and_a_dear_one_does_not(tmp_path):
    run = run_of(tmp_path / "run", {"GET /a": (3, 1), EVIL: (400, 200)})
    made = document(run, FREE)
    free = verdicts_of(made)
    assert free["GET /a"]["verdict"] == "fits"
    assert free["GET /a"]["margin_ms"] == pytest.approx(9, abs=0.2)
    assert free[EVIL]["verdict"] != "fits"
    # A quarter of the requests cost 200 ms: the mix has a mean of 50.
    assert free[MIX]["verdict"] != "fits"
    assert free[MIX]["margin_ms"] == pytest.approx(10 - (3 * 1 + 200) / 4, rel=0.05)
    paid = verdicts_of(made, "paid-default")
    assert {v["verdict"] for v in paid.values()} == {"fits"}


def test_the_mix_is_the_mean_of_its_routes(tmp_path):
    run = run_of(tmp_path / "run", {"GET /a": (3, 1), EVIL: (8, 5)})
    made = document(run, FREE)
    totals = {total["phase"]: total for total in made["totals"]}
    assert totals["warm"]["locked_ms"] == pytest.approx(2, rel=0.05)
    assert totals["cold"]["locked_ms"] == pytest.approx(17 / 4, rel=0.05)
    for total in totals.values():
        assert total["low"] < total["whole_cpu_ms"] < total["high"]
        assert total["whole_cpu_ms"] - total["locked_ms"] == pytest.approx(0.2)


def test_without_a_trace_the_whole_cpu_is_charged_and_said_so(tmp_path):
    run = run_of(tmp_path / "run", {"GET /a": (3, 1), EVIL: (3, 1)}, locked=False)
    free = verdicts_of(document(run, FREE))
    assert {v["charged"] for v in free.values()} == {"cpu"}
    assert free["GET /a"]["margin_ms"] == pytest.approx(8.8, abs=0.1)


@pytest.mark.parametrize(
    ("codes", "why"),
    [((200, 409), "answered 200, 409"), ((500, 500), "answered 200, 500")],
)
def test_answers_that_differ_have_no_verdict_unless_they_may(codes, why, tmp_path):
    costs = {"GET /a": (3, 1), EVIL: (3, 1)}
    run = run_of(tmp_path / "one", costs, statuses={EVIL: codes})
    free = verdicts_of(document(run, FREE))
    assert (free[EVIL]["verdict"], free[EVIL]["because"]) == ("no verdict", why)
    assert free[EVIL]["confidence"] is None
    assert free["GET /a"]["verdict"] == "fits"
    assert EVIL in free[MIX]["because"]
    run = run_of(tmp_path / "two", costs, statuses={EVIL: codes}, any_status=True)
    assert verdicts_of(document(run, FREE))[EVIL]["verdict"] == "fits"


def test_too_many_subrequests_do_not_fit_however_cheap(tmp_path):
    costs = {"GET /a": (1, 1), EVIL: (1, 1)}
    made = document(run_of(tmp_path / "run", costs, subrequests=60), FREE)
    free = verdicts_of(made)[MIX]
    assert free["verdict"] == "does not fit"
    assert "60 subrequests" in free["because"]
    assert verdicts_of(made, "paid-default")[MIX]["verdict"] == "fits"


def test_a_custom_profile_is_judged_beside_the_known_ones(tmp_path):
    run = run_of(tmp_path / "run", {"GET /a": (3, 1), EVIL: (3, 1)})
    made = document(run, limit_profile("custom:cpu_ms=0.01"))
    assert verdicts_of(made, "custom:cpu_ms=0.01")[MIX]["verdict"] != "fits"
    assert verdicts_of(made)[MIX]["verdict"] == "fits"


def test_what_verdicts_rest_on_is_in_the_document(tmp_path):
    run = run_of(tmp_path / "run", {"GET /a": (3, 1), EVIL: (3, 1)})
    made = document(run, FREE)
    assert made["assumptions"]["factors"][0] == pytest.approx(0.5)
    assert made["assumptions"]["banks"]
    json.dumps(made)


def test_the_text_says_all_of_it_in_100_columns(tmp_path):
    run = run_of(tmp_path / "run", {"GET /a": (3, 1), EVIL: (400, 200)})
    text = shown.text(document(run, FREE))
    for words in (
        *("GET /a", "fits", "paid-default", "src/x.ts:3", "KV (kv): in memory"),
        *("X (browser): stubbed", "api.example", "another host", "list.txt"),
    ):
        assert words in text
    assert max(map(len, text.splitlines())) <= 100
    assert "<b>" not in text


def test_the_figure_takes_any_name(tmp_path):
    odd = "GET /$x^{$/<b>_\N{GREEK SMALL LETTER ALPHA}"
    run = run_of(
        tmp_path / "run",
        {odd: (3, 1)},
        weights={odd: 2},
        statuses={odd: (200, 200)},
    )
    made = document(run, FREE)
    drawn, data = figure.draw(made, run.samples(), FREE)
    paths = figures.save(tmp_path, "worker", figures.sign(drawn, made), data)
    assert {path.suffix for path in paths} == {".svg", ".png", ".csv"}
    assert list(data["phase"]) == ["cold", "warm"]
    assert "<b>" not in (tmp_path / "worker.svg").read_text()


def rows(*found):
    return [
        {"profile": "free", "route": f"GET /{n}", "verdict": v, "confidence": c}
        for n, (v, c) in enumerate(found)
    ]


def test_the_gate_has_three_ends():
    worker._hold(rows(("fits", 0.95), ("fits", 1.0)), "free")
    with pytest.raises(GateViolatedError, match="GET /1 does not fit"):
        worker._hold(rows(("fits", 1.0), ("does not fit", 0.6)), "free")
    with pytest.raises(GateViolatedError):
        worker._hold(rows(("fits until 60 requests per isolate", 0.6)), "free")
    with pytest.raises(InconclusiveError, match="GET /0"):
        worker._hold(rows(("fits", 0.6)), "free")
    with pytest.raises(InconclusiveError):
        worker._hold(rows(("no verdict", None)), "free")
    worker._hold(rows(("does not fit", 1.0)), "paid-default")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seed-kv", "KV"], "is not BINDING=PATH"),
        (["--stub", "NOPE"], "no binding is called"),
        (["--env", "prod"], "has no environment"),
        (["--requests", "gone.har"], "does not exist"),
        (["--limits", "nope"], "no limit profile"),
        (["--service", "AUTH=auth"], "no service binding to another Worker"),
        (["--against", "gone"], "is not a folder"),
        (["--against", ".", "--phase", "cold"], "says nothing beside --against"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_made(arguments, words, tmp_path):
    folder = project(tmp_path / "mine")
    out = tmp_path / "run"
    given = [str(folder), "--out", str(out), *arguments]
    done = CliRunner().invoke(worker.command, given)
    assert words in str(done.exception)
    assert not out.exists()

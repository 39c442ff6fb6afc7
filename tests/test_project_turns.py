"""Two versions of a Worker in turns: real processes, and what is derived of them."""

from __future__ import annotations

import json
import random

import orjson
import pytest
from click.testing import CliRunner
from project_support import as_it_is, error_of, mix_of, project
from test_report import page_of
from workload_support import new_run

from bench import report
from bench.errors import GateViolatedError, InconclusiveError, UserError
from bench.measure import project_turns as turns
from bench.measure.compare import Budget
from bench.measure.project_turns_tables import document
from bench.measure.turns import Pace
from bench.path.http import Request
from bench.project import requests
from bench.project._given import Given
from bench.project.subjects import WarmUp
from bench.project.verdicts import MIX
from bench.report import _project_turns as shown
from bench.store import Run
from bench.verbs import worker

__all__ = ["as_it_is"]

SHORT = turns.Size(
    Budget(seconds=0, target_width=10.0, min_groups=3),
    Pace(rounds=3, seconds=1.0, warm_seconds=0.0, least=2),
    WarmUp(6, 0.5),
)


@pytest.fixture
def short(as_it_is, monkeypatch):
    """Nothing is bundled, and a turn is as short as it can be."""
    monkeypatch.setattr(turns, "TURN_NS", 200_000)


SOURCE = """
export default {{ async fetch(request, env) {{
  const {{ pathname }} = new URL(request.url);
  if (pathname === "/odd") return new Response("", {{ status: {status} }});
  if (pathname === "/sum") {{
    let sum = 0;
    for (let i = 0; i < {loops}; i++) sum += i % 7;
    return Response.json(sum);
  }}
  return new Response("hello");
}} }};
"""


def version(folder, loops, status=200, **config):
    source = SOURCE.format(loops=loops, status=status)
    return project(folder, config, source)


def request(path):
    return Request("GET", requests.url(path), {}, b"")


class Quiet:
    def step(self, label):
        pass


def measured(path, old, new, mix):
    plain = Given(None, (), (), {})
    with new_run(path) as run:
        made = turns.measure(
            run, old=plain.project(old), new=plain.project(new), mix=mix,
            seeds=({}, {}), outbound=None, profile="quick", seed=1,
            progress=Quiet(), within=0.02, size=SHORT,
        )  # fmt: skip
    return made, run


def test_a_version_that_works_more_costs_more_and_only_there(short, tmp_path):
    old = version(tmp_path / "old", 30_000)
    new = version(tmp_path / "new", 3_000_000, status=500)
    mix = mix_of(*map(request, ("/sum", "/sum", "/", "/odd")))
    made, run = measured(tmp_path / "run", old, new, mix)
    rows = {row["route"]: row for row in made["rows"]}
    assert list(rows) == [MIX, "GET /sum", "GET /", "GET /odd"]
    assert rows["GET /sum"]["ratio"] > 3
    assert rows["GET /sum"]["new_ms"] > 3 * rows["GET /sum"]["old_ms"]
    assert rows["GET /sum"]["answers"] == "other bytes"
    assert rows["GET /"]["answers"] == "same"
    assert rows["GET /"]["ratio"] < rows[MIX]["ratio"] < rows["GET /sum"]["ratio"]
    assert rows["GET /odd"]["verdict"] == "inconclusive"
    assert rows["GET /odd"]["why"] == "answers 500, and 200 before"
    assert rows["GET /odd"]["ratio"] is None
    assert "without GET /odd" in rows[MIX]["why"]
    assert set(run.samples()["variant"]) == {"baseline", "candidate", "control"}
    assert made["metric"] in set(run.samples()["metric"])
    json.dumps(made)


def test_a_turn_begins_where_the_services_started(as_it_is, tmp_path):
    """What a version writes would make its next answers dearer than the other's."""
    source = """export default { async fetch(request, env) {
      await env.DB.prepare("INSERT INTO t VALUES (1)").run();
      return Response.json((await env.DB.prepare("SELECT * FROM t").all()).results);
    } };"""
    config = {"d1_databases": [{"binding": "DB"}]}
    folder = project(tmp_path / "one", config, source)
    sql = tmp_path / "t.sql"
    sql.write_text("CREATE TABLE t (n INTEGER);")
    given = Given(None, (), (), {("d1", "DB"): sql})
    mix = mix_of(Request("POST", requests.url("/"), {}, b""))
    statuses = {"POST /": turns.Counter()}
    with turns.stage(
        given.project(folder), mix, seeds=given.seeds, outbound=None
    ) as scene:
        one = turns.Version(scene, 1, WarmUp(0, 0.0), statuses)
        try:
            one.ready()
            for _ in range(2):
                one.turn("POST /", 2)
                rows = scene.services.dump("env.DB")
                assert len(rows["t"]) == 2
        finally:
            one.close()
    assert statuses == {"POST /": {200: 4}}


def test_versions_without_a_common_answer_are_refused(as_it_is, tmp_path):
    old, new = version(tmp_path / "old", 1, 200), version(tmp_path / "new", 1, 404)
    with pytest.raises(UserError, match="GET /odd answers 404, and 200") as raised:
        measured(tmp_path / "run", old, new, mix_of(request("/odd")))
    assert "--against" in error_of(raised)


def test_an_older_version_is_not_asked_for_what_it_lacks(tmp_path):
    new = version(
        tmp_path / "new", 1,
        kv_namespaces=[{"binding": "KV"}, {"binding": "MORE"}],
        browser={"binding": "BROWSER"},
        services=[{"binding": "AUTH", "service": "auth"}],
    )  # fmt: skip
    old = version(tmp_path / "old", 1, kv_namespaces=[{"binding": "KV"}])
    auth = project(tmp_path / "auth", {"name": "auth"})
    seeds = {("kv", name): tmp_path / "x" for name in ("KV", "MORE", "AUTH.KV")}
    given = Given(None, [("AUTH", auth)], ["BROWSER"], seeds)
    assert len(given.project(new).neighbours) == 1
    made, mine = given.older(old)
    assert (made.neighbours, list(mine)) == ({}, [("kv", "KV")])


FACTS = {
    "versions": {
        name: {"name": "mine", "script_bytes": 10, "gzip_bytes": 5}
        for name in ("baseline", "candidate")
    },
    "requests": {"format": "test", "total": 3},
    "weights": {"GET /a": 2, "GET /b": 1},
    "refused": {},
    "differing": ["GET /a"],
    "within": 0.02,
    "metric": "locked",
}


def derived(folder, a, b, *, noise=0.004, control=1.0, statuses=None):
    """A document whose routes cost ``a`` and ``b`` times what they did before."""
    draw = random.Random(1)
    codes = {"GET /a": {"200": 3}, "GET /b": {"200": 3}}
    with new_run(folder) as run:
        for group in range(6):
            rows = []
            for route, ratio in (("GET /a", a), ("GET /b", b)):
                for seq in range(5):
                    costs = {"baseline": 1, "candidate": ratio, "control": control}
                    rows += [
                        {
                            "runtime": "workerd", "phase": "warm",
                            "invocation": "versions", "stage": route, "fixture": "",
                            "variant": name, "process": group, "seq": seq,
                            "metric": "locked", "unit": "us",
                            "value": 500 * cost * draw.uniform(1 - noise, 1 + noise),
                        }
                        for name, cost in costs.items()
                    ]  # fmt: skip
            with run.cell({"contest": "versions", "group": group}) as cell:
                cell.add(rows)
        both = {"baseline": codes, "candidate": statuses or codes}
        run.save(turns.FACTS, orjson.dumps(FACTS | {"statuses": both}))
    return document(run)


def verdicts(made):
    return [row["verdict"] for row in made["rows"]]


def test_verdicts_follow_the_intervals_and_the_band(tmp_path):
    made = derived(tmp_path / "one", 1.3, 1.0)
    assert verdicts(made) == ["slower", "slower", "same"]
    assert made["rows"][0]["ratio"] == pytest.approx((2 * 1.3 + 1) / 3, rel=0.01)
    assert verdicts(derived(tmp_path / "two", 0.8, 1.0)) == ["faster"] * 2 + ["same"]
    wide = derived(tmp_path / "three", 1.0, 1.0, noise=0.3)
    assert set(verdicts(wide)) == {"inconclusive"}


def test_a_control_that_is_off_or_other_statuses_leave_nothing_to_tell(tmp_path):
    off = derived(tmp_path / "one", 1.3, 1.3, control=1.2)
    assert set(verdicts(off)) == {"inconclusive"}
    assert "against itself" in off["rows"][1]["why"]
    codes = {"GET /a": {"200": 2, "409": 1}, "GET /b": {"200": 3}}
    made = derived(tmp_path / "two", 1.3, 1.3, statuses=codes)
    assert verdicts(made)[1:] == ["inconclusive", "slower"]
    assert made["rows"][1]["why"] == "answered 200, 409, and 200 before"


def test_two_versions_have_a_report_of_their_own(tmp_path):
    made = derived(tmp_path / "run", 1.3, 1.0)
    run = Run.open(tmp_path / "run")
    run.save("versions.json", orjson.dumps(made))
    report.build(run.path)
    page = page_of(run.path)
    said = shown.sentence(made)
    assert said.startswith("Of 2 routes of mine: 1 slower, 1 same. All requests")
    for words in ("Does the new version cost more than the old one?", "GET /b", said):
        assert words in page.text
    assert "--cell '*/*/versions/GET %2Fa/*/*'" in page.text
    # What was asked is kept beside what is derived of it.
    assert document(Run.open(run.path)) == made


def test_the_text_has_every_route_and_the_gate_three_ends(tmp_path):
    made = derived(tmp_path / "one", 1.3, 1.0)
    text = shown.text(made)
    for words in ("GET /a", "slower", "same", "other bytes", "2.0%", "1.3"):
        assert words in text
    assert max(map(len, text.splitlines())) <= 100
    with pytest.raises(GateViolatedError, match=r"GET /a 1\.[23]"):
        worker._hold_versions(made["rows"])
    worker._hold_versions(derived(tmp_path / "two", 1.0, 0.8)["rows"])
    wide = derived(tmp_path / "three", 1.0, 1.0, noise=0.3)
    with pytest.raises(InconclusiveError, match="GET /a"):
        worker._hold_versions(wide["rows"])


def test_the_verb_prints_and_keeps_the_document(short, tmp_path, monkeypatch):
    monkeypatch.setitem(turns.SIZES, "quick", SHORT)
    old, new = version(tmp_path / "old", 30_000), version(tmp_path / "new", 3_000_000)
    asked = tmp_path / "asked.txt"
    asked.write_text("GET /sum\n")
    given = [str(new), "--against", str(old), "--requests", str(asked), "--json"]
    given += ["--quiet", "--gate", "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(worker.command, given)
    made = json.loads(done.stdout)
    # Where the machine is in use the control may be off, and then it cannot tell.
    off = "itself" in made["rows"][0]["why"] or made["rows"][0]["low"] <= 1
    end = InconclusiveError if off else GateViolatedError
    assert isinstance(done.exception, end), done.exception
    assert made["rows"][0]["ratio"] > 3
    assert json.loads((tmp_path / "run" / "versions.json").read_text()) == made

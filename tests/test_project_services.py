"""Other Workers behind service bindings: found, served, counted, never charged."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from project_support import (
    SECRET,
    as_it_is,
    error_of,
    mix_of,
    project,
)

from bench.errors import BenchError, UserError
from bench.path.http import Request
from bench.project import facts, requests
from bench.project._neighbours import joined, said, shared
from bench.project._wrangler import load
from bench.project.scene import CALLS, stage
from bench.verbs import worker
from bench.workerd import tools

__all__ = ["as_it_is"]

MINE = """
export class Back { }
export default { async fetch(request, env) {
  const { pathname } = new URL(request.url);
  if (pathname === "/rpc") return Response.json(await env.ADMIN.grant("x", [1, 2]));
  if (pathname === "/nested") return Response.json(await env.ADMIN.nested());
  if (pathname === "/rows") {
    await env.DB.prepare("INSERT INTO t VALUES (1)").run();
    return env.AUTH.fetch("https://auth/rows");
  }
  if (pathname === "/none") return new Response("none");
  return env.AUTH.fetch(`https://auth${pathname}`, { headers: request.headers });
} };
"""
AUTH = """
import { WorkerEntrypoint } from "cloudflare:workers";
export class Admin extends WorkerEntrypoint {
  grant(id, scopes) { return { id, scopes, by: this.env.ISSUER }; }
  async nested() { return await (await this.env.BILL.fetch("https://bill/")).json(); }
}
export default { async fetch(request, env) {
  const { pathname } = new URL(request.url);
  if (pathname === "/url") return Response.json(request.url);
  if (pathname === "/token") return Response.json(await env.TOKENS.get("a"));
  if (pathname === "/secret") return Response.json(env.KEY.length);
  if (pathname === "/out") {
    return Response.json((await fetch("https://x.example/")).status);
  }
  if (pathname === "/rows") {
    const { results } = await env.BASE.prepare("SELECT * FROM t").all();
    return Response.json(results.length);
  }
  let sum = 0;
  for (let i = 0; i < 3e7; i++) sum += i % 7;
  return Response.json(sum);
} };
"""
BILL = 'export default { fetch() { return Response.json("billed"); } };\n'
ANSWERS = {
    "/url": "https://auth/url",
    "/token": "of a",
    "/secret": len(SECRET),
    "/out": 502,
    "/rpc": {"id": "x", "scopes": [1, 2], "by": "me"},
    "/nested": "billed",
}
SERVICES = [
    {"binding": "AUTH", "service": "auth"},
    {"binding": "ADMIN", "service": "auth", "entrypoint": "Admin"},
]
DATABASE = {"database_name": "one"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Three projects: mine asks auth, which asks bill."""
    place = tmp_path_factory.mktemp("services")
    databases = {"d1_databases": [{"binding": "DB", **DATABASE}]}
    mine = project(place / "mine", {"services": SERVICES, **databases}, MINE)
    auth = project(
        place / "auth",
        {
            "name": "auth",
            "kv_namespaces": [{"binding": "TOKENS"}],
            "d1_databases": [{"binding": "BASE", **DATABASE}],
            "services": [{"binding": "BILL", "service": "bill"}],
            "vars": {"ISSUER": "me"},
        },
        AUTH,
    )
    (auth / "migrations").mkdir()
    (auth / "migrations" / "1.sql").write_text("CREATE TABLE t (n INTEGER);")
    (auth / ".dev.vars").write_text(f"KEY={SECRET}\n")
    (auth / "tokens.json").write_text('{"a": "of a"}')
    bill = project(place / "bill", {"name": "bill"}, BILL)
    return mine, auth, bill


def whole(folders):
    mine, auth, bill = folders
    return joined(load(mine), [("AUTH", auth), ("AUTH.BILL", bill)]).stubbed(())


@pytest.fixture
def scene(folders, as_it_is):
    asked = [request(path) for path in (*ANSWERS, "/burn", "/rows", "/none")]
    seeds = {("kv", "AUTH.TOKENS"): folders[1] / "tokens.json"}
    with stage(whole(folders), mix_of(*asked), seeds=seeds, outbound=None) as made:
        yield made


def request(path):
    return Request("GET", requests.url(path), {}, b"")


def test_other_workers_answer_count_and_cost_nothing_here(scene):
    with scene.isolates(1, trace=tools.features().async_trace) as isolates:
        for path, answer in ANSWERS.items():
            status, body = isolates.ask(0, request(path))
            assert (status, json.loads(body)) == (200, answer), path
        # One database of two Workers is one; the calls are counted apart.
        before = scene.used()
        assert json.loads(isolates.ask(0, request("/rows"))[1]) == 1
        used = scene.used() - before
        counted = {f"{CALLS}AUTH": 1} if tools.features().async_trace else {}
        assert dict(used) == {f"{CALLS}DB": 1} | counted
        cost, _ = isolates.cost(0, request("/burn"))
        assert cost.cpu < cost.wall / 3, "what burns is another process"
        if cost.locked is not None:
            assert cost.locked < cost.wall / 3


def test_what_neighbours_are_and_asked_is_told_without_secrets(scene, folders):
    with scene.isolates(1) as isolates:
        isolates.ask(0, request("/out"))
    told = facts.collect(scene, {}, None, any_status=False)
    notes = {each["name"]: each["note"] for each in told["bindings"]}
    assert "in a workerd beside" in notes["AUTH"]
    assert {each["host"] for each in told["outside"]} == {"x.example"}
    assert SECRET not in json.dumps(told)
    assert SECRET in scene.private
    lines = list(said(whole(folders)))
    assert [line.partition(":")[0] for line in lines] == ["AUTH", "ADMIN"]
    assert shared(whole(folders)) == {"env.AUTH.BASE": "env.DB"}


def test_one_that_does_not_start_is_named_without_its_secret(folders, as_it_is):
    mine, auth, _ = folders
    own = joined(load(mine), [("AUTH", auth)]).stubbed(("AUTH.BILL",))
    [(at, other)] = own.neighbours.items()
    broken = replace(other, variables={}, main=auth / "broken.js")
    broken.main.write_text(f"throw new Error('{SECRET}'); export default {{}};")
    own = replace(own, neighbours={at: broken})
    with (
        pytest.raises(BenchError, match="hidden"),
        stage(own, mix_of(request("/")), seeds={}, outbound=None),
    ):
        pass


def test_bindings_without_their_worker_are_refused_by_their_names(folders):
    mine, auth, bill = folders
    with pytest.raises(UserError, match="--service AUTH=DIR") as raised:
        load(mine).stubbed(())
    assert "--stub AUTH --stub ADMIN" in error_of(raised)
    with pytest.raises(UserError, match=r"--service AUTH\.BILL=DIR"):
        joined(load(mine), [("AUTH", auth)]).stubbed(())
    made = joined(load(mine), [("AUTH", auth)]).stubbed(("AUTH.BILL",))
    assert [each.kind for each in made.neighbours["n0"].bindings][-1] == "stub"
    for name, folder, words in (
        ("NOPE", auth, "no service binding to another Worker is called 'NOPE'"),
        ("DB", auth, "is called 'DB'"),
        ("AUTH", auth / "gone", "is not a folder"),
        ("AUTH.BILL", bill, "is called 'AUTH.BILL'"),  # AUTH comes first
    ):
        with pytest.raises(UserError, match=words):
            joined(load(mine), [(name, folder)])


def test_a_worker_that_calls_the_measured_one_back_is_refused(folders, tmp_path):
    mine, _, _ = folders
    back = {"name": "auth", "services": [{"binding": "BACK", "service": "mine"}]}
    other = project(tmp_path / "auth", back)
    with pytest.raises(UserError, match="calls the Worker that is measured"):
        joined(load(mine), [("AUTH", other)]).stubbed(())


def test_the_environment_that_has_the_name_is_taken(folders, tmp_path):
    mine, _, _ = folders
    config = {
        "name": "other",
        "env": {"test": {"name": "auth", "vars": {"A": "1"}}, "more": {}},
    }
    other = project(tmp_path / "auth", config)
    made = joined(load(mine), [("AUTH", other)])
    assert made.neighbours["n0"].variables == {"A": "1"}
    config["env"] = {}
    made = joined(load(mine), [("AUTH", project(tmp_path / "auth", config))])
    assert made.neighbours["n0"].name == "other", "what was named is taken all the same"


def test_the_option_is_a_binding_and_a_folder(folders):
    done = CliRunner().invoke(worker.command, [str(folders[0]), "--service", "AUTH"])
    assert "is not BINDING=PATH" in str(done.exception)

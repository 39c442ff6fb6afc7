"""Somebody's Worker in the real workerd, with a service behind each of its bindings."""

from __future__ import annotations

import json
import socket
from dataclasses import replace

import pytest
from project_every import ANSWERS, every, seeds_of
from project_support import error_of, measure, mix_of, needs_wrangler, project

from bench.errors import UserError
from bench.path.http import Request
from bench.project import requests
from bench.project._data import Data
from bench.project._wrangler import load
from bench.project.scene import _split, stage, status_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return every(tmp_path_factory.mktemp("worker") / "mine")


@pytest.fixture(scope="module")
def scene(folder):
    needs_wrangler()
    mix = mix_of(*(Request("GET", requests.url(path), {}, b"") for path in ANSWERS))
    with stage(
        load(folder).stubbed(("BROWSER",)),
        mix,
        seeds=seeds_of(folder),
        outbound=folder / "seeds" / "answers.ndjson",
    ) as made:
        yield made


@pytest.fixture(scope="module")
def isolates(scene):
    with scene.isolates(2) as running:
        yield running


@pytest.mark.parametrize("path", ANSWERS)
def test_a_binding_does_what_it_does_when_deployed(path, isolates):
    query = "?x=%20" if path == "/url" else ""
    asked = Request("GET", requests.url(path + query), {}, b"")
    status, body = isolates.ask(0, asked)
    assert (status, json.loads(body)) == (200, ANSWERS[path])


def test_isolates_have_objects_of_their_own(isolates):
    asked = Request("GET", requests.url("/object"), {}, b"")
    first = [json.loads(isolates.ask(0, asked)[1]) for _ in range(2)]
    assert first[1] == first[0] + 1
    assert json.loads(isolates.ask(1, asked)[1]) == 1


def test_a_batch_reaches_the_consumer_and_may_fail(scene, isolates):
    for body, status in ((b'[{"a": 1}]', 200), (b'[{"bad": 1}]', 500)):
        asked = Request("POST", "/queue?cut=jobs", {}, body)
        assert status_of(asked, isolates.ask(0, asked)) == status
    assert scene.services.dump("env.KV")["seen"]["value"] == b"1"


def test_a_schedule_wakes_the_worker_and_may_fail(scene, isolates):
    for cron, status in (("*/5%20*%20*%20*%20*", 200), ("0%200%20*%20*%20*", 500)):
        asked = Request("POST", f"/queue?cron={cron}", {}, b"")
        assert status_of(asked, isolates.ask(0, asked)) == status
    assert scene.services.dump("env.KV")["woken"]["value"] == b"*/5 * * * *"


def test_no_script_of_the_project_runs_and_nothing_is_written(scene, folder):
    found = {path.name for path in folder.iterdir()}
    assert found == {
        *("src", "public", "migrations", "seeds", ".dev.vars", "index.js"),
        "wrangler.json",
    }


def test_what_was_asked_outside_is_told_without_its_query(scene, isolates):
    isolates.ask(0, Request("GET", requests.url("/outside"), {}, b""))
    told = scene.services.dump("outside")
    mine = [each for each in told if each["host"] == "api.example"]
    assert mine[0]["asked"] == "GET /v1/x"
    assert "key=1" not in json.dumps(told)


def test_the_floor_is_an_empty_worker(isolates):
    assert isolates.ask(2, Request("GET", requests.url("/"), {}, b"")) == (200, b"")


def test_requests_that_assets_answer_never_reach_the_worker(folder):
    needs_wrangler()
    logo = Request("GET", requests.url("/logo.svg"), {}, b"")
    other = Request("GET", requests.url("/text"), {}, b"")
    own = load(folder).stubbed(("BROWSER",))
    routes, answered = _split(mix_of(logo, other), Data(own, {}, None))
    assert (list(routes), answered) == (["GET /text"], {"GET /logo.svg": 1})
    with (
        pytest.raises(UserError, match="static assets"),
        stage(own, mix_of(logo), seeds={}, outbound=None),
    ):
        pass


def test_nothing_reaches_a_network(isolates):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        asked = Request("GET", requests.url(f"/socket?port={port}"), {}, b"")
        assert json.loads(isolates.ask(0, asked)[1]) == [502, "refused"]
        with pytest.raises(TimeoutError):
            server.accept()


BROKEN = {
    "syntax": ("export default {", "does not bundle"),
    "package": ("import 'not-installed'; export default {};", "packages first"),
    "script": ("addEventListener('fetch', () => {});", "service-worker format"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_worker_that_cannot_be_run_says_why(name, tmp_path):
    needs_wrangler()
    source, words = BROKEN[name]
    own = load(project(tmp_path / "mine", source=source))
    with pytest.raises(UserError) as raised:
        measure(tmp_path / "run", own, requests.read(None))
    assert words in error_of(raised)
    assert str(tmp_path) not in raised.value.message


def test_seeds_and_queues_must_be_the_project_s(folder, tmp_path):
    needs_wrangler()
    own = load(folder).stubbed(("BROWSER",))
    mix = requests.read(None)
    for seeds, words in (
        ({("kv", "NOPE"): tmp_path}, "no kv binding is called 'NOPE'"),
        ({("kv", "DB"): tmp_path}, "no kv binding is called 'DB'"),
        ({("d1", "DB"): folder / "gone"}, "does not exist"),
        ({("kv", "KV"): folder / "seeds" / "d1.sql"}, "is not JSON"),
    ):
        with (
            pytest.raises(UserError, match=words),
            stage(own, mix, seeds=seeds, outbound=None),
        ):
            pass
    batch = Request("POST", "/queue?cut=jobs", {}, b"[1]")
    with (
        pytest.raises(UserError, match="does not consume"),
        stage(replace(own, consumers=()), mix_of(batch), seeds={}, outbound=None),
    ):
        pass
    woken = Request("POST", "/queue?cron=1%20*%20*%20*%20*", {}, b"")
    with (
        pytest.raises(UserError, match=r"no schedule '1 \* \* \* \*'") as raised,
        stage(own, mix_of(woken), seeds={}, outbound=None),
    ):
        pass
    assert "*/5 * * * *" in error_of(raised)


def test_bad_sql_names_its_file(folder, tmp_path):
    bad = tmp_path / "bad.sql"
    bad.write_text("INSERT INTO nowhere VALUES (1);")
    needs_wrangler()
    own = load(folder).stubbed(("BROWSER",))
    with (
        pytest.raises(UserError, match="no such table") as raised,
        stage(own, requests.read(None), seeds={("d1", "DB"): bad}, outbound=None),
    ):
        pass
    assert raised.value.file == str(bad)

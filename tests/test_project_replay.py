"""What a project keeps for its replay, and what this one does."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from project_support import LEFT, RIGHT, SECRET, TINY, needs_wrangler, project
from worker_replay import FOLDER, files

from bench.errors import UserError
from bench.measure import project as measured
from bench.paths import ROOT
from bench.project import _replay, memory
from bench.project._outside import Service
from bench.services._messages import Call, Stream
from bench.store import Run
from bench.verbs import worker

ANSWERS = '{"host": "api.example", "body": "yes"}\n'
# Asks a namespace and the world, and tells a variable.
ASKS = """
export default { async fetch(request, env) {
  const [kept, said] = [await env.KV.get("key"), await fetch("https://api.example/")];
  const told = [kept, await said.text(), env.MODE].join(" ");
  return new Response(told, { status: told === env.EXPECTED ? 200 : 500 });
} };
"""


def keep(folder, name, text):
    path = folder / "replay" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_project_without_the_folder_keeps_nothing(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    assert _replay.find(tmp_path) == _replay.Replay()
    (tmp_path / "replay").symlink_to(tmp_path / "elsewhere")
    assert _replay.find(tmp_path) == _replay.Replay()
    assert _replay.find(tmp_path).said == []


def test_everything_in_the_folder_is_found_by_its_name(tmp_path):
    asked = keep(tmp_path, "requests.har", "{}")
    answers = keep(tmp_path, "outbound.ndjson", ANSWERS)
    seeds = {
        ("kv", "KV"): keep(tmp_path, "kv/KV.json", "{}"),
        ("d1", "DB"): keep(tmp_path, "d1/DB.sql", ""),
        ("vectorize", "AUTH.INDEX"): keep(tmp_path, "vectorize/AUTH.INDEX.ndjson", ""),
        ("r2", "FILES.v2"): keep(tmp_path, "r2/FILES.v2/a/b.txt", "b").parents[1],
    }
    keep(tmp_path, "README.md", "what this is")
    keep(tmp_path, ".dev.vars", "MODE=replayed\nKEY=hidden\n")
    keep(tmp_path, ".dev.vars.staging", "MODE=staging\n")
    found = _replay.find(tmp_path)
    assert (found.requests, found.outbound, found.seeds) == (asked, answers, seeds)
    assert found.variables == {"MODE": "replayed", "KEY": "hidden"}
    assert _replay.find(tmp_path, "staging").variables == {"MODE": "staging"}
    [said] = found.said
    for each in ("requests.har", "kv KV", "r2 FILES.v2", ".dev.vars"):
        assert each in said
    assert "hidden" not in said + repr(found)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("request.ndjson", "request.ndjson is no part of a replay"),
        ("kv/KV.txt", "KV.txt is no part of a replay"),
        ("kv/KV.json/x", "KV.json is no part of a replay"),
        ("r2/FILES", "FILES is no part of a replay"),
        ("queue/x", "queue is no part of a replay"),
        ("d1", "d1 is no part of a replay"),
        ("<b>.txt", f"{LEFT}b{RIGHT}.txt is no part of a replay"),
        ("requests.txt", "two files of requests"),
    ],
)
def test_what_would_be_left_out_in_silence_is_refused(tmp_path, name, said):
    keep(tmp_path, "requests.ndjson", "")
    keep(tmp_path, name, "x")
    with pytest.raises(UserError, match=said) as raised:
        _replay.find(tmp_path)
    assert "remedy: " in str(raised.value)


def test_a_link_in_the_folder_is_refused(tmp_path):
    (tmp_path / "secret").write_text("{}")
    keep(tmp_path, "kv/KV.json", "{}").unlink()
    (tmp_path / "replay/kv/KV.json").symlink_to(tmp_path / "secret")
    with pytest.raises(UserError, match="is a link"):
        _replay.find(tmp_path)


def test_digests_tell_every_change_of_a_seed(tmp_path):
    file = keep(tmp_path, "kv/KV.json", "{}")
    inner = keep(tmp_path, "r2/FILES/a.txt", "a")
    answers = keep(tmp_path, "outbound.ndjson", ANSWERS)
    told = []
    for change in (
        lambda: None,
        lambda: file.write_text("[]"),
        lambda: inner.write_text("b"),
        lambda: inner.rename(inner.with_name("b.txt")),
        lambda: answers.write_text(""),
    ):
        change()
        found = _replay.find(tmp_path)
        told.append(_replay.digests(found.seeds, found.outbound))
    assert [set(each) for each in told] == [{"kv:KV", "r2:FILES", "outbound"}] * 5
    assert len({json.dumps(each) for each in told}) == 5


def test_an_answer_that_is_an_event_stream_comes_event_by_event():
    service = Service(1)
    told = "event: a\ndata: 1\n\nevent: b\ndata: 2\n\n"
    answers = [
        {"host": "a.example", "headers": {"Content-Type": kind}, "body": told, **more}
        for kind, more in (
            ("text/event-stream; charset=utf-8", {}),
            ("text/event-stream", {"path": "/limited", "status": 429}),
            ("text/plain", {"path": "/plain"}),
        )
    ]
    service.put(answers)

    def ask(path):
        return service.handle(Call("POST", path, {}, {"Host": "a.example"}, b""))

    stream = ask("/")
    assert isinstance(stream, Stream)
    assert stream.split(stream.body) == [
        b"event: a\ndata: 1\n\n",
        b"event: b\ndata: 2\n\n",
    ]
    for path, status in (("/limited", 429), ("/plain", 200)):
        reply = ask(path)
        assert (reply.status, reply.body) == (status, told.encode())
    assert {(row["asked"], row["answered"]) for row in service.dump()} == {
        ("POST /", 200),
        ("POST /limited", 429),
        ("POST /plain", 200),
    }


@pytest.fixture
def short(monkeypatch):
    needs_wrangler()
    monkeypatch.setattr(measured, "SIZES", {"quick": TINY})
    monkeypatch.setattr(memory, "CONCURRENT", ())


def statuses(folder, out, *options):
    """All statuses of each route, as the verb says."""
    given = [str(folder), "--json", "--any-status", "--out", str(out), *options]
    done = CliRunner().invoke(worker.command, given)
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    return {row["route"]: [*row["statuses"]] for row in document["rows"]}, done.stderr


def test_the_folder_is_replayed_and_an_option_replaces_a_part_of_it(short, tmp_path):
    entry = {"kv_namespaces": [{"binding": "KV", "id": "1"}], "vars": {"MODE": "live"}}
    folder = project(tmp_path / "mine", entry, ASKS)
    keep(folder, "requests.txt", "GET /kept\n")
    keep(folder, "kv/KV.json", '{"key": "value"}')
    keep(folder, "outbound.ndjson", ANSWERS)
    keep(folder, ".dev.vars", f"MODE={SECRET}\nEXPECTED=value yes {SECRET}\n")
    found, said = statuses(folder, tmp_path / "run")
    assert found == {"GET /kept": ["200"]}
    assert "from replay/: requests.txt, outbound.ndjson, kv KV, .dev.vars" in said
    kept = Run.open(tmp_path / "run").manifest["fixtures"]
    assert set(kept) == {"requests.txt", "kv:KV", "outbound"}
    assert SECRET not in (tmp_path / "run" / "worker.json").read_text()

    other = tmp_path / "other.json"
    other.write_text('{"key": "another"}')
    found, _ = statuses(folder, tmp_path / "again", "--seed-kv", f"KV={other}")
    assert found == {"GET /kept": ["500"]}


def test_what_this_worker_replays_is_made_of_the_fixtures():
    made = files()
    on_disk = {
        path.relative_to(FOLDER).as_posix(): path.read_bytes()
        for path in FOLDER.rglob("*")
        if path.is_file()
    }
    assert on_disk == made, "run python -m tests.worker_replay"


def test_this_worker_answers_what_is_replayed(short, tmp_path):
    found, _ = statuses(ROOT / "worker", tmp_path / "run")
    assert found == {"POST /chat": ["200"], "POST /transcripts/call-1": ["202"]}
    rows = Run.open(tmp_path / "run").samples()
    calls = rows[rows.metric == "calls.VECTORIZE_INDEX"].groupby("stage").value.min()
    assert calls["POST /chat"] == 1

"""Real engines: they find what the article's filter asks for, and they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.engines import Filter, _cluster, _history, load
from bench.engines._corpus import KINDS, WANTED, Corpus, corpus, queries, recall
from bench.errors import BenchError

DIMS, COUNT, K = 32, 700, 8
DEADLINE_S = 20.0
ENGINES = load()
KNOWN = corpus(COUNT, 3, DIMS)
ASKED = queries(24, 3, DIMS)


def needs(name):
    reason = ENGINES[name].unavailable()
    if reason is not None:
        pytest.skip(reason)
    return ENGINES[name]


@pytest.fixture(scope="module", params=list(ENGINES))
def running(request, tmp_path_factory):
    """An engine that holds ``KNOWN``, seeded in two parts."""
    folder = tmp_path_factory.mktemp(request.param)
    with needs(request.param).start(folder) as started:
        for part in (KNOWN.part(0, 300), KNOWN.part(300, COUNT)):
            started.seed(part.vectors, part.payloads)
        yield started


@pytest.fixture(scope="module")
def postgres():
    with needs("postgres").start() as started:
        _history.seed(started, 0, 40)
        yield started


filters = st.builds(
    Filter,
    tenant=st.sampled_from([f"tenant-{i:02d}" for i in range(5)]),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, unique=True).map(tuple),
    after=st.integers(-1, 735).map(lambda day: str(date(2024, 1, 1) + timedelta(day))),
)


def test_each_engine_says_what_it_is_and_whether_it_runs_here():
    assert set(ENGINES) >= {"qdrant", "postgres"}
    for name, engine in ENGINES.items():
        assert engine.NOTE
        assert any(letter.isdigit() for letter in engine.version()), name
        reason = engine.unavailable()
        assert reason is None or "\n" not in reason


def test_an_engine_that_is_not_installed_says_so_in_one_line(monkeypatch):
    monkeypatch.setattr(_cluster, "find_spec", lambda name: None)
    monkeypatch.setattr(ENGINES["qdrant"], "find_spec", lambda name: None)
    for engine in ENGINES.values():
        assert "is not installed" in engine.unavailable()


def test_a_filtered_query_finds_what_an_exact_search_finds(running):
    exact = KNOWN.exact(ASKED, WANTED, K)
    found = [running.query(vector, WANTED, K) for vector in ASKED]
    shares = [
        recall([match.id for match in matches], right)
        for matches, right in zip(found, exact, strict=True)
    ]
    assert np.mean(shares) > 0.95
    for matches, vector in zip(found, ASKED, strict=True):
        scores = [match.score for match in matches]
        assert scores == sorted(scores, reverse=True)
        cosines = [KNOWN.vectors[match.id] @ vector for match in matches]
        assert scores == pytest.approx(cosines, abs=1e-5)
        assert [m.payload for m in matches] == [KNOWN.payloads[m.id] for m in matches]


@settings(max_examples=25)
@given(wanted=filters, place=st.integers(0, len(ASKED) - 1))
def test_whatever_is_found_passes_the_filter(running, wanted, place):
    passing = KNOWN.passing(wanted)
    ids = [match.id for match in running.query(ASKED[place], wanted, K)]
    assert all(passing[ids])
    assert len(ids) == len(set(ids)) == min(K, passing.sum())


def test_without_a_filter_all_are_searched(running):
    exact = KNOWN.exact(ASKED, None, K)
    found = [[m.id for m in running.query(v, None, K)] for v in ASKED]
    assert np.mean([*map(recall, found, exact)]) > 0.95
    assert running.count == COUNT


def test_the_engine_tells_its_own_time(running):
    asked = running.asked(ASKED[0], WANTED, K)
    assert 0 < asked.engine_ms < asked.wall_ms
    assert asked.cpu_ms > 0


def test_nonsense_is_refused_and_the_engine_goes_on(running):
    path, body = ENGINES[running.name].request(ASKED[0][:-1], WANTED, K)
    with pytest.raises(BenchError, match=f"{running.name} answered 400"):
        running.post(path, body)
    for sent in (b"{", b"{}", b"[]"):
        assert httpx.post(running.url + path, content=sent).status_code == 400
    assert httpx.get(running.url + "/nothing").status_code == 404
    assert len(running.query(ASKED[0], WANTED, K)) == K


def test_it_listens_on_loopback_only(running):
    process = psutil.Process(running.services.pid)
    for each in [process, *process.children(recursive=True)]:
        listening = [c for c in each.net_connections() if c.status == "LISTEN"]
        assert {c.laddr.ip for c in listening} <= {"127.0.0.1"}


@pytest.mark.parametrize("name", list(ENGINES))
def test_it_ends_with_the_block_and_leaves_nothing(name, tmp_path):
    with needs(name).start(tmp_path) as started:
        started.seed(KNOWN.vectors[:20], KNOWN.payloads[:20])
        process = psutil.Process(started.services.pid)
        processes = [process, *process.children(recursive=True)]
    assert not any(each.is_running() for each in processes)
    assert list(tmp_path.iterdir()) == []


DRIVER = """
import sys, time
from pathlib import Path
from bench.engines import load
with load()[sys.argv[1]].start(Path(sys.argv[2])) as running:
    print(running.services.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("name", list(ENGINES))
def test_it_ends_when_the_driver_is_killed(name, tmp_path):
    needs(name)
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, name, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    process = psutil.Process(int(driver.stdout.readline()))
    processes = [process, *process.children(recursive=True)]
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    driver.stdout.close()
    _, left = psutil.wait_procs(processes, DEADLINE_S)
    assert left == []
    until = time.monotonic() + DEADLINE_S
    while any(tmp_path.iterdir()) and time.monotonic() < until:
        time.sleep(0.01)
    assert list(tmp_path.iterdir()) == []


def test_a_conversation_is_loaded_and_a_turn_saved_once_however_often(postgres):
    conversation = _history.name(7)
    before = postgres.post("/sql", _history.load(conversation)).reply["results"]
    for _ in range(2):
        saved = postgres.post("/sql", _history.save(conversation, "when?", "soon"))
        assert [r["rowCount"] for r in saved.reply["results"]] == [1, 1, 1, 1]
    after = postgres.post("/sql", _history.load(conversation)).reply["results"]
    assert after == before
    assert len(before[1]["rows"]) == _history.MESSAGES
    kept = postgres.sql(
        "SELECT role, content FROM messages WHERE conversation_id = $1"
        " ORDER BY created_at DESC, seq DESC LIMIT 2",
        [conversation],
    )
    assert kept.reply["rows"] == [
        {"role": "assistant", "content": "soon"},
        {"role": "user", "content": "when?"},
    ]


def test_a_batch_that_fails_leaves_nothing(postgres):
    body = _history.save(_history.name(9), "when?", "never")
    body["queries"].append({"query": "SELECT 1 / 0"})
    with pytest.raises(BenchError, match="division by zero"):
        postgres.post("/sql", body)
    left = postgres.sql("SELECT count(*) AS n FROM messages WHERE content = 'never'")
    assert left.reply["rows"] == [{"n": 0}]


def test_who_asks_over_http_can_start_no_program(postgres):
    with pytest.raises(BenchError, match="permission denied"):
        postgres.sql("COPY messages TO PROGRAM 'cat'")


def test_an_exact_search_agrees_with_one_vector_at_a_time():
    few = Corpus(KNOWN.vectors[:50], KNOWN.payloads[:50])
    for vector, found in zip(ASKED, few.exact(ASKED, WANTED, 3), strict=True):
        scored = {
            place: float(row.astype(float) @ vector.astype(float))
            for place, (row, payload) in enumerate(
                zip(few.vectors, few.payloads, strict=True)
            )
            if payload["tenantId"] == WANTED.tenant
            and payload["documentType"] in WANTED.kinds
            and payload["effectiveDate"] > WANTED.after
        }
        assert found == sorted(scored, key=lambda place: -scored[place])[:3]


def test_a_corpus_is_the_same_for_the_same_seed_and_passes_one_in_sixteen():
    again, other = corpus(COUNT, 3, DIMS), corpus(COUNT, 4, DIMS)
    assert np.array_equal(again.vectors, KNOWN.vectors)
    assert again.payloads == KNOWN.payloads
    assert not np.array_equal(other.vectors, KNOWN.vectors)
    assert np.linalg.norm(KNOWN.vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert 1 / 24 < KNOWN.passing(WANTED).mean() < 1 / 11

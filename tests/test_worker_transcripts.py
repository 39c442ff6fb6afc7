"""Generated transcripts, uploads and batches through the Python path and the Worker."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worker_strategies import APART, transcripts
from worker_support import TALLY, halves

from bench.path import wire
from bench.path.http import Request

STATUSES: Counter[tuple[str, int]] = Counter()


@pytest.fixture(scope="module")
def both(request):
    with halves(request.config) as running:
        yield running


def compare(both, kind, invocation, request, **options):
    answer = both.compare(kind, invocation, request, **options)
    STATUSES[kind, answer[0]] += 1
    return answer


@pytest.mark.parametrize("parse", ["full", "fields"])
@given(body=transcripts(odd=False), overlap=st.booleans())
@settings(max_examples=90)
def test_transcripts(both, parse, body, overlap):
    small = {"chunk_chars": 60, "chunk_overlap": 20 * overlap, "chunks_per_message": 2}
    request = replace(both.world.requests["ingest"], body=body)
    stores = ("r2", "queue")
    compare(both, "transcript", "ingest", request, stores=stores, parse=parse, **small)


@pytest.mark.parametrize("parse", ["full", "fields"])
@given(body=transcripts(odd=True))
@settings(max_examples=160)
def test_odd_transcripts(both, parse, body):
    request = replace(both.world.requests["ingest"], body=body)
    compare(both, "odd transcript", "ingest", request, stores=("r2",), parse=parse)


def document(alternative):
    return {"results": {"channels": [{"alternatives": [alternative]}]}}


LACKING = [
    *({}, {"results": {}}, {"results": {"channels": [{}]}}, document({})),
    *(document({"words": [{}]}), document({"paragraphs": {}})),
    document({"paragraphs": {"paragraphs": [{}]}}),
    document({"paragraphs": {"paragraphs": [{"sentences": [{}]}]}}),
    {"results": {"channels": [{"alternatives": []}], "utterances": [{}]}},
    {"results": {"channels": [{"alternatives": [{}]}], "utterances": [{}]}},
]


@pytest.mark.parametrize("parse", ["full", "fields"])
def test_what_a_transcript_may_lack(both, parse):
    for lacking in LACKING:
        request = replace(both.world.requests["ingest"], body=wire.dumps(lacking))
        compare(both, "odd transcript", "ingest", request, parse=parse)


# Sound and broken ones.
TOKENS = rb"""
"\ud800" "\ud83d\ud83d" "\ud83dA" "\ude00" "\ud83d\ude00" "\ud83d\u0041" "\u12"
"\x" "\/" " 01 - -0 1. .5 1e 1e+ 1E-2 1e999 +1 0x1 tru true nulll NaN
[1,] [,1] {"a":1,} {"a"} {1:2} [[]] []] // """.split()
TOKENS += [b"", b'"\x01"', b'"\xff"', b"[1 2]", b"[" * 500 + b"]" * 500]


@pytest.mark.parametrize("parse", ["full", "fields"])
@pytest.mark.parametrize("place", ["metadata", "transcript", "start"])
def test_tokens_of_json_wherever_they_are(both, parse, place):
    sent = both.world.requests["ingest"]
    places = {"metadata": b"1", "transcript": b'"Hello"', "start": b"1"}
    for token in TOKENS:
        said = {**places, place: token}
        body = (
            b'{"metadata":%(metadata)b,"results":{"utterances":[{"start":%(start)b,'
            b'"transcript":%(transcript)b}],"channels":[{"alternatives":[{}]}]}}'
        )
        request = replace(sent, body=body % {k.encode(): v for k, v in said.items()})
        stores = ("r2",)
        compare(both, "odd transcript", "ingest", request, stores=stores, parse=parse)


@pytest.mark.parametrize(
    "change",
    [
        *({"method": "GET", "body": b""}, {"method": "PUT"}, {"headers": {}}),
        *[{"path": f"/transcripts/{name}"} for name in ("", "a%20b", "x" * 65, "a/b")],
        *[{"path": f"/transcripts/{'x' * size}"} for size in (41, 42, 43, 60)],
        *[
            {"content-type": kind}
            for kind in ("", "text/plain", "Application/JSON ; charset=utf-8", "json")
        ],
    ],
    ids=str,
)
def test_uploads(both, change):
    sent = both.world.requests["ingest"]
    if kind := change.get("content-type"):
        change = {"headers": {**sent.headers, "content-type": kind}}
    elif "content-type" in change:
        change = {"headers": {"authorization": sent.headers["authorization"]}}
    compare(both, "upload", "ingest", replace(sent, **change), stores=("r2",))


@given(
    st.lists(
        st.sampled_from(["first", "last", "gone", "event", "event", "empty", "odd"]),
        max_size=4,
    )
)
@settings(max_examples=20)
def test_batches(both, drawn):
    known = wire.loads(both.world.requests["consume"].body)
    made = {
        "first": known[0],
        "last": known[-1],
        "event": '{"type":"done"}',
        "empty": {},
        "gone": {**known[0], "key": "nothing/here"},
        "odd": {**known[0], "key": 7},
    }
    batch = wire.dumps([made[one] for one in drawn])
    request = Request("POST", "/queue", {}, batch)
    compare(both, "batch", "consume", request, stores=("vectorize",))


def test_every_edge_of_what_is_safe(both):
    alternative = {"transcript": APART}
    said = wire.dumps({"results": {"channels": [{"alternatives": [alternative]}]}})
    request = replace(both.world.requests["ingest"], body=said)
    compare(both, "transcript", "ingest", request, stores=("r2",))


def test_enough_was_compared():
    for kind in ("transcript", "odd transcript", "batch"):
        good = STATUSES[kind, 202] + STATUSES[kind, 200]
        # Most of what is generated is to be worked on, some to be refused.
        assert good > TALLY[kind] // 4
    assert STATUSES["odd transcript", 400] > 50
    assert TALLY["upload"]

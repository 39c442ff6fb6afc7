"""Recorded transcripts and streams through the Python path and through the Worker."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest
from path_support import streams
from worker_support import TALLY, halves

MODES = ("convert", "pass")
PARSES = ("full", "fields")
# Chunks as they are, and so small that most turns are cut.
CHUNKED = ({}, {"chunk_chars": 90, "chunk_overlap": 30, "chunks_per_message": 100})
# How the upstream's bytes are cut into chunks.
SPLITS = ("event", "random", "bytes:1000")


@pytest.fixture(scope="module")
def both(request):
    with halves(request.config) as running:
        yield running


@pytest.mark.parametrize("parse", PARSES)
@pytest.mark.parametrize("chunked", CHUNKED, ids=["large", "small"])
def test_recorded_transcripts(both, real, parse, chunked):
    sent = both.world.requests["ingest"]
    recorded = sorted((real / "deepgram").glob("*.json"))
    assert recorded
    accepted = 0
    for path in recorded:
        request = replace(sent, body=path.read_bytes())
        status, _, _ = both.compare(
            "recorded transcript",
            "ingest",
            request,
            stores=("r2", "queue"),
            parse=parse,
            **chunked,
        )
        accepted += status == 202
        if status == 202:
            newest = both.python.dump("queue")[-1]
            batch = json.dumps([json.loads(newest["body"])]).encode()
            both.compare(
                "recorded transcript",
                "consume",
                replace(both.world.requests["consume"], body=batch),
                stores=("r2", "vectorize"),
            )
    assert accepted >= len(recorded) - 2


@pytest.mark.parametrize("parse", PARSES)
def test_documents_that_are_no_transcripts(both, real, parse):
    sent = both.world.requests["ingest"]
    documents = sorted((real / "json").glob("*.json"))
    suite = real / "json" / "JSONTestSuite" / "test_parsing"
    documents += [path for path in sorted(suite.glob("*.json")) if not deep(path)]
    for path in documents:
        request = replace(sent, body=path.read_bytes())
        both.compare("recorded document", "ingest", request, parse=parse)


def deep(path):
    """Nested deeper than Python follows."""
    return path.read_bytes().count(b"[") > 900


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["anthropic", "openai"])
def test_recorded_streams(both, real, kind, mode):
    recorded = [path.read_bytes() for path in streams(real, kind)]
    assert recorded
    question = both.world.requests["chat"]
    for data, split in itertools.product(recorded, SPLITS):
        both.each(lambda one, data=data: one.put("anthropic", {"stream": data}))
        both.each(lambda one, split=split: one.configure("anthropic", split=split))
        stores = ("d1", "kv")
        answer = both.compare(
            "recorded stream", "chat", question, stores=stores, stream=mode
        )
        assert answer[0] == 200
    both.each(lambda one: one.configure("anthropic", split="event"))


@pytest.mark.parametrize("mode", MODES)
def test_a_recorded_error_in_a_stream(both, real, mode):
    data = (real / "errors" / "authored_anthropic_overloaded.sse").read_bytes()
    both.each(lambda one: one.put("anthropic", {"stream": data}))
    question = both.world.requests["chat"]
    both.compare("recorded stream", "chat", question, stores=("d1",), stream=mode)


def test_enough_was_compared(real):
    assert TALLY["recorded transcript"] > 40
    assert TALLY["recorded document"] > 500
    assert TALLY["recorded stream"] > 50

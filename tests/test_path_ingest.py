"""Ingestion and its consumer: transcripts to turns, chunks, objects and vectors."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from path_support import (
    NOW,
    SESSION,
    TOKEN,
    VECTOR,
    Scripted,
    env,
    error_of,
    reply,
)

from bench import fixture_set
from bench.fixtures import deepgram
from bench.path import invoke
from bench.path.bindings.queue import BATCH_BYTES, BATCH_MESSAGES, batches
from bench.path.errors import Reset
from bench.path.http import Reply, Request, read
from bench.path.ingest import Turn
from bench.path.ingest._turns import turns
from bench.path.ingest.chunk import chunks, pieces
from bench.path.text import sanitise

HEADERS = {
    "authorization": f"Bearer {TOKEN}",
    "content-type": "application/json; charset=utf-8",
}


def request(body=b"{}", path="/transcripts/call-7", method="POST", **headers):
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Request(method, path, {**HEADERS, **named}, body)


def ingest(body, replies=None, **options):
    transport = Scripted(replies or {})
    state, response = invoke("ingest", request(body), env(transport, **options))
    return state, response, read(response), transport


def transcript(paragraphs, **alternative):
    """A response whose paragraphs are (speaker, text, start, end)."""
    listed = [
        {"sentences": [{"text": text}], "speaker": who, "start": start, "end": end}
        for who, text, start, end in paragraphs
    ]
    best = {"transcript": "", "words": [], "paragraphs": {"paragraphs": listed}}
    return wrap({**best, **alternative})


def wrap(*alternatives, **results):
    channels = [{"alternatives": [alternative]} for alternative in alternatives]
    return json.dumps({"metadata": {}, "results": {"channels": channels, **results}})


# --- receive ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"authorization": "Bearer nobody"}, 401),
        ({"authorization": ""}, 401),
        ({"method": "GET"}, 405),
        ({"path": "/transcripts/"}, 404),
        ({"path": "/transcripts/a b"}, 404),
        ({"path": "/transcripts/a/../b"}, 404),
        ({"path": "/other"}, 404),
        ({"path": "/transcripts/" + "x" * 60}, 400),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": ""}, 415),
        ({"body": b"x" * 1001}, 413),
        ({"body": b"x"}, 400),
    ],
)
def test_what_is_no_transcript_by_its_outside(given, status):
    transport = Scripted()
    environment = env(transport, max_transcript_bytes=1000)
    _, response = invoke("ingest", request(**given), environment)
    assert response.status == status
    assert error_of(read(response))
    assert [call.service for call in transport.calls if call.service != "kv"] == []


# --- parse ------------------------------------------------------------------------


def recorded(real):
    paths = sorted((real / "deepgram").glob("*.json"))
    return [path for path in paths if "models_list" not in path.name]


def test_both_ways_to_parse_give_the_same_turns(real):
    bodies = [path.read_bytes() for path in recorded(real)]
    for params in deepgram.FILES.values():
        bodies.append(deepgram.generate(5, **params))
    for body in bodies:
        full = ingest(body, parse="full")[0].turns
        assert ingest(body, parse="fields")[0].turns == full
        assert full


def test_recorded_words_are_all_in_the_turns(real):
    for path in recorded(real):
        best = json.loads(path.read_bytes())["results"]["channels"][0]["alternatives"][
            0
        ]
        found = turns(json.loads(path.read_bytes()))
        said = " ".join(turn.text for turn in found).split()
        assert len(said) == pytest.approx(len(best["words"]), rel=0.1), path.name


def word(text, who=None, start=0.0, end=0.0):
    return {"word": text, "speaker": who, "start": start, "end": end}


WORDS = [
    word("one", 0, 0.0, 0.5),
    word("two", 0, 0.5, 1.0015),
    word("three", 1, 2.0, 2.5),
]
SAID = [Turn("one two", 0, 0, 1002), Turn("three", 1, 2000, 2500)]


@pytest.mark.parametrize("parse", ["full", "fields"])
@pytest.mark.parametrize(
    ("body", "found"),
    [
        (wrap({"transcript": "one two three", "words": WORDS}), SAID),
        (wrap({"transcript": " bare\n text "}), [Turn("bare text", None, 0, 0)]),
        (wrap({"transcript": "", "words": []}), []),
        (wrap({"transcript": "", "paragraphs": None}, utterances=None), []),
        (
            wrap(
                {"transcript": "x", "words": WORDS},
                utterances=[
                    {
                        "transcript": "hi",
                        "start": 1,
                        "end": 2,
                        "speaker": 3,
                        "channel": 0,
                    }
                ],
            ),
            [Turn("hi", 3, 1000, 2000)],
        ),
        (
            wrap({"transcript": "left"}, {"transcript": "right"}),
            [Turn("left", 0, 0, 0), Turn("right", 1, 0, 0)],
        ),
        (
            transcript([(None, "no one", 0, 1), (2, "Zoë 😀\u0007", 1.5, 3)]),
            [Turn("no one", None, 0, 1000), Turn("Zoë 😀", 2, 1500, 3000)],
        ),
    ],
)
def test_the_best_source_of_text_is_taken(body, found, parse):
    assert ingest(body.encode(), parse=parse)[0].turns == found


@pytest.mark.parametrize("parse", ["full", "fields"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"results":null}',
        b'{"results":{}}',
        b'{"results":{"channels":{}}}',
        b'{"results":{"channels":[{}]}}',
        b'{"results":{"channels":[{"alternatives":[]}]}}',
        b'{"results":{"channels":[{"alternatives":[{}]}]}}',
        b'{"results":{"channels":[{"alternatives":[{"transcript":7}]}]}}',
        b"[" * 200_000,
        b'{"results":' * 50_000,
        b"\xff\xfe\x00",
        b'{"results":NaN}',
        transcript([("0", "text", 0, 1)]).encode(),
        transcript([(-1, "text", 0, 1)]).encode(),
        transcript([(0, "text", "0", 1)]).encode(),
        transcript([(0, "text", 0, 1)]).replace("1}", "1e999}").encode(),
        transcript([(0, None, 0, 1)]).encode(),
    ],
)
def test_what_is_no_transcript_is_400(body, parse):
    _, response, text, transport = ingest(body, parse=parse)
    assert response.status == 400
    assert "transcript" in error_of(text)["message"]
    assert transport.to("r2") == []


def test_another_apis_response_is_400(real):
    body = (real / "deepgram" / "models_list_180586.json").read_bytes()
    for parse in ("full", "fields"):
        assert ingest(body, parse=parse)[1].status == 400


def test_the_json_test_suite_never_makes_the_path_raise(real):
    paths = sorted((real / "json" / "JSONTestSuite" / "test_parsing").glob("*.json"))
    assert len(paths) > 300
    for path in paths:
        for parse in ("full", "fields"):
            assert ingest(path.read_bytes(), parse=parse)[1].status == 400, path.name


# --- chunk ------------------------------------------------------------------------

said = st.builds(
    Turn,
    st.lists(st.text("abc. é😀", min_size=1, max_size=400), min_size=1, max_size=4)
    .map(" ".join)
    .map(lambda text: " ".join(text.split()))
    .filter(bool),
    st.one_of(st.none(), st.integers(0, 3)),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)


def unlabelled(text):
    for who in range(4):
        text = text.replace(f"Speaker {who}: ", "")
    return text.split()


@settings(max_examples=150)
@given(st.lists(said, max_size=12), st.integers(60, 300))
def test_chunks_hold_every_word_once_and_keep_their_size(spoken, limit):
    made = chunks("t:x", pieces(spoken, limit), limit)
    words = " ".join(turn.text for turn in spoken).replace(" ", "")
    assert "".join(w for chunk in made for w in unlabelled(chunk.text)) == words
    assert all(0 < len(chunk.text) <= limit for chunk in made)
    assert [chunk.id for chunk in made] == [f"t:x:{n}" for n in range(len(made))]


@given(st.lists(said, max_size=8), st.integers(60, 300), st.integers(0, 60))
def test_an_overlap_repeats_the_end_of_the_chunk_before(spoken, limit, overlap):
    plain = chunks("t:x", pieces(spoken, limit), limit)
    made = chunks("t:x", pieces(spoken, limit), limit, overlap)
    assert all(len(chunk.text) <= limit + overlap for chunk in made)
    if overlap < 2:
        assert made == plain
    for before, chunk in zip(made, made[1:], strict=False):  # noqa: RUF007
        head = chunk.text.split("\n")[0]
        assert before.text.endswith(head) or head.startswith("Speaker") or not overlap


def test_turns_are_packed_whole_with_their_speakers():
    spoken = [Turn("Hello.", 0, 0, 10), Turn("Hi.", 1, 10, 20), Turn("So.", 1, 20, 30)]
    only = chunks("t:x", pieces(spoken, 200), 200)
    assert only[0].text == "Speaker 0: Hello.\nSpeaker 1: Hi. So."
    assert (only[0].speaker, only[0].start_ms, only[0].end_ms) == (0, 0, 30)


def test_a_long_turn_is_cut_after_a_sentence():
    text = "First sentence here. Second one is here. And the third one is cut."
    parts = [piece.text for piece in pieces([Turn(text, 0, 0, 1)], 60)]
    assert parts[0] == "First sentence here. Second one is here."
    assert " ".join(parts) == text


def test_a_text_without_blanks_is_cut_at_the_limit_in_linear_time():
    parts = list(pieces([Turn("x" * 3_000_000, None, 0, 1)], 1200))
    assert sum(len(piece.text) for piece in parts) == 3_000_000


def test_recorded_transcripts_make_readable_chunks(real):
    body = (real / "deepgram" / "call_diarized_180166.json").read_bytes()
    made = ingest(body)[0].chunks
    assert len(made) > 3
    assert all(len(chunk.text) <= 1200 for chunk in made)
    assert all(chunk.text.startswith("Speaker ") for chunk in made)
    starts = [chunk.start_ms for chunk in made]
    assert starts == sorted(starts)


# --- store, enqueue ---------------------------------------------------------------


def many(count):
    lines = [(n % 2, f"{n} " + "word " * 220, n, n + 1) for n in range(count)]
    return transcript(lines).encode()


def test_objects_and_messages_name_each_other():
    body = many(70)
    state, response, text, transport = ingest(body)
    assert response.status == 202
    assert json.loads(text) == {"transcriptId": "call-7", "chunks": 70, "messages": 3}
    assert text == b'{"transcriptId":"call-7","chunks":70,"messages":3}'
    puts = {}
    for call in transport.to("r2"):
        size = int(call.headers["cf-r2-metadata-size"])
        puts[json.loads(call.body[:size])["object"]] = call.body[size:]
    assert puts.pop("transcripts/acme/call-7.json") == body
    queued = transport.to("queue")[0]
    assert queued.headers["cf-queue-batch-count"] == "3"
    assert state.messages[1] == {
        "transcriptId": "call-7",
        "tenantId": "acme",
        "key": "transcripts/acme/call-7/1.ndjson",
        "from": 32,
        "to": 64,
    }
    for message in state.messages:
        lines = [json.loads(line) for line in puts.pop(message["key"]).split(b"\n")]
        numbers = range(message["from"], message["to"])
        assert [line["id"] for line in lines] == [f"acme:call-7:{n}" for n in numbers]
        assert list(lines[0]) == ["id", "text", "speaker", "startMs", "endMs"]
    assert puts == {}


def test_a_transcript_without_speech_is_stored_and_queues_nothing():
    _, response, text, transport = ingest(transcript([]).encode())
    assert response.status == 202
    assert json.loads(text)["chunks"] == 0
    assert transport.to("queue") == []
    assert len(transport.to("r2")) == 1


@given(st.lists(st.integers(1, 127_900).map(lambda size: b"x" * size), max_size=12))
def test_queue_batches_keep_the_limits_and_the_order(messages):
    made = list(batches(messages))
    assert [message for part in made for message in part] == messages
    for part in made:
        assert 0 < len(part) <= BATCH_MESSAGES
        assert len(part) == 1 or sum(map(len, part)) <= BATCH_BYTES


def test_queue_batches_have_a_hundred_messages_at_most():
    assert [len(part) for part in batches([b"{}"] * 250)] == [100, 100, 50]


@pytest.mark.parametrize("service", ["kv", "r2", "queue"])
def test_failures_of_ingestion_have_answers(service):
    for failure, status in [
        (Reset(service), 502),
        (reply({}, 500), 502),
        (reply({}, 429, retry_after="3"), 429),
    ]:
        _, response, text, _ = ingest(many(2), {service: failure})
        assert response.status == status
        assert error_of(text)["message"].startswith(service)


def test_a_queue_that_answers_nonsense_is_502():
    assert ingest(many(2), {"queue": Reply(200, {}, b"")})[1].status == 502


def test_a_long_transcript_is_bounded_batches():
    """10 MB: the number of calls, and the size of each."""
    spoken = [(n % 2, f"{n} " + "speech " * 160, n, n + 1) for n in range(9000)]
    body = transcript(spoken).encode()
    assert len(body) > 9_000_000
    state, response, _, transport = ingest(body)
    assert response.status == 202
    assert len(state.messages) == -(-len(state.chunks) // 32)
    for call in transport.to("queue"):
        assert int(call.headers["cf-queue-batch-count"]) <= 100
        assert int(call.headers["cf-queue-batch-bytes"]) <= 128_000


# --- consume ----------------------------------------------------------------------

LINES = [
    {
        "id": f"acme:call-7:{n}",
        "text": f"text {n}",
        "speaker": 0,
        "startMs": n,
        "endMs": 9,
    }
    for n in range(3)
]


def bucket(*lines):
    """An R2 that holds ``lines`` under every key but those with "gone" in them."""
    body = b"\n".join(json.dumps(line).encode() for line in lines)

    def r2(call):
        if call.method == "PUT":
            return reply({})
        if "gone" in call.headers["cf-r2-request"]:
            return Reply(404, {}, b"")
        head = json.dumps({"size": len(body)}).encode()
        return Reply(200, {"cf-r2-metadata-size": str(len(head))}, head + body)

    return r2


def consume(messages, replies=None, **options):
    transport = Scripted({"r2": bucket(*LINES), **(replies or {})})
    body = messages if isinstance(messages, bytes) else json.dumps(messages).encode()
    queued = Request("POST", "/queue", {}, body)
    state, response = invoke("consume", queued, env(transport, **options))
    return state, response, read(response), transport


MESSAGE = {"transcriptId": "call-7", "tenantId": "acme", "key": "k", "from": 0, "to": 3}


def test_chunks_are_embedded_in_one_call_and_upserted():
    _, response, text, transport = consume([MESSAGE])
    assert (response.status, text) == (200, b'{"upserted":3,"missing":0}')
    embedded = transport.to("embeddings")
    assert [call.json["input"] for call in embedded] == [["text 0", "text 1", "text 2"]]
    upserted = transport.to("vectorize")[0]
    assert upserted.headers["content-type"] == "application/x-ndjson"
    assert upserted.headers["cf-vector-search-dim-height"] == "3"
    first = json.loads(upserted.body.split(b"\n")[0])
    assert (first["id"], first["values"]) == ("acme:call-7:0", VECTOR)
    assert first["metadata"] == {
        "tenantId": "acme",
        "source": "transcript",
        "title": "Transcript call-7",
        "createdAt": int(NOW),
        "weight": 1,
        "startMs": 0,
        "endMs": 9,
        "content": "text 0",
    }


def test_texts_can_live_in_r2_instead_of_metadata():
    _, _, _, transport = consume([MESSAGE], context="r2")
    first = json.loads(transport.to("vectorize")[0].body.split(b"\n")[0])
    assert "content" not in first["metadata"]
    puts = [call for call in transport.to("r2") if call.method == "PUT"]
    assert b'"object":"chunks/acme:call-7:0"' in puts[0].body
    assert puts[0].body.endswith(b"text 0")


def test_upserts_have_a_thousand_vectors_at_most():
    lines = [{"id": str(n), "text": "x"} for n in range(1100)]
    _, _, text, transport = consume([MESSAGE, MESSAGE], {"r2": bucket(*lines)})
    assert json.loads(text)["upserted"] == 2200
    sizes = [
        call.headers["cf-vector-search-dim-height"]
        for call in transport.to("vectorize")
    ]
    assert sizes == ["1000", "1000", "200"]


def test_messages_whose_object_is_gone_are_acknowledged():
    _, response, text, transport = consume([{**MESSAGE, "key": "gone"}])
    assert (response.status, text) == (200, b'{"upserted":0,"missing":1}')
    assert transport.to("embeddings") == []
    assert transport.to("vectorize") == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[7]", b"[{}]", b'[{"key":7}]', b"null"])
def test_a_batch_that_is_none_is_400(body):
    assert consume(body)[1].status == 400


@pytest.mark.parametrize("service", ["r2", "embeddings", "vectorize"])
def test_failures_of_the_consumer_have_answers(service):
    for failure, status in [(Reset(service), 502), (reply({}, 503), 502)]:
        assert consume([MESSAGE], {service: failure})[1].status == status


@pytest.mark.parametrize(
    "broken",
    [
        Reply(200, {}, b"abc"),
        Reply(200, {"cf-r2-metadata-size": "x"}, b"abc"),
        Reply(200, {"cf-r2-metadata-size": "2"}, b"{}abc"),
        Reply(200, {"cf-r2-metadata-size": "10"}, b'{"size":9}short'),
        Reply(200, {"cf-r2-metadata-size": "10"}, b'{"size":7}no json'),
        Reply(200, {"cf-r2-metadata-size": "10"}, b'{"size":2}[]'),
        Reply(200, {"cf-r2-metadata-size": "10"}, b'{"size":2}{}'),
    ],
)
def test_an_object_that_cannot_be_read_is_502(broken):
    assert consume([MESSAGE], {"r2": broken})[1].status == 502


def test_metadata_of_the_longest_chunk_fits_vectorize():
    text = sanitise("\U0001f600" * 2400)
    line = {
        "id": "a" * 64,
        "text": text,
        "speaker": 9999,
        "startMs": 10**9,
        "endMs": 10**9,
    }
    _, _, _, transport = consume(
        [{**MESSAGE, "transcriptId": "x" * 64}], {"r2": bucket(line)}
    )
    metadata = json.loads(transport.to("vectorize")[0].body)["metadata"]
    assert len(json.dumps(metadata, ensure_ascii=False).encode()) <= 10 * 1024


def test_the_default_transcript_is_chunked_the_same_every_time():
    body = fixture_set.read("transcript.json")
    first = ingest(body)[0]
    assert ingest(body)[0].chunks == first.chunks
    assert SESSION["tenantId"] in first.chunks[0].id

"""Transcripts to turns to chunks: nothing said is lost, no chunk is too long."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from path_support import error_of, ingest, transcript, wrap

from bench import fixture_set
from bench.fixtures import deepgram
from bench.path.ingest import Turn
from bench.path.ingest._turns import turns
from bench.path.ingest.chunk import chunks, pieces


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
            wrap(
                {"transcript": "x"},
                {"transcript": "y"},
                utterances=[
                    {"transcript": "right", "start": 0, "end": 2, "channel": 1},
                    {"transcript": "left", "start": 1, "end": 2, "channel": 0},
                ],
            ),
            [Turn("left", 0, 1000, 2000), Turn("right", 1, 0, 2000)],
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
        *[transcript([(who, "text", 0, 1)]).encode() for who in (1.5, True, [])],
        *[transcript([(0, "text", time, 1)]).encode() for time in (True, 1e300)],
        *[wrap({"transcript": "x", "paragraphs": odd}).encode() for odd in ([], "", 0)],
        *[wrap({"transcript": "x", "words": odd}).encode() for odd in ({}, "", False)],
        *[wrap({"transcript": "x"}, utterances=odd).encode() for odd in ({}, "", 0)],
        wrap({"words": [{"word": "so", "punctuated_word": []}]}).encode(),
        transcript([]).replace("[]}}", '[{"sentences": {}}]}}').encode(),
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
def test_an_overlap_adds_its_size_at_most(spoken, limit, overlap):
    made = chunks("t:x", pieces(spoken, limit), limit, overlap)
    assert all(len(chunk.text) <= limit + overlap for chunk in made)
    if overlap < 2:
        assert made == chunks("t:x", pieces(spoken, limit), limit)


def test_an_overlap_repeats_the_last_whole_words():
    spoken = [Turn("alpha beta gamma.", 0, 0, 10), Turn("delta epsilon.", 1, 10, 20)]
    first, second = chunks("t:x", pieces(spoken, 40), 40, 14)
    assert first.text == "Speaker 0: alpha beta gamma."
    assert second.text == "beta gamma.\nSpeaker 1: delta epsilon."
    assert (second.speaker, second.start_ms, second.end_ms) == (1, 10, 20)


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


def test_the_default_transcript_is_chunked_the_same_every_time():
    body = fixture_set.read("transcript.json")
    first = ingest(body)[0]
    assert ingest(body)[0].chunks == first.chunks
    assert first.chunks[0].id == "acme:call-7:0"

"""Generated Deepgram bodies: like recorded ones, consistent, byte-stable."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from functools import cache
from itertools import pairwise

import pytest
from _transcript_bands import STATISTICS, Statistic
from _transcript_statistics import Body
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.fixtures.deepgram import FILES, generate

LONG = 1900  # words: enough for tails, and below 1,000 s
CASES = {
    "nova-2 PDp": {"model": "nova-2"},
    "nova-3 PUDp": {"utterances": True},
    "nova-3 latest": {"utterances": True, "diarize_model": "latest"},
    "nova-3 Pp f32": {"diarize": False, "confidence": "f32"},
    "nova-2 PUp f32": {
        "utterances": True,
        "diarize": False,
        "model": "nova-2",
        "confidence": "f32",
    },
    "nova-2 p": {"model": "nova-2", "paragraphs": False, "diarize": False},
    "nova-3 bare": {"punctuate": False, "diarize": False},
    "nova-3 bare pretty": {"punctuate": False, "diarize": False, "pretty": True},
}


@cache
def generated(case, seed=1):
    return Body(f"{case}, seed {seed}", generate(seed, words=LONG, **CASES[case]))


@cache
def committed():
    return Body("transcript.json", generate(1, **FILES["transcript.json"]))


@cache
def all_generated():
    bodies = [generated(case, seed) for case in CASES for seed in (1, 2)]
    return [*bodies, committed()]


@pytest.fixture(scope="session")
def recorded(real):
    paths = sorted((real / "deepgram").glob("*.json"))
    bodies = [Body(p.name, p.read_bytes()) for p in paths if "models" not in p.name]
    assert len(bodies) == 10
    return bodies


def by_name(statistic: Statistic) -> str:
    return statistic.name


RECORDED = [statistic for statistic in STATISTICS if not statistic.unrecorded]


@pytest.mark.parametrize("statistic", RECORDED, ids=by_name)
def test_recorded_bodies_are_in_the_band(statistic, recorded):
    bodies = [body for body in recorded if statistic.where(body)]
    assert bodies
    assert [statistic.verdict(body) for body in bodies] == [""] * len(bodies)


@pytest.mark.parametrize("statistic", STATISTICS, ids=by_name)
def test_generated_bodies_are_in_the_band(statistic):
    bodies = [body for body in all_generated() if statistic.where(body)]
    assert bodies
    assert [statistic.verdict(body) for body in bodies] == [""] * len(bodies)


def test_statistics_have_different_names():
    names = [statistic.name for statistic in STATISTICS]
    assert sorted(set(names)) == sorted(names)


def each_word(change):
    def drift(tree):
        for position, word in enumerate(best(tree)["words"]):
            change(position, word)

    return drift


def best(tree):
    return tree["results"]["channels"][0]["alternatives"][0]


def round_times(_, word):
    word["start"], word["end"] = round(word["start"], 2), round(word["end"], 2)


def as_integer(_, word):
    word["start"] = int(word["start"])


def off_grid(_, word):
    word["confidence"] -= 3e-6


def certain(_, word):
    word["confidence"] = 1.0


def lower(_, word):
    word["punctuated_word"] = word["word"]


def longer(_, word):
    word["word"] += "ly"


def own_certainty(position, word):
    word["speaker_confidence"] = 0.3 + position / 10_000


def own_speaker(position, word):
    word["speaker"] = position % 2


def at_once(_, word):
    word["end"] = word["start"] + 0.24


def one_paragraph(tree):
    first = best(tree)["paragraphs"]["paragraphs"][0]
    first["sentences"] *= 6


DRIFTS = {
    "numbers not in wire form": each_word(as_integer),
    "floats per word, PDp": each_word(as_integer),
    "exponents": lambda tree: best(tree).update(confidence=1e-9),
    "newline escapes elsewhere": lambda tree: best(tree).update(transcript="a\nb"),
    "time texts of 8 to 10 characters": each_word(round_times),
    "float16 regime: exactly 1": each_word(certain),
    "float16 regime: float16 values": each_word(off_grid),
    "confidence, 5 %": each_word(certain),
    "punctuated_word differs": each_word(lower),
    "word length, mean": each_word(longer),
    "bytes per word, PDp": each_word(lambda _, word: word.pop("speaker_confidence")),
    "speaker_confidence run, 50 %": each_word(own_certainty),
    "turn, 50 %": each_word(own_speaker),
    "no gap": each_word(at_once),
    "nova-2: words of exactly 0.5 s": each_word(at_once),
    "distance from the upper median": lambda tree: best(tree).update(confidence=0.97),
    "sentences per paragraph, most": one_paragraph,
}


@pytest.mark.parametrize("name", DRIFTS)
def test_a_generator_that_drifts_leaves_its_band(name):
    original = generated("nova-2 PDp")
    statistic = next(s for s in STATISTICS if s.name == name)
    tree = copy.deepcopy(original.tree)
    DRIFTS[name](tree)
    text = json.dumps(tree, separators=(",", ":"), ensure_ascii=False)
    drifted = Body("drifted", text.encode())
    assert statistic.verdict(original) == ""
    assert statistic.verdict(drifted)


# Square brackets in the shape of a response stand for keys that may be absent.
ORDER = {
    "response": "metadata results",
    "metadata": "transaction_key request_id sha256 created duration channels models "
    "model_info [summary_info] [tags]",
    "results": "channels [utterances] [summary]",
    "channel": "[detected_language] [language_confidence] alternatives",
    "alternative": "transcript confidence words [paragraphs]",
    "word": "word start end confidence [speaker] [speaker_confidence] "
    "[punctuated_word]",
    "paragraphs": "transcript paragraphs",
    "paragraph": "sentences [speaker] num_words start end",
    "sentence": "text start end",
    "utterance": "start end confidence channel transcript words [speaker] id",
    "model": "name version arch",
}


def check_order(kind, found):
    known = ORDER[kind].split()
    present = [key for key in known if key.strip("[]") in found or key[0] != "["]
    assert list(found) == [key.strip("[]") for key in present], kind


def check_key_order(body):
    check_order("response", body.tree)
    check_order("metadata", body.tree["metadata"])
    for model in body.tree["metadata"]["model_info"].values():
        check_order("model", model)
    check_order("results", body.results)
    check_order("channel", body.results["channels"][0])
    check_order("alternative", body.best)
    for word in body.words:
        check_order("word", word)
    if body.paragraphs:
        check_order("paragraphs", body.best["paragraphs"])
    for paragraph in body.paragraphs:
        check_order("paragraph", paragraph)
    for sentence in body.sentences:
        check_order("sentence", sentence)
    for utterance in body.utterances:
        check_order("utterance", utterance)
        check_order("word", utterance["words"][0])


def check_metadata(body):
    metadata = body.tree["metadata"]
    assert metadata["transaction_key"] == "deprecated"
    assert re.fullmatch(r"[0-9a-f]{64}", metadata["sha256"])
    created = r"(\d{4})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    year = re.fullmatch(created, metadata["created"])[1]
    version = "7" if year >= "2026" else "4"
    uuid = rf"[0-9a-f]{{8}}-[0-9a-f]{{4}}-{version}[0-9a-f]{{3}}-[89ab][0-9a-f-]{{16}}"
    assert re.fullmatch(uuid, metadata["request_id"])
    assert list(metadata["model_info"]) == metadata["models"]


def check_paragraph_text(body):
    """``paragraphs.transcript``: a line for each paragraph, a name for each turn."""
    shown, speaker = "", None
    for paragraph in body.paragraphs:
        shown += "\n\n" if shown else "\n"
        if paragraph.get("speaker") != speaker:
            speaker = paragraph["speaker"]
            shown += f"Speaker {speaker}: "
        shown += " ".join(sentence["text"] for sentence in paragraph["sentences"])
    assert body.best["paragraphs"]["transcript"] == shown


def test_recorded_bodies_have_this_shape(recorded):
    for body in recorded:
        check_metadata(body)
        check_consistent(body)
        if body.wire:
            check_key_order(body)
        if body.paragraphs:
            check_paragraph_text(body)


@pytest.mark.parametrize("case", CASES)
def test_generated_bodies_have_this_shape(case):
    body = generated(case)
    assert body.wire != CASES[case].get("pretty", False)
    check_metadata(body)
    check_key_order(body)
    check_consistent(body)
    if body.paragraphs:
        check_paragraph_text(body)


def test_options_of_the_request_add_their_keys():
    body = Body("", generate(1, words=9, summarize=True, detect_language=True))
    check_key_order(body)
    assert body.tree["metadata"]["summary_info"]["input_tokens"] > 0
    assert body.results["summary"]["result"] == "success"
    assert body.results["channels"][0]["detected_language"] == "en"


def check_consistent(body):
    """The same words in the transcript, the paragraphs and the utterances."""
    shown = [word.get("punctuated_word", word["word"]) for word in body.words]
    assert body.best["transcript"] == " ".join(shown)
    assert all(word["start"] <= word["end"] for word in body.words)
    assert body.tree["metadata"]["duration"] >= body.words[-1]["end"]
    if body.paragraphs:
        check_paragraphs(body, shown)
    if body.utterances:
        spoken = [word for found in body.utterances for word in found["words"]]
        assert spoken == body.words
        said = [found["transcript"] for found in body.utterances]
        assert " ".join(said) == body.best["transcript"]


def check_paragraphs(body, shown):
    texts = [sentence["text"] for sentence in body.sentences]
    assert " ".join(texts) == " ".join(shown)
    first = 0
    for paragraph in body.paragraphs:
        inside = body.words[first : first + paragraph["num_words"]]
        first += paragraph["num_words"]
        assert paragraph["start"] == paragraph["sentences"][0]["start"]
        assert paragraph["start"] == inside[0]["start"]
        assert paragraph["end"] == paragraph["sentences"][-1]["end"]
        assert paragraph["end"] == inside[-1]["end"]
        assert {word.get("speaker") for word in inside} == {paragraph.get("speaker")}
    assert first == len(body.words)


OPTIONS = st.fixed_dictionaries(
    {
        "words": st.integers(1, 160),
        "utterances": st.booleans(),
        "paragraphs": st.booleans(),
        "diarize": st.booleans(),
        "punctuate": st.booleans(),
        "outliers": st.booleans(),
        "pretty": st.booleans(),
        "confidence": st.sampled_from(["f16", "f32"]),
        "diarize_model": st.sampled_from(["classic", "latest"]),
        "model": st.sampled_from(["nova-2", "nova-3"]),
    }
)


@given(st.integers(0, 2**64), OPTIONS)
def test_every_seed_and_option_gives_a_consistent_body(seed, options):
    body = Body("", generate(seed, **options))
    assert len(body.words) == options["words"]
    assert ("p" in body.features) == options["punctuate"]
    assert ("D" in body.features) == options["diarize"]
    assert ("U" in body.features) == options["utterances"]
    wanted = options["paragraphs"] and options["punctuate"]
    assert ("P" in body.features) == wanted
    check_key_order(body)
    check_metadata(body)
    check_consistent(body)
    middle = sorted(body.confidences)[len(body.words) // 2]
    assert body.best["confidence"] == middle
    if not options["outliers"]:
        assert all(gap >= 0 for gap in body.gaps)
        starts = [word["start"] for word in body.words]
        assert all(before < after for before, after in pairwise(starts))


@settings(max_examples=40)
@given(st.integers(0, 1000), st.integers(1000, 60_000), st.booleans())
def test_a_size_is_met_to_about_half_a_word(seed, size, utterances):
    data = generate(seed, size=size, utterances=utterances)
    # A word that opens a turn also opens a sentence, a paragraph and an utterance.
    word = 700 if utterances else 330
    assert abs(len(data) - size) <= max(0.01 * size, 0.5 * word)


def test_sizes_from_1_kb_to_10_mb():
    for size in (1_000, 18_000, 180_000, 10_000_000):
        data = generate(3, size=size)
        assert abs(len(data) / size - 1) < (0.15 if size == 1_000 else 0.02)
        assert json.loads(data)["results"]["channels"][0]["alternatives"][0]["words"]


def test_pretty_bodies_meet_their_size_too():
    assert abs(len(generate(2, size=50_000, pretty=True)) / 50_000 - 1) < 0.02


def test_a_longer_call_begins_with_the_shorter_one():
    short, long = (Body("", generate(5, words=words)) for words in (300, 400))
    same = len(short.words) - 1  # the last one ends a sentence that goes on
    assert short.words[:same] == long.words[:same]


def test_the_committed_transcript_is_the_18_kb_point():
    body = committed()
    assert 17_500 <= len(body.data) <= 18_500
    assert body.features == "PDp"
    assert not body.data.isascii()


PINNED = {
    "nova-3": (
        {"words": 200},
        "b0d9e6b5e696bb75475ebd422b82d1dd2c8610643d66f9d0a40f1557ccff5821",
    ),
    "nova-2, everything": (
        {"words": 150, "model": "nova-2", "utterances": True, "confidence": "f32"}
        | {"summarize": True, "detect_language": True},
        "8992c42e4035256355a0ae6271308c0c15dff204ba16fc85e46fe35712832cf0",
    ),
    "pretty": (
        {"size": 5_000, "pretty": True, "diarize": False, "diarize_model": "latest"},
        "7795ca0649b3b3eff5f36addf2eb17c4b438ccb5fb9d84a5b360f7a28d672a79",
    ),
}


@pytest.mark.parametrize("name", PINNED)
def test_bytes_are_pinned(name):
    """The same on every machine and Python version; a change here is deliberate."""
    options, expected = PINNED[name]
    assert hashlib.sha256(generate(7, **options)).hexdigest() == expected


@pytest.mark.parametrize(
    "wrong", [{}, {"words": 3, "size": 900}, {"words": 0}, {"size": -1}]
)
def test_either_words_or_size(wrong):
    with pytest.raises(ValueError, match="either words or size"):
        generate(1, **wrong)

"""A user's transcript is accepted whole or refused with file, field and remedy."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

import pytest

from bench.errors import UserError
from bench.files import sha256
from bench.fixtures.deepgram import generate
from bench.transcript import LIMIT_BYTES, Transcript, load, parse

FIRST_WORD = "results.channels[0].alternatives[0].words[0]"


@cache
def body(**options):
    return generate(1, **({"words": 12} | options))


def refusal(data, name="mine.json"):
    """The error of ``data``, which names the file and a remedy."""
    with pytest.raises(UserError) as caught:
        parse(data, name)
    error = caught.value
    assert error.exit_code == 2
    assert error.file == name
    assert error.remedy
    assert str(error).startswith(name)
    return error


def changed(change, **options):
    tree = json.loads(body(**options))
    change(tree, tree["results"]["channels"][0]["alternatives"][0])
    return json.dumps(tree).encode()


@pytest.mark.parametrize(
    ("options", "features"),
    [
        ({}, "PDp"),
        ({"utterances": True}, "PUDp"),
        ({"diarize": False}, "Pp"),
        ({"punctuate": False, "diarize": False}, ""),
        ({"pretty": True, "paragraphs": False}, "Dp"),
    ],
)
def test_generated_bodies_are_accepted(options, features):
    data = body(**options)
    tree = json.loads(data)
    found = parse(data, "mine.json")
    assert found == Transcript(
        name="mine.json",
        data=data,
        sha256=sha256(data),
        words=12,
        features=features,
        duration_s=tree["metadata"]["duration"],
        text=tree["results"]["channels"][0]["alternatives"][0]["transcript"],
    )


RECORDED = {
    "call_diarized_180166.json": (1104, "PDp", 566.4959),
    "call_diarized_first_112_words_18173.json": (112, "PDp", 48.495003),
    "captions_dg_transcription.json": (62, "p", 25.933313),
    "captions_dg_utterances.json": (62, "PUp", 25.933313),
    "captions_dg_whisper_transcription.json": (59, "", 25.933313),
    "docs_pretty_16756.json": (63, "Pp", 25.933313),
    "docs_pretty_18769.json": (64, "", 25.933313),
    "nova3_diarize_latest_3445.json": (9, "PUDp", 3.6999376),
    "nova3_local_2723.json": (9, "PUp", 3.6999376),
    "pysdk_nova3_summarize.json": (52, "Pp", 19.097937),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_bodies_are_accepted(real, name):
    found = load(real / "deepgram" / name)
    assert (found.words, found.features, found.duration_s) == RECORDED[name]
    assert found.data == (real / "deepgram" / name).read_bytes()
    assert len(found.text.split()) == found.words


def test_another_api_is_refused_by_its_missing_field(real):
    path = real / "deepgram" / "models_list_180586.json"
    with pytest.raises(UserError) as caught:
        load(path)
    assert caught.value.field == "results"
    assert caught.value.file == str(path)


def test_utterances_alone_are_enough():
    tree = json.loads(body(utterances=True))
    del tree["results"]["channels"], tree["metadata"]
    found = parse(json.dumps(tree).encode(), "mine.json")
    assert (found.words, found.features) == (12, "UDp")
    assert found.duration_s == tree["results"]["utterances"][-1]["end"]
    assert found.text.split() == parse(body(), "").text.split()


def test_words_alone_are_enough():
    data = changed(lambda tree, best: best.pop("transcript"))
    assert parse(data, "mine.json").text == parse(body(), "").text


def test_a_transcript_without_words_is_enough():
    found = parse(changed(lambda tree, best: best.pop("words")), "mine.json")
    assert (found.words, found.text) == (0, parse(body(), "").text)


def test_two_channels_count_together():
    tree = json.loads(body())
    tree["results"]["channels"] *= 2
    found = parse(json.dumps(tree).encode(), "mine.json")
    assert found.words == 24
    assert found.text.splitlines() == [parse(body(), "").text] * 2


def test_text_beyond_ascii_is_kept():
    data = changed(lambda tree, best: best.update(transcript="Zoë 😀 “quote”"))
    assert b"\\ud83d\\ude00" in data
    assert parse(data, "mine.json").text == "Zoë 😀 “quote”"


# Files


@pytest.mark.parametrize(
    ("name", "message"),
    [("absent.json", "does not exist"), (".", "is a folder"), ("empty", "is empty")],
)
def test_what_is_not_a_file_with_bytes(tmp_path, name, message):
    (tmp_path / "empty").touch()
    with pytest.raises(UserError, match=message) as caught:
        load(tmp_path / name)
    assert caught.value.file == str(tmp_path / name)


def test_200_mb_are_refused_before_they_are_read(tmp_path):
    path = tmp_path / "huge.json"
    with path.open("wb") as out:
        out.truncate(200_000_000)
    with pytest.raises(UserError, match="200,000,000 bytes"):
        load(path)
    path.write_bytes(b" " * 1000)
    with pytest.raises(UserError, match="1,000 bytes"):
        load(path, limit_bytes=999)
    assert LIMIT_BYTES >= 10_000_000


# Bytes


def test_truncated_says_where():
    whole = body(pretty=True)
    for cut in (1, 300, len(whole) // 2, len(whole) - 1):
        data = whole[:cut]
        error = refusal(data)
        line = data.count(b"\n") + 1
        assert f"truncated: it ends at byte {cut:,} (line {line:,})" in error.message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_named(encoding):
    assert "UTF-16" in refusal(body().decode().encode(encoding)).message


def test_byte_order_mark_says_how_to_strip_it():
    error = refusal(b"\xef\xbb\xbf" + body())
    assert "byte order mark" in error.message
    assert "tail -c +4" in error.remedy


def test_a_byte_that_is_not_utf_8_is_located():
    data = body().replace(b'"transcript":"', b'"transcript":"\xfc', 1)
    at = data.index(b"\xfc")
    assert f"byte {at:,} is 0xfc" in refusal(data).message


@pytest.mark.parametrize("byte", [b"\x00", b"\x01", b"\x1f", b"\n"])
def test_control_characters_are_located(byte):
    data = body().replace(b'"transcript":"', b'"transcript":"' + byte, 1)
    at = data.index(byte)
    message = refusal(data).message
    assert "control character" in message
    assert f"byte {at:,} (line 1, column " in message


@pytest.mark.parametrize("data", [b"", b"  \n", b"hello", b"{}{}", b"{]", b"\x00"])
def test_what_is_not_json(data):
    refusal(data)


def test_bytes_behind_the_end_are_located():
    data = body() + b"\x00"
    assert f"extra data at byte {len(body()):,}" in refusal(data).message


# Values


@pytest.mark.parametrize("opening", [b"[", b'{"results":', b'{"a":[', b'[{"a":'])
def test_deep_nesting_is_refused_without_a_crash(opening):
    error = refusal(opening * 100_000)
    assert "nested more than 64 levels" in error.message
    assert len(error.field) < 200


def test_deep_nesting_in_a_field_that_is_not_read():
    deep = b'{"extra":' + b"[" * 500 + b"]" * 500 + b"," + body()[1:]
    error = refusal(deep)
    assert error.field.startswith("extra[0][0]")


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"end":', '"start":1.0,"end":', FIRST_WORD + ".start"),
        ('"channels":[', '"channels":[],"channels":[', "results.channels"),
        ('{"metadata":', '{"results":1,"metadata":', "results"),
        (
            '"models":',
            '"tags":[1,{"a":0,"b":{},"a":0}],"models":',
            "metadata.tags[1].a",
        ),
        ('"models":', '"\\u0063hannels":1,"models":', "metadata.channels"),
    ],
)
def test_duplicate_keys_are_named(old, new, field):
    error = refusal(body().replace(old.encode(), new.encode(), 1))
    assert "twice" in error.message
    assert error.field == field


BEYOND = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 400, "9" * 5000]
WRONG = ["-1.0", '"1"', "true", "null", "[]", "{}"]


@pytest.mark.parametrize("number", [*BEYOND, *WRONG], ids=lambda text: text[:9])
@pytest.mark.parametrize("key", ["start", "end"])
def test_a_time_must_be_a_finite_number_from_zero(number, key):
    word = json.loads(body())["results"]["channels"][0]["alternatives"][0]["words"][0]
    old = f'"{key}":{word[key]}'
    error = refusal(body().replace(old.encode(), f'"{key}":{number}'.encode(), 1))
    assert error.field == f"{FIRST_WORD}.{key}"


def test_numbers_beyond_a_double_are_refused_where_they_are_not_read():
    data = body().replace(b'"models":', b'"extra":{"x":[0,1e400]},"models":', 1)
    assert refusal(data).field == "metadata.extra.x[1]"


def test_half_a_surrogate_pair():
    data = body().replace(b'"word":"', b'"word":"\\ud800', 1)
    error = refusal(data)
    assert error.field == FIRST_WORD + ".word"
    assert "surrogate" in error.message


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        (
            lambda tree, best: best["words"][3].update(start="soon"),
            "results.channels[0].alternatives[0].words[3].start",
            "expected float, got str",
        ),
        (
            lambda tree, best: best["words"][2].pop("end"),
            "results.channels[0].alternatives[0].words[2].end",
            "missing",
        ),
        (
            lambda tree, best: best.update(words={}),
            "results.channels[0].alternatives[0].words",
            "expected array, got object",
        ),
        (
            lambda tree, best: best["words"][0].update(speaker=0.5),
            FIRST_WORD + ".speaker",
            "expected int",
        ),
        (lambda tree, best: tree.update(results=None), "results", "got null"),
        (lambda tree, best: tree.pop("results"), "results", "missing"),
        (
            lambda tree, best: tree["metadata"].update(duration=-2),
            "metadata.duration",
            "expected float >= 0",
        ),
    ],
)
def test_a_wrong_field_is_named_by_its_path(change, field, message):
    error = refusal(changed(change))
    assert error.field == field
    assert message in error.message


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"[]", "array"), (b'"text"', "str"), (b"3", "int"), (b"null", "null")],
)
def test_the_top_must_be_an_object(data, kind):
    error = refusal(data)
    assert error.field == "top level"
    assert f"expected object, got {kind}" in error.message


@pytest.mark.parametrize(
    "results",
    [
        {},
        {"channels": []},
        {"channels": [{"alternatives": []}]},
        {"channels": [{"alternatives": [{"transcript": " ", "words": []}]}]},
        {"channels": [], "utterances": []},
    ],
)
def test_nothing_to_chunk(results):
    error = refusal(json.dumps({"results": results}).encode())
    assert error.field == "results"
    assert "nothing to chunk" in error.message


# Cost


def test_10_mb_stay_well_below_500_mb(tmp_path):
    path = tmp_path / "ten.json"
    path.write_bytes(generate(1, size=10_000_000, utterances=True))
    code = (
        "import sys; from pathlib import Path\n"
        "from bench.measure.footprint import peak_rss_bytes\n"
        "from bench.transcript import load\n"
        f"found = load(Path({str(path)!r}))\n"
        "print(found.words, 'numpy' in sys.modules, peak_rss_bytes())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    words, numpy_loaded, peak = done.stdout.split()
    assert int(words) > 25_000
    assert numpy_loaded == "False"
    assert int(peak) < 400_000_000

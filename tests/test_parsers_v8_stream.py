"""The streaming reader of the Worker: a body cut anywhere, held to JSON.parse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worker_strategies import ANY_CHARACTER, broken, transcripts
from workerd_support import needs_workerd

from bench import fixture_set
from bench.parsers import Question
from bench.parsers._answers import plain, reference
from bench.path.http import Request
from bench.workerd import sandbox
from bench.workerd.isolates import Isolates

TRANSCRIPT = fixture_set.ROOT / "transcript.json"
FIRST = Question("first", "transcript")


@pytest.fixture(scope="module")
def scanner(tmp_path_factory):
    needs_workerd()
    source = Path(__file__).with_name("scan_worker.ts").read_text()
    module = sandbox.bundled(source, tmp_path_factory.mktemp("scan"))
    with Isolates(sandbox.write(module), 1, measured=False) as isolates:

        def ask(body, **options):
            headers = {"x-ask": json.dumps(options)}
            _, said = isolates.ask(0, Request("POST", "/", headers, body))
            return json.loads(said)

        yield ask


def same(scanner, body, shape, cuts=()):
    """Hold the streaming reader to JSON.parse; whether the body was accepted."""
    found = scanner(body, shape=shape, cuts=sorted({c % (len(body) + 1) for c in cuts}))
    (streamed,) = found["streamed"]
    if found["whole"] == "TypeError: no UTF-8":
        # What nobody asked for is not decoded; the rest is.
        assert shape != "WHOLE" or not streamed.startswith("[")
    elif found["whole"].startswith("["):
        assert streamed == found["whole"]
    else:
        assert streamed.startswith("SyntaxError: unexpected at ")
    return streamed.startswith("[")


SMALL = {
    "metadata": {
        "request_id": "é\n\U0001f600",
        "x": [1, {"y": None}],
        "duration": 1e-7,
    },
    "results": {
        "channels": [
            {
                "alternatives": [
                    {
                        "transcript": 'a "b" \\ \u2028 語\x7f\x01',
                        "words": [
                            {"word": "a", "start": -0.25, "end": 1.5e300, "speaker": 0},
                            {"word": "\ud83d", "confidence": True, "end": [12, "x"]},
                        ],
                        "paragraphs": {"paragraphs": [{"sentences": [{"text": "語"}]}]},
                    }
                ]
            }
        ]
    },
}
SMALL_BODIES = {
    "ascii": json.dumps(SMALL).encode(),
    "utf-8": json.dumps(SMALL, ensure_ascii=False, indent=1).encode(
        "utf-8", "surrogatepass"
    ),
    "number": b" -12.50e+3 ",
    "word": b"false",
    "text": '"\\u00e9é\\ud83d\\ude00😀"'.encode(),
    "empty": b"",
    "cut": b'{"a": "b\\u12',
    "minus": b"[-]",
    "exponent": b"[1e+]",
    "fraction": b"[1.]",
    "words": b"[nulll]",
    "control": b'{"a\x1f":1}',
    "escape": b'["\\x"]',
    "hex": b'["\\u12g4"]',
    "colon": b'{"a",1}',
    "comma": b"[1 2]",
    "closed": b"[1]]",
    "crossed": b"[1}",
    "zero": b"[01]",
}


@pytest.mark.parametrize("shape", ["WHOLE", "SPOKEN", "CHUNKS", "VECTORS"])
@pytest.mark.parametrize("name", SMALL_BODIES)
def test_every_size_of_pieces_and_every_cut_give_the_same(scanner, name, shape):
    body = SMALL_BODIES[name]
    found = scanner(body, shape=shape, every=True) if body else {"streamed": []}
    accepted = {told for told in found["streamed"] if told.startswith("[")}
    if name in ("ascii", "number", "word", "text"):
        assert accepted == {found["whole"]} == set(found["streamed"])
    elif name == "utf-8":
        # It has half a pair in UTF-8, which only those notice who ask for it.
        assert len(found["streamed"]) == 1
        assert bool(accepted) == (shape == "VECTORS")
    else:
        assert not accepted
        assert all(told.startswith("SyntaxError") for told in found["streamed"])


@given(body=transcripts(odd=False), cuts=st.lists(st.integers(0, 10_000), max_size=6))
@settings(max_examples=30)
def test_transcripts_are_read_as_json_parse_reads_them(scanner, body, cuts):
    for shape in ("SPOKEN", "CHUNKS"):
        assert same(scanner, body, shape, cuts)


@given(body=transcripts(odd=True), cuts=st.lists(st.integers(0, 10_000), max_size=6))
@settings(max_examples=40)
def test_odd_and_broken_transcripts_too(scanner, body, cuts):
    for shape in ("SPOKEN", "CHUNKS", "WHOLE"):
        same(scanner, body.removeprefix(b"\xef\xbb\xbf"), shape, cuts)


SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(ANY_CHARACTER | st.sampled_from('"\\\n\x01\ud800é語😀'), max_size=30)
)
NAME = st.sampled_from(["a", "b", "é", 'q"', "\\", "", "__proto__", "7", "long name"])
VALUE = st.recursive(
    SCALAR, lambda v: st.lists(v, max_size=4) | st.dictionaries(NAME, v, max_size=5)
)
SHAPE = st.recursive(
    st.just("whole"),
    lambda s: (
        st.lists(s, min_size=1, max_size=1) | st.dictionaries(NAME, s, max_size=4)
    ),
)


@given(
    VALUE, SHAPE, st.booleans(), st.lists(st.integers(0, 500), max_size=6), st.data()
)
@settings(max_examples=50)
def test_any_value_in_any_shape(scanner, value, shape, is_ascii, cuts, data):
    text = json.dumps(
        value, ensure_ascii=is_ascii, indent=data.draw(st.sampled_from([None, 1]))
    )
    body = text.encode("utf-8", "surrogatepass")
    if data.draw(st.integers(0, 3)) == 3:
        body = data.draw(broken(body))
    same(scanner, body, shape, cuts)


NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)


@given(st.lists(NUMBERS, min_size=1, max_size=20), st.integers(0, 300))
@settings(max_examples=40)
def test_numbers_are_the_nearest_doubles(scanner, numbers, cut):
    assert same(scanner, f"[{','.join(numbers)}]".encode(), "WHOLE", [cut])


def test_names_that_stand_twice_or_are_escaped(scanner):
    for body in (
        b'{"data":[{"embedding":1}],"data":[{"embedding":[2]}]}',
        b'{"\\u0064ata":[{"emb\\u0065dding":"x","embedding":"y"}]}',
        b'{"data":{"embedding":[1]},"dat":1,"datax":2,"Data":3}',
        b'{"data":[1,[2],{"embedding":{"a":{}}}]}',
    ):
        for cut in range(len(body)):
            assert same(scanner, body, "VECTORS", [cut])


def test_only_what_attacks_is_refused_beyond_json(scanner):
    deep, digits = b"[" * 1000 + b"]" * 1000, b"1" * 1000
    assert same(scanner, deep, "WHOLE")
    assert same(scanner, b"[%b]" % digits, "WHOLE", [500])
    for body, cut in ((b"[%b]" % deep, []), (b"[%b1]" % digits, [1002])):
        (streamed,) = scanner(body, shape="WHOLE", cuts=cut)["streamed"]
        assert streamed.startswith("SyntaxError: unexpected at ")


def test_first_stops_after_the_metadata(scanner):
    body = TRANSCRIPT.read_bytes()
    expected = reference(FIRST, body)
    for size in (64, 500, 4096):
        found = scanner(body, stop=size)
        assert plain(FIRST, found["value"]["metadata"]) == expected
        needed = body.index(b'"results"') // size + 1
        assert found["cancelled"]
        assert found["pulls"] <= needed + 2 < len(body) / size


def test_first_does_not_see_the_rest_but_what_comes_before(scanner):
    body = TRANSCRIPT.read_bytes()
    end = body.index(b'"results"')
    expected = reference(FIRST, body)
    for rest in (b"", b"]", b"nonsense"):
        found = scanner(body[:end] + rest, stop=10_000)["value"]
        assert plain(FIRST, found["metadata"]) == expected
    for wrong in (
        body[: end // 2],
        b"[" + body,
        body.replace(b'"created":', b'"created"'),
    ):
        assert "SyntaxError" in scanner(wrong, stop=10_000)["value"]

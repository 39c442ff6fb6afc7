"""Generated inputs for the comparison of the Python path with the Worker.

None of them contains what test_worker_differential.py lists as known differences.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from bench.path import wire

# Characters that Python's Unicode version knows, and half surrogate pairs.
ANY_CHARACTER = st.characters(exclude_categories=["Cn"])
# What texts are made safe from, cut at, put together from.
SPECIAL = st.sampled_from(
    [
        *(
            "e\u0301",
            "\u1100\u1161",
            "\ufb01",
            "\u212b",
            "\U0001f600",
            "\ud83d",
            "\ude00",
        ),
        *("\ufeff", "\u202e", "\u2066", "\x00", "\x7f", "\x85", "\xa0", "\u2003"),
        *("\u2028", "\u3000", " ", "\t", "\n", "\r", ". ", "! ", "? ", "\\", '"'),
    ]
)
TEXT = st.lists(SPECIAL | ANY_CHARACTER | st.just("word "), max_size=30).map("".join)
# The first and the last of each range that is unsafe, blank or white, and neighbours.
EDGES = [
    *(0x00, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x1C, 0x1F, 0x20, 0x7E, 0x7F),
    *(0x80, 0x85, 0x9F, 0xA0, 0x1680, 0x180E, 0x1FFF, 0x2000, 0x200A, 0x200B, 0x2027),
    *(0x2028, 0x2029, 0x202A, 0x202E, 0x202F, 0x205F, 0x2065, 0x2066, 0x2069, 0x206A),
    *(0x3000, 0xD7FF, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xE000, 0xFEFE, 0xFEFF, 0xFF00),
    *(0xFFFD, 0xFFFF, 0x10000, 0x10FFFF),
]
APART = "".join(f"a{chr(code)}" for code in EDGES)
# Over the 2,000 characters of a query, with astral ones before and around the cut.
LONG_TEXT = st.builds(
    lambda char, count, end: char * count + end,
    st.sampled_from(["x", "\U0001f600", "e\u0301", "\ud83d"]),
    st.integers(1990, 2010),
    TEXT,
)
Fields = dict[str, st.SearchStrategy[Any]]

ODD = st.sampled_from([None, "x", "", 0, 7, -1, 1.5, [], {}, [1], {"a": 1}])
ID = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
BAD_ID = st.sampled_from(["", "a b", "x" * 65, "x\n", "é", "a/b"])


def usually(
    strategy: st.SearchStrategy[Any], odd: st.SearchStrategy[Any] = ODD
) -> st.SearchStrategy[Any]:
    """``strategy``, and now and then something of another type."""
    return st.integers(0, 39).flatmap(lambda n: odd if n == 39 else strategy)


@st.composite
def encoded(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> bytes:
    """A JSON text of one of ``values``: escaped or not, spaced or not, now and then
    with a byte order mark or a few bytes broken."""
    value = draw(values)
    if draw(st.booleans()):
        body = wire.dumps(value)
    else:
        body = json.dumps(value, indent=draw(st.sampled_from([None, 1]))).encode()
    if draw(st.integers(0, 9)) == 9:
        body = b"\xef\xbb\xbf" + body
    if draw(st.integers(0, 4)) == 4:
        body = draw(broken(body))
    return body


@st.composite
def broken(draw: st.DrawFn, body: bytes) -> bytes:
    """``body`` with something else somewhere in it."""
    start = draw(st.integers(0, len(body)))
    end = min(len(body), start + draw(st.integers(0, 3)))
    junk = st.binary(max_size=4) | st.sampled_from(
        [
            *(
                b'"',
                b"}",
                b"]",
                b",",
                b":",
                b"\\",
                b"\\u12",
                b"\\ud800",
                b"01",
                b"1e999",
            ),
            *(b"NaN", b"-", b"\xff", b"\xed\xa0\x80", b"\x00", b"\n", b"null", b"{}"),
        ]
    )
    return body[:start] + draw(junk) + body[end:]


def chat_bodies(tenant: str) -> st.SearchStrategy[bytes]:
    """Bodies of chat requests, most of them of ``tenant`` and in order."""
    fields = {"query": usually(TEXT | LONG_TEXT)}
    more = {
        "tenantId": usually(st.just(tenant) | st.just("another")),
        "conversationId": usually(ID | ID | BAD_ID),
        "turnId": usually(ID | ID | BAD_ID),
        "history": st.lists(TEXT, max_size=2),
    }
    bodies = st.fixed_dictionaries(fields, optional=more)
    return encoded(bodies) | encoded(ODD) | st.binary(max_size=20)


# --- transcripts ------------------------------------------------------------------

SECONDS = st.floats(0, 5000).map(lambda s: round(s, 4)) | st.integers(-3, 4000)
ODD_SECONDS = st.sampled_from([1e300, 2.0**53 / 1000, -1e13, True, 0.0005, 2.4995])
SPEAKER = st.sampled_from([0, 0, 1, 2, None, 9999])


def transcripts(*, odd: bool) -> st.SearchStrategy[bytes]:
    """Deepgram responses of all four forms (paragraphs, utterances, words, bare text)
    with one channel or more; with ``odd`` values any of them may have another type,
    and the bytes may be broken."""
    some = usually if odd else _as_it_is
    seconds = SECONDS | ODD_SECONDS if odd else SECONDS
    speech = {
        "start": some(seconds),
        "end": some(seconds),
        "speaker": some(
            SPEAKER | st.sampled_from([1.0, True, 10_000]) if odd else SPEAKER
        ),
        "confidence": SECONDS,
    }

    def objects(required: Fields, optional: Fields) -> st.SearchStrategy[Any]:
        whole = some(st.fixed_dictionaries(required, optional=optional))
        if not odd:
            return whole
        return usually(whole, st.fixed_dictionaries({}, optional=required | optional))

    def lists(of: st.SearchStrategy[Any], size: int) -> st.SearchStrategy[Any]:
        return some(st.lists(of, max_size=size))

    punctuated = some(TEXT | st.none())
    word = objects({"word": some(TEXT)}, {**speech, "punctuated_word": punctuated})
    sentence = objects({"text": some(TEXT)}, {"start": SECONDS})
    paragraph = objects({"sentences": lists(sentence, 3)}, speech)
    paragraphs = objects({"paragraphs": lists(paragraph, 4)}, {"transcript": TEXT})
    alternative = objects(
        {"transcript": some(TEXT)},
        {"words": lists(word, 8), "paragraphs": some(paragraphs | st.none())},
    )
    channel = objects(
        {"alternatives": some(st.lists(alternative, min_size=1, max_size=2))}, {}
    )
    utterance = objects(
        {"transcript": some(TEXT)},
        {**speech, "channel": some(st.integers(0, 2)), "words": lists(word, 2)},
    )
    results = objects(
        {"channels": some(st.lists(channel, min_size=1, max_size=3))},
        {"utterances": lists(utterance, 4) | st.none()},
    )
    response = objects({"results": results}, {"metadata": TEXT})
    return encoded(response) if odd else response.map(wire.dumps)


def _as_it_is(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return strategy


# --- streams of the model ---------------------------------------------------------

COUNT = st.integers(0, 10**6)
USAGE = st.fixed_dictionaries(
    {},
    optional={
        "input_tokens": COUNT | st.none(),
        "cache_read_input_tokens": COUNT,
        "cache_creation_input_tokens": COUNT,
        "output_tokens": COUNT | st.none(),
    },
)
REASON = st.sampled_from(
    [
        *("end_turn", "max_tokens", "tool_use", "stop_sequence", "refusal", None),
        *("pause_turn", "model_context_window_exceeded", "toString", "new"),
    ]
)
INDEX = st.integers(0, 2)
INPUT = st.dictionaries(st.sampled_from(["city", "é", "n"]), TEXT | COUNT, max_size=2)


def _event(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    given = {name: usually(value) for name, value in fields.items()}
    return st.fixed_dictionaries({"type": st.just(kind), **given})


def _delta(kind: str, name: str) -> st.SearchStrategy[Any]:
    delta = _event(kind, **{name: TEXT})
    return _event("content_block_delta", index=INDEX, delta=delta)


def _start(block: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return _event("content_block_start", index=INDEX, content_block=block)


CHOICE = st.fixed_dictionaries(
    {"delta": usually(st.fixed_dictionaries({}, optional={"content": usually(TEXT)}))},
    optional={"finish_reason": REASON},
)
EVENT = st.one_of(
    _event(
        "message_start",
        message=st.fixed_dictionaries(
            {"id": usually(TEXT), "model": usually(TEXT)}, optional={"usage": USAGE}
        ),
    ),
    _start(_event("text", text=TEXT)),
    _start(_event("thinking", thinking=TEXT)),
    _start(_event("tool_use", id=TEXT, name=TEXT, input=INPUT)),
    _start(_event("server_tool_use", id=TEXT, name=TEXT)),
    *[_delta("text_delta", "text") for _ in range(3)],
    _delta("thinking_delta", "thinking"),
    _delta("signature_delta", "signature"),
    _delta("input_json_delta", "partial_json"),
    _delta("citations_delta", "citation"),
    _event("content_block_stop", index=INDEX),
    _event(
        "message_delta",
        delta=st.fixed_dictionaries({"stop_reason": REASON}),
        usage=USAGE,
    ),
    _event("ping"),
    _event("new"),
    st.fixed_dictionaries({"choices": usually(st.lists(CHOICE, max_size=2))}),
)
END = st.sampled_from(
    [
        *({"type": "message_stop"}, {"type": "message_stop"}, {"error": {"code": 7}}),
        {"type": "error", "error": {"type": "t" * 600, "message": "\U0001f600" * 600}},
    ]
)


@st.composite
def event_streams(draw: st.DrawFn) -> bytes:
    """Events of a model in any order, broken, ended or not, in any line endings."""
    events = draw(st.lists(EVENT | ODD, max_size=12))
    events += draw(st.lists(END | EVENT, max_size=2))
    newline = draw(st.sampled_from([b"\n", b"\n", b"\r\n", b"\r"]))
    parts = [wire.dumps(event) for event in events]
    if draw(st.booleans()):
        parts.append(b"[DONE]")
    space = draw(st.sampled_from([b"", b" ", b"  "]))
    lead = draw(
        st.sampled_from([b"", b"\xef\xbb\xbf", b": a comment\n", b"event: x\n"])
    )
    body = lead + b"".join(b"data:" + space + part + newline * 2 for part in parts)
    if draw(st.integers(0, 2)) == 2:
        body = draw(broken(body))
    return body or b"\n"

"""Generated Anthropic streams have the grammar and statistics of recorded ones."""

from __future__ import annotations

import json
import re
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.fixtures import anthropic_stream
from bench.fixtures.anthropic_stream import ERRORS, generate

SEEDS = range(12)

options = st.fixed_dictionaries(
    {
        "text_events": st.integers(0, 30),
        "ping": st.booleans(),
        "padding": st.booleans(),
        "tool": st.booleans(),
        "thinking": st.booleans(),
        "citations": st.booleans(),
    }
)


def events(stream: bytes) -> list[tuple[str, str]]:
    """(event name, data text) pairs; the layout of lines is checked on the way."""
    assert b"\r" not in stream
    assert stream.endswith(b"\n\n")
    pairs = []
    for block in stream.decode()[:-2].split("\n\n"):
        found = re.fullmatch(r"event: (\w+)\ndata: (.*)", block)
        assert found, block
        assert json.loads(found[2])["type"] == found[1]
        pairs.append((found[1], found[2]))
    return pairs


def decoded(stream: bytes) -> list[dict]:
    return [json.loads(data) for _, data in events(stream)]


def deltas(stream: bytes, kind: str) -> list[dict]:
    found = [event.get("delta", {}) for event in decoded(stream)]
    return [delta for delta in found if delta.get("type") == kind]


def text_of(stream: bytes) -> str:
    return "".join(delta["text"] for delta in deltas(stream, "text_delta"))


def paddings(stream: bytes) -> list[int]:
    """Spaces before the last brace of each event that can have them."""
    return [
        len(re.search(r"( *)\}$", data)[1])
        for name, data in events(stream)
        if name not in ("ping", "error")
    ]


def check_statistics(streams: list[bytes]) -> None:
    sizes = [
        len(f"event: {name}\ndata: {data}\n\n".encode())
        for stream in streams
        for name, data in events(stream)
    ]
    assert 120 < np.median(sizes) < 165
    assert 140 < np.quantile(sizes, 0.75) < 190
    spaces = [count for stream in streams for count in paddings(stream)]
    assert 6.5 < np.mean(spaces) < 8.5
    assert set(spaces) == set(range(16))
    lengths = [
        len(delta["text"])
        for stream in streams
        for delta in deltas(stream, "text_delta")
    ]
    assert 5 <= np.median(lengths) <= 11
    assert 15 <= np.quantile(lengths, 0.75) <= 25
    assert 50 <= np.quantile(lengths, 0.95) <= 76
    assert max(lengths) <= 258


def test_generated_streams_have_the_recorded_statistics():
    check_statistics([generate(seed) for seed in SEEDS])


def test_recorded_streams_lie_in_the_same_bands(real):
    paths = sorted((real / "sse" / "anthropic").glob("*.sse"))
    assert paths
    check_statistics([path.read_bytes() for path in paths])


@given(seed=st.integers(0, 2**32), chosen=options)
def test_grammar_of_any_stream(seed, chosen):
    """Start, well-nested blocks with ascending indexes, usage, stop; ping third."""
    stream = generate(seed, **chosen)
    names = [name for name, _ in events(stream)]
    assert names.count("ping") == chosen["ping"]
    assert not chosen["ping"] or names[2] == "ping"
    body = [event for event in decoded(stream) if event["type"] != "ping"]
    assert body[0]["type"] == "message_start"
    assert [event["type"] for event in body[-2:]] == ["message_delta", "message_stop"]
    blocks = groupby(body[1:-2], key=lambda event: event["index"])
    for expected, (index, block) in enumerate(blocks):
        kinds = [event["type"].removeprefix("content_block_") for event in block]
        assert index == expected
        assert kinds[0] == "start"
        assert kinds[-1] == "stop"
        assert set(kinds[1:-1]) <= {"delta"}
    reason = "tool_use" if chosen["tool"] else "end_turn"
    assert body[-2]["delta"]["stop_reason"] == reason


@given(seed=st.integers(0, 2**32), chosen=options)
def test_padding_and_ping_change_no_other_event(seed, chosen):
    plain = generate(seed, **{**chosen, "padding": False, "ping": False})
    found = decoded(generate(seed, **chosen))
    assert [event for event in found if event["type"] != "ping"] == decoded(plain)
    assert all(
        data == json.dumps(json.loads(data), ensure_ascii=False, separators=(",", ":"))
        for _, data in events(plain)
    )


def test_number_of_text_events_is_as_asked():
    assert len(deltas(generate(3, text_events=25), "text_delta")) == 25


def test_text_is_readable_and_beyond_ascii():
    text = text_of(generate(1))
    assert len(text.split()) > 40
    assert not text.isascii()


def test_tool_arguments_arrive_in_fragments_that_may_cut_an_escape():
    cut_in_escape = 0
    for seed in SEEDS:
        stream = generate(seed, tool=True)
        parts = [d["partial_json"] for d in deltas(stream, "input_json_delta")]
        assert parts[0] == ""
        assert len(parts) > 5
        arguments = json.loads("".join(parts))
        assert '"' in arguments["quote"]
        assert "\n" in arguments["quote"]
        cut_in_escape += any(re.search(r"(?<!\\)\\$", part) for part in parts)
    assert cut_in_escape > 0


def test_thinking_ends_with_its_signature():
    stream = generate(4, thinking=True)
    first = [event for event in decoded(stream) if event.get("index") == 0]
    kinds = [event["delta"]["type"] for event in first[1:-1]]
    assert first[0]["content_block"]["type"] == "thinking"
    assert set(kinds[:-1]) == {"thinking_delta"}
    assert kinds[-1] == "signature_delta"


def shapes(stream: bytes) -> set[tuple]:
    """Key order of each event and of what it carries."""
    found = set()
    for event in decoded(stream):
        if event["type"] == "message_start":
            found.add(("message", *event["message"], *event["message"]["usage"]))
        kind = (event.get("content_block") or event.get("delta") or {}).get("type", "")
        inner = event.get("content_block") or event.get("delta") or {}
        found.add((event["type"], kind, tuple(event), tuple(inner)))
        if kind == "citations_delta":
            found.add(("citation", *inner["citation"]))
    return found


def test_key_orders_are_recorded_ones(real):
    recorded = set().union(
        *(
            shapes(path.read_bytes())
            for path in (real / "sse" / "anthropic").glob("*.sse")
        )
    )
    made = shapes(generate(2, tool=True, thinking=True, citations=True))
    # No recording beside the tests holds readable thinking; its key order is that of
    # a text delta with the name changed, as documented.
    new = {shape for shape in made - recorded if "thinking_delta" not in shape}
    assert new == set()


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("after", [0, 1, 7, None])
def test_an_error_ends_the_stream(error, after):
    whole = events(generate(5))
    broken = events(generate(5, error=error, error_after=after))
    kept = len(whole) // 2 if after is None else after
    assert broken[:-1] == whole[:kept]
    assert broken[-1][0] == "error"
    assert json.loads(broken[-1][1])["error"]["type"] == ERRORS[error][0]


def test_the_overloaded_event_has_the_documented_bytes(real):
    documented = (real / "errors" / "authored_anthropic_overloaded.sse").read_bytes()
    stream = generate(1, error="overloaded", error_after=0)
    assert stream.strip() == documented.strip()


def test_an_unknown_error_is_refused():
    with pytest.raises(ValueError, match="known: overloaded"):
        anthropic_stream.generate(1, error="nonsense")

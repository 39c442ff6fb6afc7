"""Generated OpenAI streams have the grammar and statistics of recorded ones."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.fixtures.openai_stream import ERRORS, generate

SEEDS = range(8)

options = st.fixed_dictionaries(
    {
        "content_chunks": st.integers(0, 40),
        "obfuscation": st.booleans(),
        "usage": st.booleans(),
        "tool": st.booleans(),
    }
)


def lines(stream: bytes) -> list[str]:
    """Payloads of the data lines; the layout of lines is checked on the way."""
    assert b"\r" not in stream
    assert stream.endswith(b"\n\n")
    found = stream.decode()[:-2].split("\n\n")
    assert all(line.startswith("data: ") and "\n" not in line for line in found)
    return [line.removeprefix("data: ") for line in found]


def chunks(stream: bytes) -> list[dict]:
    found = lines(stream)
    assert found[-1] == "[DONE]"
    return [json.loads(line) for line in found[:-1]]


def recorded(real) -> list[bytes]:
    paths = sorted((real / "sse" / "openai").glob("*.sse"))
    assert paths
    return [path.read_bytes() for path in paths]


def contents(stream: bytes) -> list[str]:
    found = [choice["delta"] for chunk in chunks(stream) for choice in chunk["choices"]]
    return [delta["content"] for delta in found if delta.get("content")]


def check_statistics(streams: list[bytes]) -> None:
    sizes = [len(line) + 8 for stream in streams for line in lines(stream)[:-1]]
    assert 280 < np.median(sizes) < 350
    tokens = [len(token) for stream in streams for token in contents(stream)]
    assert 4.0 < np.mean(tokens) < 5.2
    assert np.quantile(tokens, 0.95) <= 11


def check_obfuscation(stream: bytes) -> None:
    """Each padded event is 7 bytes longer than a multiple of 16."""
    for line in lines(stream)[:-1]:
        letters = json.loads(line)["obfuscation"]
        assert len(letters) < 16
        assert letters.isascii()
        assert len(f"data: {line}".encode()) % 16 == 7


def test_generated_streams_have_the_recorded_statistics():
    check_statistics([generate(seed) for seed in SEEDS])


def test_recorded_streams_lie_in_the_same_bands(real):
    check_statistics(recorded(real))


@pytest.mark.parametrize("tool", [False, True])
def test_obfuscation_hides_the_length_of_the_token(tool):
    for seed in SEEDS:
        check_obfuscation(generate(seed, tool=tool))


def test_recorded_obfuscation_does_the_same(real):
    padded = [stream for stream in recorded(real) if b'"obfuscation"' in stream]
    assert len(padded) > 3
    for stream in padded:
        check_obfuscation(stream)


@given(seed=st.integers(0, 2**32), chosen=options)
def test_grammar_of_any_stream(seed, chosen):
    """Role, deltas, finish, usage without choices, done; one id and one time."""
    found = chunks(generate(seed, **chosen))
    assert len({(chunk["id"], chunk["created"]) for chunk in found}) == 1
    if chosen["usage"]:
        usage = found.pop()
        assert usage["choices"] == []
        counts = usage["usage"]
        total = counts["prompt_tokens"] + counts["completion_tokens"]
        assert counts["total_tokens"] == total
        assert all(chunk["usage"] is None for chunk in found)
    choices = [chunk["choices"][0] for chunk in found]
    assert choices[0]["delta"]["role"] == "assistant"
    reasons = [choice["finish_reason"] for choice in choices]
    assert set(reasons[:-1]) == {None}
    assert reasons[-1] == ("tool_calls" if chosen["tool"] else "stop")
    if not chosen["tool"]:
        assert len(choices) == chosen["content_chunks"] + 2


def test_text_is_readable_and_beyond_ascii():
    text = "".join(contents(generate(1)))
    assert len(text.split()) > 30
    assert not text.isascii()


def test_tool_arguments_arrive_token_by_token():
    stream = generate(2, tool=True)
    calls = [
        call
        for chunk in chunks(stream)
        for choice in chunk["choices"]
        for call in choice["delta"].get("tool_calls", [])
    ]
    assert calls[0]["function"]["name"] == "search_handbook"
    assert len(calls) > 8
    arguments = json.loads("".join(call["function"]["arguments"] for call in calls))
    assert set(arguments) == {"query", "tenantId"}


def shapes(stream: bytes) -> set[tuple]:
    found = set()
    for chunk in chunks(stream):
        found.add(tuple(chunk))
        found.update(("choice", *choice) for choice in chunk["choices"])
        found.update(("delta", *choice["delta"]) for choice in chunk["choices"])
        found.add(("usage", *(chunk.get("usage") or {})))
    return found


def test_key_orders_are_recorded_ones(real):
    known = set().union(*(shapes(stream) for stream in recorded(real)))
    assert shapes(generate(1)) | shapes(generate(1, tool=True)) <= known


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("after", [0, 5, None])
def test_an_error_ends_the_stream_without_done(error, after):
    whole = lines(generate(5))
    broken = lines(generate(5, error=error, error_after=after))
    kept = (len(whole) - 1) // 2 if after is None else after
    assert broken[:-1] == whole[:kept]
    assert json.loads(broken[-1])["error"]["type"] == ERRORS[error][1]


def test_an_unknown_error_is_refused():
    with pytest.raises(ValueError, match="known: server"):
        generate(1, error="nonsense")

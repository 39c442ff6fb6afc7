"""The event-stream parser: the standard's rules, at any chunk boundary."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.path.sse import Parser

# Pieces that make every rule meet every other one.
PIECES = st.lists(
    st.sampled_from(
        [
            *(b"data: a", b"data:b", b"data", b"data: ", b"data:  c"),
            *(
                b": comment",
                b"event: x",
                b"id: 1",
                b"retry: 5",
                b"datax: no",
                b"nothing",
            ),
            *("data: é€😀".encode(), b"data: \xff\xfe", b"\xef\xbb\xbfdata: bom"),
            *(b"\n", b"\n\n", b"\r\n", b"\r\n\r\n", b"\r", b"\r\r", b"\n\r\n"),
        ]
    ),
    max_size=30,
).map(b"".join)


def parse(chunks: list[bytes], limit: int = 2**20) -> tuple[list[bytes], int]:
    parser = Parser(limit)
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.close(), parser.oversized


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(c % (len(data) + 1) for c in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def reference(data: bytes) -> list[bytes]:
    """The standard's algorithm, written line by line over the whole stream."""
    text = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    events, values = [], []
    for line in [*text.replace(b"\r", b"\n").split(b"\n"), b""]:
        name, _, value = line.partition(b":")
        if not line:
            events += [b"\n".join(values)] if values else []
            values = []
        elif name == b"data":
            values.append(value.removeprefix(b" "))
    return events


@given(PIECES, st.lists(st.integers(0, 10_000), max_size=12))
def test_any_cutting_gives_the_events_of_the_standard(data, cuts):
    assert parse(cut(data, cuts))[0] == reference(data)


@given(PIECES)
def test_single_bytes_give_the_same_events(data):
    assert parse([data[i : i + 1] for i in range(len(data))])[0] == reference(data)


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data: a\r\n\r\n", [b"a"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data\n\n", [b""]),
        (b": ping\n\nevent: x\n\n", []),
        (b"data: no blank line", [b"no blank line"]),
        (b"data: no blank line\n", [b"no blank line"]),
    ],
)
def test_rules_of_the_standard(data, events):
    assert parse([data])[0] == events


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_lines_over_the_limit_are_dropped_and_counted(size):
    data = b"data: " + b"x" * 200 + b"\n\ndata: small\n\n"
    chunks = [data[i : i + size] for i in range(0, len(data), size)]
    assert parse(chunks, limit=100) == ([b"small"], 1)


@pytest.mark.parametrize("size", [3, 10_000])
def test_events_of_many_lines_over_the_limit_are_dropped_and_counted(size):
    data = b"data: xxxxxxxxx\n" * 50 + b"\ndata: small\n\n"
    chunks = [data[i : i + size] for i in range(0, len(data), size)]
    assert parse(chunks, limit=100) == ([b"small"], 1)


def test_an_endless_line_does_not_grow_the_parser():
    parser = Parser(limit=1000)
    for _ in range(5000):
        parser.feed(b"x" * 100)
    assert sum(map(len, parser._parts)) <= 1000
    assert parser.feed(b"\n\ndata: on\n\n") == [b"on"]

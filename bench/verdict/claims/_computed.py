"""Claims that are arithmetic, or sizes of bodies: computed from the fixtures.

Each function gives the number, in the unit of its claim, with the least and the most
that it can be, a sentence, and what it rests on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from statistics import median
from typing import Any

from bench.verdict import article
from bench.verdict.claims import _judge
from bench.verdict.claims._claim import Claim
from bench.verdict.claims._ground import FIXTURES, PLATFORM, SOURCE, Ground
from bench.verdict.claims._judge import NOT_REPRODUCED, REPRODUCED, Found
from bench.verdict.claims._outcome import Outcome, plain

_KB, _KIB = 1000, 1024
_FLOAT32, _NUMBER = 4, 8  # bytes of a value in a Float32Array, and in an array
_TOKEN = 4  # bytes
_EMBEDDINGS = ("embedding.json", "embedding_base64.json", "embedding_f32.json")
_MATCHES, _STREAM = "vectorize_top8_metadata.json", "anthropic.sse"
_SPREAD: dict[str, Any] = {"separators": (",", ":"), "ensure_ascii": False}
Computed = tuple[Found, str, list[str]]


def check(claim: Claim, ground: Ground) -> Outcome:
    """What the function that the claim names has computed."""
    found, said, ids = FUNCTIONS[claim.compute]()
    # The range is of many bodies, each exact; the typical one is held to the claim.
    asked = (Found(found.value), claim.ends, claim.bound, _judge.computed())
    return Outcome(
        REPRODUCED if _judge.agrees(*asked) else NOT_REPRODUCED,
        measured=found.value,
        low=found.low,
        high=found.high,
        why=said,
        evidence=ids,
        basis="fixtures",
    )


def table_adds_up() -> Computed:
    """Ms of the article's operations together."""
    total = sum(operation.ms for operation in article.OPERATIONS)
    return Found(total), "The sum is right.", [f"{SOURCE}table_total"]


def headroom() -> Computed:
    """Ms that the article's total leaves of its limit, and of the documented one."""
    from bench.platform import limit_profile, tables

    limit = limit_profile("article").cpu_ms
    documented = tables.strict("paid-default.cpu_ms")
    left = documented.value - article.TOTAL_MS
    said = f"Of the documented {documented.value:,.0f} ms, {left:,.0f} are left."
    ids = [f"{SOURCE}table_total", f"{PLATFORM}article.cpu_ms"]
    return (
        Found(limit - article.TOTAL_MS),
        said,
        [*ids, f"{PLATFORM}paid-default.cpu_ms"],
    )


def embedding_body() -> Computed:
    """KB of an embedding response as numbers, and of the other ways to write it."""
    sizes = {name: len(_read(name)) for name in _EMBEDDINGS}
    values = json.loads(_read(_EMBEDDINGS[0]))["data"][0]["embedding"]
    usual = sizes[_EMBEDDINGS[0]]
    each = usual / len(values)
    base64 = sizes["embedding_base64.json"] / len(values)
    said = (
        f"{len(values):,} numbers take {plain(usual / _KB)} KB of JSON, or "
        f"{plain(sizes['embedding_base64.json'] / _KB)} KB as base64. 4 KB would hold "
        f"{4 * _KB / each:.0f} numbers, or {4 * _KB / base64:.0f} as base64."
    )
    ends = (size / _KB for size in (min(sizes.values()), max(sizes.values())))
    return Found(usual / _KB, *ends), said, [f"{FIXTURES}{name}" for name in sizes]


def query_vector() -> Computed:
    """KB of the vector of a query as 32-bit floats."""
    values = json.loads(_read(_EMBEDDINGS[0]))["data"][0]["embedding"]
    size = len(values) * _FLOAT32 / _KB
    twice = len(values) * _NUMBER / _KB
    said = (
        f"{len(values):,} values of {_FLOAT32} bytes. As an array of JavaScript "
        f"numbers, which is what JSON.parse makes, they are {plain(twice)} KB."
    )
    return Found(size), said, [f"{FIXTURES}{_EMBEDDINGS[0]}"]


def chunk_text() -> Computed:
    """KB of text in the chunks that a query for 8 matches brings."""
    texts = [len(one["content"].encode()) for one in _metadata()]
    said = f"{len(texts)} chunks of {min(texts):,} to {max(texts):,} bytes."
    return Found(sum(texts) / _KB), said, [f"{FIXTURES}{_MATCHES}"]


def metadata_tokens() -> Computed:
    """Tokens of text that fit into a vector's metadata beside its other fields."""
    from bench.platform import tables

    limit = tables.strict("vectorize.metadata")
    beside = [
        len(json.dumps(one, **_SPREAD).encode()) - len(one["content"].encode())
        for one in _metadata()
    ]
    room = limit.value * _KIB - median(beside)
    said = (
        f"{limit.value:g} {limit.unit} less {median(beside):.0f} bytes of other fields "
        f"leave {room:,.0f} bytes of text."
    )
    ids = [f"{PLATFORM}vectorize.metadata", f"{FIXTURES}{_MATCHES}"]
    return Found(room / _TOKEN), said, ids


def event_bytes() -> Computed:
    """Bytes of JSON in the events of a model's stream that carry text."""
    lines = _read(_STREAM).decode().splitlines()
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    deltas = [
        len(text.encode())
        for text in data
        if json.loads(text)["type"] == "content_block_delta"
    ]
    inside = sum(50 <= size <= 200 for size in deltas) / len(deltas)
    said = (
        f"{len(deltas)} events of {min(deltas)} to {max(deltas)} bytes, {inside:.0%} "
        "of them in that range."
    )
    found = Found(float(median(deltas)), float(min(deltas)), float(max(deltas)))
    return found, said, [f"{FIXTURES}{_STREAM}"]


def _metadata() -> list[dict[str, str]]:
    return [match["metadata"] for match in json.loads(_read(_MATCHES))["matches"]]


def _read(name: str) -> bytes:
    from bench import fixture_set

    return fixture_set.read(name)


FUNCTIONS: dict[str, Callable[[], Computed]] = {
    function.__name__: function
    for function in (
        table_adds_up,
        headroom,
        embedding_body,
        query_vector,
        chunk_text,
        metadata_tokens,
        event_bytes,
    )
}

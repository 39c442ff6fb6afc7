"""ijson: a streaming parser over yajl; objects are made of the parts that are asked."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import ijson

from bench.parsers import Question
from bench.parsers._objects import best, from_table, match, vector, version_of
from bench.path.ingest import Turn
from bench.path.ingest._turns import turns

RUNTIME = "cpython"
NOTE = (
    f"ijson.items of the parts that are asked, backend {ijson.backend}; `first` stops "
    "after the metadata and does not see whether the rest is JSON; its memory grows "
    "with the square of the depth"
)

version = version_of("ijson")
# Whatever has been read is parsed before the first item comes out.
_FIRST_BYTES = 1024


def _items(body: bytes, prefix: str) -> Iterator[Any]:
    found: Iterator[Any] = ijson.items(BytesIO(body), prefix, use_float=True)
    return found


def _full(body: bytes) -> Any:
    # To the end, so that what follows the value is seen, too.
    (value,) = _items(body, "")
    return value


def _first(body: bytes) -> Any:
    stream = BytesIO(body)
    return next(ijson.items(stream, "metadata", use_float=True, buf_size=_FIRST_BYTES))


def _chunks(body: bytes) -> list[Turn]:
    (results,) = _items(body, "results")
    return turns({"results": results})


reader = from_table(
    {
        Question("full", kind): _full
        for kind in ("transcript", "embedding", "vectorize", "other")
    }
    | {
        Question("fields", "transcript"): lambda body: best(
            _items(body, "results.channels.item")
        ),
        Question("first", "transcript"): _first,
        Question("chunks", "transcript"): _chunks,
        Question("fields", "embedding"): lambda body: [
            vector(each) for each in _items(body, "data.item.embedding")
        ],
        Question("fields", "vectorize"): lambda body: [
            match(each) for each in _items(body, "matches.item")
        ],
    }
)

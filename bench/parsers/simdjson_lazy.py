"""simdjson on demand: the body is parsed whole, objects are made of what is asked."""

from __future__ import annotations

from typing import Any

import simdjson

from bench.parsers import Question
from bench.parsers._objects import best, from_table, vector, version_of
from bench.path.ingest import Turn
from bench.path.ingest._turns import turns

RUNTIME = "cpython"
NOTE = (
    "simdjson.Parser, which checks the whole body, then objects of only what is asked; "
    "of equal keys the first one counts"
)

version = version_of("pysimdjson")
_parse: Any = simdjson.Parser().parse
_UTTERANCE = ("transcript", "start", "end", "speaker", "channel")


def _fields(body: bytes) -> list[Any]:
    alternatives = best(_parse(body)["results"]["channels"])
    return [(each["transcript"], _list(each, "words")) for each in alternatives]


def _first(body: bytes) -> Any:
    metadata = _parse(body)["metadata"]
    names = ("request_id", "created", "duration", "channels")
    return {name: metadata.get(name) for name in names}


def _chunks(body: bytes) -> list[Turn]:
    results = _parse(body)["results"]
    utterances = [
        {name: each[name] for name in _UTTERANCE if name in each}
        for each in results.get("utterances") or ()
    ]
    channels = [
        {"alternatives": [_alternative(each, bool(utterances))]}
        for each in best(results["channels"])
    ]
    return turns({"results": {"channels": channels, "utterances": utterances}})


def _alternative(found: Any, uttered: bool) -> dict[str, Any]:
    """What ``turns`` reads of it: words only where nothing else holds the text."""
    paragraphs = _list(found.get("paragraphs") or {}, "paragraphs")
    return {
        "transcript": found["transcript"],
        "paragraphs": {"paragraphs": paragraphs},
        "words": [] if paragraphs or uttered else _list(found, "words"),
    }


def _list(found: Any, name: str) -> list[Any]:
    values = found.get(name)
    return [] if values is None else values.as_list()


def _embedding(body: bytes) -> list[Any]:
    return [_numbers(item["embedding"]) for item in _parse(body)["data"]]


def _vectorize(body: bytes) -> list[Any]:
    return [
        (match["id"], match["score"], _numbers(match.get("values")))
        for match in _parse(body)["matches"]
    ]


def _numbers(values: Any) -> Any:
    """An array as doubles without a Python object for each."""
    if isinstance(values, simdjson.Array):
        return memoryview(values.as_buffer(of_type="d")).cast("d")
    return None if values is None else vector(values)


reader = from_table(
    {
        Question("fields", "transcript"): _fields,
        Question("first", "transcript"): _first,
        Question("chunks", "transcript"): _chunks,
        Question("fields", "embedding"): _embedding,
        Question("fields", "vectorize"): _vectorize,
    }
)

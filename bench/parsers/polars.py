"""polars: a data-frame library whose JSON reader infers types and makes columns."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import polars

from bench.parsers import Question
from bench.parsers._objects import from_table, vector, version_of

RUNTIME = "cpython"
NOTE = (
    "polars.read_json, then columns; works in a thread of its own, whose CPU is "
    "counted; what is no table, it does not read"
)

version = version_of("polars")


def _column(body: bytes, *names: str) -> Any:
    """The column under ``names``, a row for each item of the lists on the way."""
    column: Any = polars.read_json(BytesIO(body)).get_column(names[0])
    for name in names[1:]:
        column = _rows(column).struct.field(name)
    return _rows(column)


def _rows(column: Any) -> Any:
    return column.explode() if column.dtype == polars.List else column


def _fields(body: bytes) -> Any:
    alternatives = _column(body, "results", "channels").struct.field("alternatives")
    return alternatives.list.first().struct.unnest().select("transcript", "words")


def _embedding(body: bytes) -> list[Any]:
    column = polars.read_json(BytesIO(body)).get_column("data").explode()
    return _vectors(column.struct.field("embedding"))


def _vectorize(body: bytes) -> list[Any]:
    matches = polars.read_json(BytesIO(body)).get_column("matches").explode()
    table = matches.struct.unnest()
    values = (
        _vectors(table["values"]) if "values" in table.columns else [None] * len(table)
    )
    return list(zip(table["id"], table["score"], values, strict=True))


def _vectors(column: Any) -> list[Any]:
    if column.dtype == polars.String:
        return [vector(text) for text in column]
    return [values.to_numpy() for values in column]


reader = from_table(
    {
        Question("fields", "transcript"): _fields,
        Question("fields", "embedding"): _embedding,
        Question("fields", "vectorize"): _vectorize,
    }
)

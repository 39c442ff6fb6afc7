"""Rows of raw samples: JSON lines while a run is written, Parquet when it is sealed.

Lines are appended and survive a crash; a million rows are 131 MB of them and 4 MB of
Parquet, so a run is sealed at its end. Both give the same table with the same types.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from bench.errors import BenchError, writing

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

LINES = "samples.jsonl"
SEALED = "samples.parquet"

TEXT = (
    "run",
    "host",
    "cell",
    "runtime",
    "phase",
    "invocation",
    "stage",
    "variant",
    "fixture",
)
COUNTS = ("process", "seq")
COLUMNS = (*TEXT, *COUNTS, "metric", "unit", "value")

_NAMES = frozenset(COLUMNS)
_BLANK: dict[str, Any] = dict.fromkeys(TEXT, "") | dict.fromkeys(COUNTS, 0)
_BLOCK_BYTES = 8 * 2**20


def encode(rows: Iterable[dict[str, Any]], common: dict[str, Any]) -> Iterator[bytes]:
    """Each row as a JSON line, with ``common`` and blanks for what it leaves out.

    Raises BenchError for a column that the table does not have, for a row without
    metric, unit and value, and for a value that is not a finite number.
    """
    for row in rows:
        full = _BLANK | common | row
        if full.keys() != _NAMES:
            strange = sorted(full.keys() ^ _NAMES)
            raise BenchError(f"sample with missing or unknown columns: {strange}")
        full["value"] = value = float(full["value"])
        if not math.isfinite(value):
            raise BenchError(f"sample {full['metric']} is {value}, not a number")
        yield orjson.dumps(
            full, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
        )


def lines(path: Path, committed: int) -> Iterator[list[bytes]]:
    """Blocks of whole lines among the first ``committed`` bytes of ``path``."""
    if not committed:
        return
    with path.open("rb") as stream:
        left, rest = committed, b""
        while left:
            block = stream.read(min(left, _BLOCK_BYTES))
            if not block:
                raise BenchError(f"{path} is shorter than its manifest says")
            left -= len(block)
            *whole, rest = (rest + block).split(b"\n")
            yield whole


def frame(folder: Path, committed: int) -> pd.DataFrame:
    """Table of an unfinished run: the columns of ``COLUMNS``, one row per sample."""
    import pyarrow as pa

    tables = list(_tables(folder / LINES, committed))
    table: pd.DataFrame = pa.concat_tables(
        tables or [_schema().empty_table()]
    ).to_pandas()
    return table


def sealed_frame(folder: Path) -> pd.DataFrame:
    """Table of a sealed run, as ``frame`` gives it."""
    import pyarrow.parquet as pq

    table: pd.DataFrame = pq.read_table(folder / SEALED).to_pandas()
    return table


def seal(folder: Path, committed: int) -> None:
    """Write the Parquet file whole, a block at a time, and make it durable."""
    import pyarrow.parquet as pq

    hidden = folder / f".{SEALED}"
    with writing(folder / SEALED):
        with pq.ParquetWriter(hidden, _schema(), compression="zstd") as writer:
            for table in _tables(folder / LINES, committed):
                writer.write_table(table)
        with hidden.open("rb+") as stream:
            os.fsync(stream.fileno())
        hidden.replace(folder / SEALED)


def _tables(path: Path, committed: int) -> Iterator[pa.Table]:
    import pyarrow as pa

    schema = _schema()
    for block in lines(path, committed):
        yield pa.Table.from_pylist([orjson.loads(line) for line in block], schema)


def _schema() -> pa.Schema:
    import pyarrow as pa

    kinds = dict.fromkeys(COUNTS, pa.int64()) | {"value": pa.float64()}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])

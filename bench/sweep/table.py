"""One tidy table over all cells: parameters as columns beside the rows of each cell.

A cell without rows, because it failed or its verb has none, has one row of its own, so
that counting cells in the table counts all of them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from bench.figures._common import number
from bench.sweep.work import DOCUMENT, OUT

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

OWN = ("cell", "place", "host", "status", "seconds")
PARAMETER = "parameter."
# Documents that a notebook leaves in its run, by the verb that would make them.
_OF_A_RUN = (
    "stages", "parsers", "rerank", "workloads", "remedies", "matrix", "claims",
    "capacity",
)  # fmt: skip
_LISTS = ("rows", "notebooks")


def frame(records: Iterable[Row], folder: Path) -> pd.DataFrame:
    """The table, in the order of ``records``: a row a row of each cell's document.

    Columns are those of ``OWN``, ``parameter.<name>`` for each parameter, and the
    fields of the rows; one that has the name of ours is called ``row.<name>``. Lists
    and mappings are JSON text; a column that mixes numbers and texts is text.
    """
    import pandas as pd

    rows = [row for record in records for row in _rows_of(record, folder)]
    names = dict.fromkeys(name for row in rows for name in row)
    ordered = sorted(names, key=_rank)
    return pd.DataFrame(
        {name: _column([row.get(name) for row in rows]) for name in ordered}
    )


def csv(table: pd.DataFrame) -> bytes:
    """The table as CSV."""
    return table.to_csv(index=False, lineterminator="\n").encode()


def parquet(table: pd.DataFrame) -> bytes:
    """The table as Parquet."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def rows(record: Row, folder: Path) -> list[Row]:
    """Rows of a cell's document; for a notebook those of its run's documents.

    Empty where there is no document that can be read, or nothing in it.
    """
    left = folder / str(record["folder"])
    document = _document(left / DOCUMENT)
    if record["notebook"]:
        return [
            {"document": name, **row}
            for name in _OF_A_RUN
            for row in _listed(_document(left / OUT / f"{name}.json"))
        ] or _listed(document)
    return _listed(document) or _plain(document)


def _rows_of(record: Row, folder: Path) -> Iterator[Row]:
    own = {name: record[name] for name in OWN if name != "cell"}
    own |= {"cell": record["key"]}
    own |= {f"{PARAMETER}{k}": v for k, v in record["parameters"].items()}
    for row in rows(record, folder) or [{}]:
        yield own | {(f"row.{k}" if k in own else k): v for k, v in row.items()}


def _rank(name: str) -> tuple[int, int]:
    if name in OWN:
        return 0, OWN.index(name)
    return (1, 0) if name.startswith(PARAMETER) else (2, 0)


def _column(values: list[Any]) -> pd.Series[Any]:
    import pandas as pd

    known = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in known):
        return pd.Series(values, dtype="boolean")
    if any(not isinstance(value, int | float) for value in known):
        texts = [None if value is None else _text(value) for value in values]
        return pd.Series(texts, dtype="string")
    whole = all(isinstance(value, int) for value in known)
    return pd.Series(values, dtype="Int64" if whole else "float64")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _document(path: Path) -> Row:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _listed(document: Row) -> list[Row]:
    for name in _LISTS:
        found = document.get(name)
        if isinstance(found, list) and found:
            return [row for row in found if isinstance(row, dict)]
    return []


def _plain(document: Row) -> list[Row]:
    """The numbers of a document that has no rows, such as a factor, as one row."""
    skipped = {"schema", "run", "seed"}
    found = {
        name: value
        for name, value in document.items()
        if name not in skipped and number(value) is not None
    }
    return [found] if found else []

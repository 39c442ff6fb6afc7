"""Running one D1 statement: parameters in, rows and ``meta`` out.

SQLite's Python module cannot say how many rows a statement read or wrote. ``rows_read``
is therefore the rows returned, or for a plan that scans all rows of the tables read;
``rows_written`` is the rows changed times one plus the indexes that have to change: all
for an insert, those of the columns set for an update, none for a delete. So D1 charges
(Cloudflare docs, D1 pricing), and so workerd's own SQLite counts: a test compares them.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from bench.services._sqlite import Database, Facts

_INT64 = 2**63


def bind(params: list[Any] | None) -> list[Any]:
    """JSON parameters as SQLite values: arrays of bytes are blobs.

    Raises TypeError for an object, as D1 refuses it.
    """
    return [_bound(value) for value in params or []]


def _bound(value: Any) -> Any:
    if isinstance(value, list):
        return bytes(value)
    if isinstance(value, dict):
        raise TypeError(f"Type 'object' not supported for value '{value}'")
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return float(value)  # a JavaScript number is a double anyway
    return value


def run(
    database: Database, sql: str, params: list[Any], as_rows: bool
) -> dict[str, Any]:
    """Result and meta of one statement; ``as_rows`` chooses ROWS_AND_COLUMNS.

    ``duration`` is in milliseconds.
    """
    connection = database.connection
    facts = _facts(database, sql, params)
    changes, size = connection.total_changes, database.size()
    started = time.perf_counter()
    cursor = connection.execute(sql, params)
    rows = [[_plain(value) for value in row] for row in cursor.fetchall()]
    duration = (time.perf_counter() - started) * 1000
    columns = [column[0] for column in cursor.description or ()]
    changes = connection.total_changes - changes
    if facts.changes_schema:
        database.forget_facts()
    (last_row,) = connection.execute("SELECT last_insert_rowid()").fetchone()
    after = database.size()
    meta = {
        "duration": round(duration, 4),
        "changes": changes,
        "last_row_id": last_row,
        "changed_db": bool(changes) or after != size,
        "size_after": after,
        "rows_read": _rows_read(database, facts, len(rows)),
        "rows_written": changes and changes * (1 + _indexes(database, facts)),
    }
    results = {"columns": columns, "rows": rows} if as_rows else _objects(columns, rows)
    return {"success": True, "results": results, "meta": meta}


def explain_error(error: Exception) -> str:
    """The text that D1 gives, ending in SQLite's name for the error."""
    if "one statement at a time" in str(error):
        return "A prepared SQL statement must contain only one statement: SQLITE_ERROR"
    if "query string is too large" in str(error):
        return "statement too long: SQLITE_TOOBIG"
    if "number of bindings" in str(error):
        return "Wrong number of parameter bindings for SQL query: SQLITE_ERROR"
    name = getattr(error, "sqlite_errorname", None)
    if name is None and not isinstance(error, sqlite3.Error):
        return str(error)
    base = "_".join((name or "SQLITE_ERROR").split("_")[:2])
    return f"{error}: {base}"


def _facts(database: Database, sql: str, params: list[Any]) -> Facts:
    try:
        return database.facts(sql, params)
    except (sqlite3.Error, sqlite3.Warning):
        # Running it will raise the better message, if it is wrong at all.
        none: frozenset[str] = frozenset()
        return Facts(
            none, none, frozenset(), readonly=False, changes_schema=True, scans=False
        )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, bytes) else value


def _objects(columns: list[str], rows: list[list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _rows_read(database: Database, facts: Facts, returned: int) -> int:
    if not facts.scans:
        return returned
    return max(returned, sum(_count(database, table) for table in facts.reads))


def _count(database: Database, table: str) -> int:
    if table not in database.tables():
        return 0
    sql = f'SELECT count(*) FROM "{table}"'  # noqa: S608 - a name from the schema
    (count,) = database.connection.execute(sql).fetchone()
    return int(count)


def _indexes(database: Database, facts: Facts) -> int:
    """How many indexes change with a row, at most of the tables written.

    An insert that turns into an update counts as an insert.
    """
    columns = database.connection.execute(
        "SELECT i.tbl_name, i.name, c.name FROM sqlite_schema AS i, "
        "pragma_index_info(i.name) AS c WHERE i.type = 'index'"
    )
    changing: dict[str, set[str]] = {}
    for table, index, column in columns:
        if table in facts.inserts or (table, column) in facts.updates:
            changing.setdefault(table, set()).add(index)
    return max(map(len, changing.values()), default=0)

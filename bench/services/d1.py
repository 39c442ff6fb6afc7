"""D1 over HTTP, as the binding in workerd speaks it, on real SQLite.

Follows workerd's d1-api.ts and the simulator of workers-sdk (2026-08); sessions and
replicas as in Cloudflare docs, D1 read replication (commit 2eb54c07). What it counts
as rows read and written is an estimate: see ``_statement`` and ``NOTE``.
"""

from __future__ import annotations

import sqlite3
from typing import Annotated, Any

import msgspec

from bench.errors import UserError
from bench.services._messages import Answer, Call, Reply, json_reply, not_found
from bench.services._replica import Replicated, bookmark
from bench.services._service import Base
from bench.services._sqlite import Database, is_blank
from bench.services._statement import bind, explain_error, run

HOST = "d1"
BOOKMARK = "x-cf-d1-session-commit-token"
CHARGES = {
    "d1.rows_read": "rows that each statement read, as its meta says",
    "d1.rows_written": "rows of tables and of indexes that it wrote, as its meta says",
}
# The share was found by test_services_d1.py.
NOTE = (
    "rows read are too few: a row that an index finds counts once and not with its row "
    "of the index, and what a statement reads that answers nothing, such as a sum that "
    "it saves, does not count; a chat turn is charged a third of what workerd's own "
    "SQLite counts. Rows written agree with it, but a row that is written again, as in "
    "a replay, counts as new"
)


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How far the read replica is behind: in time, and in number of writes."""

    replica_lag_ms: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    replica_lag_writes: Annotated[int, msgspec.Meta(ge=0)] = 0


class Statement(msgspec.Struct):
    """One statement of a request."""

    sql: str
    params: list[Any] | None = None


class Service(Base):
    """One database. ``put`` takes ``{"sql": script}`` and/or ``{"rows": {table:
    [row dict]}}``; ``dump`` gives the primary's rows by table."""

    Settings = Settings
    overloads = True
    charges = CHARGES

    def clear(self) -> None:
        """An empty database, at version 0."""
        self._databases = Replicated(self.clock)
        self._set_lag()

    def configure(self, values: Any) -> None:
        """A new lag applies to writes from now on."""
        super().configure(values)
        self._set_lag()

    def put(self, data: Any) -> None:
        """Run a script and insert rows; the replica has them at once."""
        primary = self._databases.primary
        try:
            primary.script(data.get("sql", ""))
            with primary.transaction():
                for table, rows in data.get("rows", {}).items():
                    _insert(primary, table, rows)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise UserError(
                str(error), field="d1", remedy="correct the SQL or the rows"
            ) from error
        self._databases.version += 1
        self._databases.replicate()

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        """All rows of the primary."""
        primary = self._databases.primary
        return {table: _rows(primary, table) for table in primary.tables()}

    def failure(self, status: int, message: str) -> Reply:
        """The binding reads the body only: any status becomes ``D1_ERROR``."""
        return json_reply({"success": False, "error": message}, status)

    def overloaded(self) -> Reply:
        """D1's own words; 503 because the documentation calls it retryable."""
        text = "D1 DB is overloaded. Requests queued for too long."
        return self.failure(503, text)

    def handle(self, call: Call) -> Answer:
        """Route one request."""
        if call.route not in {"POST /query", "POST /execute"}:
            return not_found(call)
        try:
            statements = _statements(call.body)
        except msgspec.MsgspecError as error:
            return self.failure(400, f"Invalid request body: {error}")
        if not statements:
            return self.failure(200, "No SQL statements detected.")
        try:
            return self._answer(statements, call)
        except (sqlite3.Error, sqlite3.Warning, ValueError, TypeError) as error:
            return self.failure(200, explain_error(error))

    def _answer(self, statements: list[Statement], call: Call) -> Reply:
        token = call.headers.get(BOOKMARK)
        bound = [(one.sql, bind(one.params)) for one in statements]
        as_rows = call.query.get("resultsFormat") == "ROWS_AND_COLUMNS"
        database, version = self._databases.reader(token)
        primary = self._databases.primary
        readonly = _reads_only(database, bound)
        if database is not primary and not readonly:
            database, version = primary, self._databases.version
        with database.transaction():
            results = [run(database, sql, values, as_rows) for sql, values in bound]
        if not readonly:
            self._databases.wrote()
            version = self._databases.version
        served = _served(is_primary=database is primary)
        for result in results:
            meta = result["meta"]
            meta |= served
            self.charge("d1.rows_read", meta["rows_read"])
            self.charge("d1.rows_written", meta["rows_written"])
        return json_reply(results, headers={BOOKMARK: bookmark(version)})

    def _set_lag(self) -> None:
        settings = self.settings
        self._databases.set_lag(settings.replica_lag_ms, settings.replica_lag_writes)


def _statements(body: bytes) -> list[Statement]:
    """The statements of a request, one or a batch, without those that are blank."""
    if body.lstrip()[:1] == b"[":
        given = msgspec.json.decode(body, type=list[Statement])
    else:
        given = [msgspec.json.decode(body, type=Statement)]
    return [statement for statement in given if not is_blank(statement.sql)]


def _reads_only(database: Database, bound: list[tuple[str, list[Any]]]) -> bool:
    """Whether no statement writes; one that cannot be prepared may be anything."""
    try:
        return all(database.facts(sql, values).readonly for sql, values in bound)
    except (sqlite3.Error, sqlite3.Warning):
        return False


def _served(*, is_primary: bool) -> dict[str, Any]:
    return {
        "served_by": "loopback-primary" if is_primary else "loopback-replica",
        "served_by_region": "LOCAL",
        "served_by_primary": is_primary,
    }


def _insert(database: Database, table: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        sql = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608 - ours
        database.connection.execute(sql, list(row.values()))


def _rows(database: Database, table: str) -> list[dict[str, Any]]:
    cursor = database.connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - ours
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

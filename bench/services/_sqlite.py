"""SQLite set up like D1: its limits, what it forbids, and what a statement touches.

The limits are enforced by SQLite itself (Cloudflare docs, D1 limits, 2026-04-21).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 2_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 100,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 50,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}
PRAGMAS = frozenset(
    {
        *("case_sensitive_like", "defer_foreign_keys", "foreign_key_check"),
        *("foreign_key_list", "foreign_keys", "function_list", "index_info"),
        *("ignore_check_constraints", "index_list", "index_xinfo", "optimize"),
        *("legacy_alter_table", "page_count", "page_size", "quick_check"),
        *("recursive_triggers", "schema_version", "table_info", "table_list"),
        "table_xinfo",
    }
)
_ROW_WRITES = ("INSERT", "UPDATE", "DELETE")
_SCHEMA_WRITES = (
    *("ALTER_TABLE", "REINDEX", "ANALYZE", "CREATE_INDEX", "CREATE_TABLE"),
    *("CREATE_TRIGGER", "CREATE_VIEW", "CREATE_VTABLE", "DROP_INDEX"),
    *("DROP_TABLE", "DROP_TRIGGER", "DROP_VIEW", "DROP_VTABLE"),
)
_WRITES = {
    getattr(sqlite3, f"SQLITE_{name}"): name for name in _ROW_WRITES + _SCHEMA_WRITES
}
_FORBIDDEN = frozenset(
    {
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_DETACH,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
    }
)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_MAX_FACTS = 1000


@dataclass(frozen=True, slots=True)
class Facts:
    """What a statement does: tables read, inserted into, and columns updated, as
    (table, column), and whether its plan scans."""

    reads: frozenset[str]
    inserts: frozenset[str]
    updates: frozenset[tuple[str, str]]
    readonly: bool
    changes_schema: bool
    scans: bool


class Database:
    """One in-memory database with D1's limits and foreign keys on."""

    def __init__(self) -> None:
        # No cache of prepared statements: the authorizer is asked while preparing, and
        # what it hears must be about the statement at hand.
        self.connection = sqlite3.connect(
            ":memory:", isolation_level=None, cached_statements=0
        )
        self.connection.text_factory = lambda raw: raw.decode(errors="replace")
        for limit, value in LIMITS.items():
            self.connection.setlimit(limit, value)
        self.connection.execute("PRAGMA foreign_keys = ON")
        self._watch = _Watch()
        self._facts: dict[str, Facts] = {}
        self.connection.set_authorizer(self._watch)

    def __del__(self) -> None:
        self.connection.close()  # newer Pythons warn when it is left open

    def copy(self) -> Database:
        """An independent copy of the data as it is now."""
        other = Database()
        with other._unrestricted():
            self.connection.backup(other.connection)
        return other

    def close(self) -> None:
        """Free the memory."""
        self.connection.close()

    def script(self, sql: str) -> None:
        """Run a script of any length, such as a schema."""
        limit = sqlite3.SQLITE_LIMIT_SQL_LENGTH
        self.connection.setlimit(limit, LIMITS[sqlite3.SQLITE_LIMIT_LENGTH])
        try:
            with self._unrestricted():
                self.connection.executescript(sql)
        finally:
            self.connection.setlimit(limit, LIMITS[limit])
            self._facts.clear()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self._command("BEGIN")
        try:
            yield
            self._command("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self._command("ROLLBACK")
            raise

    def facts(self, sql: str, params: Sequence[object]) -> Facts:
        """What ``sql`` would do, from preparing it; raises what preparing raises."""
        known = self._facts.get(sql)
        if known is None:
            watch = self._watch
            watch.forget()
            plan = self.connection.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            scans = any(str(row[3]).startswith("SCAN ") for row in plan.fetchall())
            known = Facts(
                frozenset(watch.reads),
                frozenset(watch.inserts),
                frozenset(watch.updates),
                not watch.actions,
                not watch.actions.isdisjoint(_SCHEMA_WRITES),
                scans,
            )
            if len(self._facts) >= _MAX_FACTS:
                self._facts.clear()
            self._facts[sql] = known
        return known

    def forget_facts(self) -> None:
        """The schema changed, so plans may have."""
        self._facts.clear()

    def tables(self) -> list[str]:
        """Names of the user's tables."""
        rows = self.connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' "
            "AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        return [name for (name,) in rows]

    def size(self) -> int:
        """Bytes of the database."""
        (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
        (page,) = self.connection.execute("PRAGMA page_size").fetchone()
        return int(pages * page)

    def _command(self, sql: str) -> None:
        with self._unrestricted():
            self.connection.execute(sql)

    @contextmanager
    def _unrestricted(self) -> Iterator[None]:
        self._watch.restricts = False
        try:
            yield
        finally:
            self._watch.restricts = True


class _Watch:
    """Called by SQLite while it prepares a statement, once per thing touched."""

    def __init__(self) -> None:
        self.restricts = True
        self.forget()

    def forget(self) -> None:
        """Start to watch another statement."""
        self.reads: set[str] = set()
        self.inserts: set[str] = set()
        self.updates: set[tuple[str, str]] = set()
        self.actions: set[str] = set()

    def __call__(
        self, action: int, first: str | None, second: str | None, *_: str | None
    ) -> int:
        if action == sqlite3.SQLITE_READ and first:
            self.reads.add(first)
        if action in _WRITES:
            self.actions.add(_WRITES[action])
        if action == sqlite3.SQLITE_INSERT and first:
            self.inserts.add(first)
        if action == sqlite3.SQLITE_UPDATE and first:
            self.updates.add((first, second or ""))
        return sqlite3.SQLITE_DENY if self._denies(action, first) else sqlite3.SQLITE_OK

    def _denies(self, action: int, first: str | None) -> bool:
        if not self.restricts:
            return False
        unknown = action == sqlite3.SQLITE_PRAGMA and first not in PRAGMAS
        return unknown or action in _FORBIDDEN


def is_blank(sql: str) -> bool:
    """Whether there is nothing but comments, spaces and semicolons."""
    return not _COMMENT.sub("", sql).strip(" \t\r\n;")

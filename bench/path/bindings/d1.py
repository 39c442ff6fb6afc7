"""D1: batches of SQL statements, with the session tokens that order reads and writes.

A token is ``first-primary``, ``first-unconstrained`` (any replica) or a bookmark; the
reply's own bookmark is at least as new as what the batch read or wrote (Cloudflare
docs, D1 read replication).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.path import wire
from bench.path.env import Env
from bench.path.errors import Malformed, Rejected
from bench.path.http import Call

SERVICE = "d1"
TOKEN_HEADER = "x-cf-d1-session-commit-token"  # noqa: S105 (the name of a header)

Statement = tuple[str, Sequence[str | int | float | None]]
Rows = list[list[Any]]


def batch(
    env: Env, statements: Sequence[Statement], token: str | None = None
) -> tuple[list[Rows], str | None]:
    """Rows of each statement, run in one transaction, and the new bookmark.

    Without a ``token`` the batch runs on the primary and there is no bookmark.
    """
    queries = [{"sql": sql, "params": list(params)} for sql, params in statements]
    headers = {"content-type": "application/json"}
    if token is not None:
        headers[TOKEN_HEADER] = token
    call = Call(
        SERVICE,
        "POST",
        "/query?resultsFormat=ROWS_AND_COLUMNS",
        headers,
        wire.dumps(queries),
        env.options.timeout_s,
    )
    reply = env.transport.send(call)
    # D1's own errors are JSON, and the binding looks at nothing else: a Worker is not
    # told the status.
    try:
        results = wire.loads(reply.body)
    except ValueError as error:
        raise Malformed(SERVICE, "body") from error
    return _rows(results, len(queries)), reply.headers.get(TOKEN_HEADER)


def _rows(results: Any, expected: int) -> list[Rows]:
    if isinstance(results, dict):
        results = [results]
    try:
        for result in results:
            if result["success"] is not True:
                raise Rejected(SERVICE, str(result.get("error")))
        rows = [result["results"]["rows"] for result in results]
    except (TypeError, LookupError, AttributeError) as error:
        raise Malformed(SERVICE, "results") from error
    if len(rows) != expected or not all(isinstance(part, list) for part in rows):
        raise Malformed(SERVICE, "results")
    return rows

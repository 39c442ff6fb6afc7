"""The D1 schema of conversations: the Worker's own file, as both halves of the path
use it."""

from __future__ import annotations

from bench.paths import ROOT

_FILE = ROOT / "worker" / "schema.sql"
# No literal in it holds a semicolon.
SCHEMA = tuple(
    statement
    for text in _FILE.read_text(encoding="utf-8").split(";")
    if (statement := text.strip())
)

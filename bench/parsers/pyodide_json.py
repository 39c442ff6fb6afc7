"""CPython's ``json`` compiled to WebAssembly, as far as it can be had here."""

from __future__ import annotations

from bench.parsers import Question
from bench.parsers._objects import PICKS
from bench.parsers._pyodide import version

__all__ = ["NOTE", "RUNTIME", "reader", "version"]

RUNTIME = "pyodide"
NOTE = (
    "not workerd: Pyodide under Node, the nearest to a Python Worker that runs "
    "offline; json.loads of CPython in WebAssembly, where 100,000 levels end it"
)


def reader(question: Question) -> str | None:
    """Python whose last expression is the function; None where it has no answer."""
    if question.mode != "full" and question not in PICKS:
        return None
    return (
        "import json\n"
        "from bench.parsers import Question\n"
        "from bench.parsers._objects import from_loads\n"
        f"from_loads(json.loads)({question!r})"
    )

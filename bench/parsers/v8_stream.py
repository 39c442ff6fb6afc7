"""A body read as a stream, with objects only of what is asked: never whole in memory.

The reader is own code (``bench/workerd/entries/extract_scan.ts``): V8 has none.
"""

from __future__ import annotations

from bench.parsers import Question
from bench.parsers._v8 import PICKS
from bench.parsers._workerd import version

__all__ = ["NOTE", "RUNTIME", "reader", "version"]

RUNTIME = "workerd"
NOTE = (
    "own streaming reader in TypeScript, on a ReadableStream of 16 KB pieces; refuses "
    "what is no JSON in all that it reads, but for invalid UTF-8 in texts that nobody "
    "asked for; `first` stops after the metadata and does not see whether the rest is "
    "JSON; `chunks` decodes all words, which come before what makes them needless"
)


def reader(question: Question) -> str | None:
    """As TypeScript; None for ``full``, which leaves nothing to pass over."""
    pick = PICKS.get(question)
    if pick is None:
        return None
    shape = pick.upper()
    return (
        f'import {{ {pick} }} from "entries/extract";\n'
        f'import {{ {shape} }} from "entries/extract_shapes";\n'
        'import { extracted, pieces } from "entries/extract_stream";\n'
        "async (body: Uint8Array) =>\n"
        f"  {pick}(await extracted(pieces(body), {shape}))"
    )

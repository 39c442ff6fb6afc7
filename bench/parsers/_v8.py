"""What the parsers in V8 share: how a question is answered from the whole value."""

from __future__ import annotations

from collections.abc import Callable

from bench.parsers import Question

# Functions of bench/workerd/entries/extract.ts
PICKS = {
    Question("fields", "transcript"): "spoken",
    Question("first", "transcript"): "head",
    Question("chunks", "transcript"): "chunks",
    Question("fields", "embedding"): "vectors",
    Question("fields", "vectorize"): "matches",
}


def picked(value: str) -> Callable[[Question], str | None]:
    """The ``reader`` of a parser that makes everything: ``value`` is a TypeScript
    expression of ``body`` that may await."""

    def reader(question: Question) -> str | None:
        if question.mode == "full":
            return f"async (body: Uint8Array) => {value}"
        pick = PICKS.get(question)
        if pick is None:
            return None
        return (
            f'import {{ {pick} }} from "entries/extract";\n'
            f"async (body: Uint8Array) => {pick}({value})"
        )

    return reader

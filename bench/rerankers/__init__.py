"""Re-rankers, one file each: adding one is adding a file to this folder.

All do the article's job: cosine of the query with each returned vector, then the custom
score of `bench.path.chat.rerank` (recency, weight of the source, the tenant's own);
best first, ties in the order of the index. A re-ranker module exports four names:

    RUNTIME   where it runs: a name of ``HOSTS``
    NOTE      what it is, in a sentence
    version() its version, as machine.json and every row say it
    ranker(input) -> how it ranks values given as ``input``, or None where it cannot

In CPython ``ranker`` returns a function ``(job: Job) -> (given) -> Ranking``, whose
outer call prepares what lives long and whose inner call is what is measured. A module
with a fifth name, ``BATCH``, ranks for that many queries at once: its inner call
returns a list of rankings, one for each row of ``job.queries(BATCH)``, and a ranking is
what is counted. In workerd it returns TypeScript, see `bench.rerankers._workerd`.

What a ranking costs depends on how the values came (``INPUTS``), and ``given`` is:

    lists    matches with arrays of the language, in use for a long time
    fresh    the same, made by the JSON parser a moment ago; parsing is not counted
    json     the index's response as bytes; parsing it is counted
    float32  one buffer of float32, row after row
    base64   the same as base64 text, as embedding services send it; decoding is counted

With the last two, ids and metadata come apart, and parsing them is not counted; the
query is float32 there, as it would have come the same way.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from bench import registry

PACKAGE = "bench.rerankers"
HOSTS = ("cpython", "workerd")
INPUTS = ("lists", "fresh", "json", "float32", "base64")
REFERENCE = "pure_python"
"""Whose ranking is right, and whom the others are compared with."""
TOLERANCE = 1e-5
"""Largest difference of a score from the reference's: float32 has 24 bits, and a
cosine over 3,072 of them loses some. Two matches may change places only where their
reference scores lie within it; matches with the same values and metadata never do."""


class Case(NamedTuple):
    """A job of ``k`` matches of ``dims`` values each, which came as ``input``.

    It is a generated one, or where ``file`` is named, the Vectorize result in it.
    """

    k: int
    dims: int
    input: str
    file: Path | None = None


class Ranking(NamedTuple):
    """Places in the order of the index, best first, and the score of each."""

    order: list[int]
    scores: list[float]


def load(package: str = PACKAGE) -> dict[str, ModuleType]:
    """Re-ranker modules by name. Raises BenchError naming the file of a bad one."""
    return registry.load(package, ("RUNTIME", "NOTE", "version", "ranker"))

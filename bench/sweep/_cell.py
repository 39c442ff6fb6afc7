"""What a sweep does, one cell at a time, and how an attempt at one ends.

Both travel to other machines, so they are plain values that can be pickled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

OK = "ok"
FAILED = "failed"
# The machine failed and not the cell: another attempt may end otherwise.
LOST = "lost"
TIMED_OUT = "timed out"


@dataclass(frozen=True, slots=True)
class Cell:
    """One set of parameters of one verb, or of one notebook.

    ``parameters`` are a verb's long options without dashes, or the parameters of a
    notebook. ``limit_s`` is in seconds of wall time.
    """

    key: str  # hex of the content hash
    place: int  # its place in the file's order
    verb: str  # a verb, or "" for a notebook
    notebook: str  # name of a notebook, or ""
    parameters: dict[str, Any]
    measures: bool  # takes a core of its own
    limit_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt at a cell ended: ok, failed, lost or timed out.

    ``host`` is the id of the machine that it ran on (``bench.machine``), ``seconds``
    its wall time, ``error`` what went wrong, blank where nothing did. A cell that is ok
    and has an error is inconclusive. ``attempts`` counts this one.
    """

    key: str
    status: str
    host: str
    seconds: float
    error: str
    attempts: int = 1

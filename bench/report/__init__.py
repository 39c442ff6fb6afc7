"""What a run says, as one page that opens offline and as text for a terminal.

Both are views of the same document: nothing is computed here that its rows do not
hold, so a report can be made again from a run that is years old.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def build(run_folder: Path, document: dict[str, Any] | None = None) -> Path:
    """Write ``report.html`` into ``run_folder`` and return its path.

    It shows whichever documents of verbs the run has, such as stages.json.
    ``document`` is the one of `bench stages`, by default the run's own; its optional
    ``limits`` names the limit profile, by default the run's parameter. Equal folders
    give equal bytes. Raises UserError when the folder is missing, holds a file that is
    not JSON, or the disk refuses.
    """
    from bench.report._page import write

    return write(run_folder, document)


def summary(document: dict[str, Any]) -> str:
    """The document of `bench stages` as a text table of at most 100 columns."""
    from bench.report._text import summary_table

    return summary_table(document)


def summary_of(run_folder: Path) -> str:
    """What a run folder holds as text: ``summary`` of its stages, and the answer of
    each other document. Raises UserError as ``build`` does.
    """
    from bench.report._contests import brief
    from bench.report._run import read
    from bench.report._text import summary_table

    run = read(run_folder)
    parts = [summary_table(run.document)] if run.staged else []
    parts += [brief(kind, found) for kind, found in run.compared.items()]
    return "\n\n".join(parts)


def parsers_text(document: dict[str, Any]) -> str:
    """The document of `bench parsers` as text tables of at most 100 columns."""
    from bench.report._contests import whole

    return whole("parsers", document)


def rerank_text(document: dict[str, Any]) -> str:
    """The document of `bench rerank` as text tables of at most 100 columns."""
    from bench.report._contests import whole

    return whole("rerank", document)


def workloads_text(document: dict[str, Any]) -> str:
    """The document of `bench workloads` as text tables of at most 100 columns."""
    from bench.report._contests import whole

    return whole("workloads", document)

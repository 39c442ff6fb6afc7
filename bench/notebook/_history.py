"""Notebook 08: what changed over the runs, and when?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.notebook._measured import Measured, markdown, naming, open_run
from bench.platform import DEFAULT, limit_profile

if TYPE_CHECKING:
    from IPython.display import Markdown
    from pandas.io.formats.style import Styler

_NAME = "08_history"
_NOTHING = "none"  # duration profile of what measures nothing


def run_history(*, results: str, cell: str, seed: int) -> RunHistory:
    """Every finished run of a folder, cell by cell; nothing is measured.

    ``results`` is that folder, blank for the project's own; ``cell`` is a part of the
    names of cells, or a glob over them. In a batch its run is the last of the series.
    Raises UserError for a bad parameter before a run is made.
    """
    import os

    import orjson
    import pandas as pd

    from bench.progress import Progress
    from bench.report import _history
    from bench.store import RUN_VARIABLE, _creation
    from bench.verbs._output import finite
    from bench.verdict import history

    folder = Path(results) if results else _creation.RESULTS
    # A run that is still being made is not among the finished ones.
    batch = RUN_VARIABLE in os.environ
    also = open_run(_NAME, {}, _NOTHING, seed, {})[0] if batch else None
    with naming("cell"), Progress() as progress:
        result = finite(
            history.document(folder, pattern=cell, also=also, progress=progress)
        )
    parameters = {"results": results, "cell": cell}
    target, own = open_run(_NAME, parameters, _NOTHING, seed, {})
    target.save("history.json", orjson.dumps(result))
    target.save("history.html", _history.page(result).encode())
    return RunHistory(target, own, result, limit_profile(DEFAULT), pd.DataFrame())


@dataclass(frozen=True, slots=True)
class RunHistory(Measured):
    """A history, as a notebook shows it."""

    SOURCE: ClassVar[str] = "history"

    def summary(self) -> Markdown:
        """How many runs there are, and how many changes of level."""
        from bench.report import _history

        return markdown(_history.sentence(self.result))

    def changes(self) -> Styler:
        """Every change of level, the latest first."""
        from bench.report import _history, tables

        return tables.shown(_history.changes(self.result))

    def series(self) -> Styler:
        """Each series with its latest estimate, the longest first."""
        from bench.report import _history, tables

        return tables.shown(_history.series(self.result))

    def method(self) -> Markdown:
        """What the changes rest on, and what they cannot say."""
        from bench.report import _history

        lines = [f"- {text}" for text in _history.method(self.result)]
        return markdown("\n".join(lines))

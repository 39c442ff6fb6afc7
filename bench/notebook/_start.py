"""Notebook 00: what has been measured, and what does it say?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.notebook._measured import folder, markdown, naming, picture
from bench.platform import LimitProfile, limit_profile
from bench.store import Run, list_runs

if TYPE_CHECKING:
    import pandas as pd
    from IPython.display import Image, Markdown

Json = dict[str, Any]
_SHOWN = 10


def finished_run(*, run: str, limits: str) -> Start:
    """What a finished run says; nothing is measured and nothing is written.

    ``run`` is a folder of results or a name in it, blank for the latest finished run
    that has cells, else the reference. ``limits`` is the profile that figures are held
    against. Raises UserError for a bad parameter.
    """
    from bench.verdict import evidence

    chosen = limit_profile(limits)
    with naming("run"):
        found = evidence.chosen(folder(run) if run else None, "")
        if not found.sealed:
            raise UserError(
                "is not finished",
                file=found.path,
                remedy=f"go on with it: bench run --resume {found.path.name}",
            )
    return Start(found, chosen, found.samples())


@dataclass(frozen=True, slots=True)
class Start:
    """A finished run, as the start notebook shows it."""

    run: Run
    limits: LimitProfile
    samples: pd.DataFrame

    def about(self) -> Markdown:
        """Which run it is, and links to what people open of it."""
        facts = self.run.manifest
        links = [
            f"[{text}]({self._link(name)})"
            for name, text in (
                ("report.html", "report"),
                ("notebooks", "notebooks"),
            )
            if (self.run.path / name).exists()
        ]
        made = f"`{facts['command']}` on {facts['host']}, {facts['created'][:10]}"
        name = self.run.path.name
        return markdown(f"**{name}**: {made}. " + ", ".join(links))

    def runs(self) -> Markdown:
        """The latest runs, newest first, with what is in them."""
        from bench.store import _creation

        listed = list_runs(_creation.RESULTS)[::-1][:_SHOWN]
        rows = [
            [f"`{row.folder}`", row.state, row.created[:16].replace("T", " "),
             row.profile, row.host, f"{row.cells_finished} of "
             f"{row.cells_finished + row.cells_failed}"]
            for row in listed
        ]  # fmt: skip
        return _table(["run", "state", "made", "profile", "host", "cells"], rows)

    def answers(self) -> Markdown:
        """What each document of the run says, in a sentence or two."""
        said = [
            f"**{title}.** {sentence(document)}"
            for name, title, sentence in _sentences(self.limits)
            if (document := self.document(name)) is not None
        ]
        return markdown("\n\n".join(said) or "The run has no document to speak of.")

    def figure(self, name: str) -> Image | Markdown:
        """The figure called ``name``, drawn anew from the samples of the run.

        Where the run has not measured what it shows, a line that says what would.
        Raises UserError for a name that no figure has.
        """
        from bench import figures

        modules = figures.load()
        if name not in modules:
            raise UserError(
                f"no figure is called {name!r}",
                remedy=f"name one of {', '.join(modules)}",
            )
        source = figures.source(modules[name])
        document = self.document(source)
        if document is None:
            return markdown(f"This run has no {source}; `bench {source}` makes one.")
        return picture(name, source, self.run, document, self.samples, self.limits)

    def notebooks(self) -> Markdown:
        """Every other notebook, as a link with the question that it answers."""
        from bench.batch import notebooks
        from bench.batch.parameters import START, measures

        rows = [
            [f"[{path.stem}]({path.name})", _question(path),
             "measures" if measures(path, {}) else "reads a run"]
            for path in notebooks()
            if path.stem != START
        ]  # fmt: skip
        return _table(["notebook", "question", ""], rows)

    def document(self, name: str) -> Json | None:
        """The document called ``name`` of the run, None where it has none."""
        try:
            found: Json = json.loads((self.run.path / f"{name}.json").read_bytes())
        except FileNotFoundError:
            return None
        return found

    def _link(self, name: str) -> str:
        import os

        return Path(os.path.relpath(self.run.path / name)).as_posix()


def _sentences(limits: LimitProfile) -> list[tuple[str, str, Callable[[Json], str]]]:
    """Names of documents, their titles, and what says in words what is in one."""
    from bench.report import _capacity, _workloads
    from bench.verdict import answer, parsers, rerank
    from bench.verdict.claims import _text

    return [
        ("stages", "Request path", lambda found: answer.sentence(found, limits)),
        ("parsers", "JSON parsers", parsers.sentence),
        ("rerank", "Re-ranking", rerank.sentence),
        ("workloads", "Workloads", _workloads.sentence),
        ("claims", "The article's claims", _text.sentence),
        ("capacity", "Capacity", lambda found: _capacity.sentence(found, limits.name)),
    ]


def _question(path: Path) -> str:
    """The first line of a notebook, which is what it asks."""
    first = json.loads(path.read_bytes())["cells"][0]["source"]
    text = first if isinstance(first, str) else "".join(first)
    return text.splitlines()[0].lstrip("# ")


def _table(header: list[str], rows: list[list[str]]) -> Markdown:
    if not rows:
        return markdown("None.")
    lines = [header, ["---"] * len(header), *rows]
    return markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))

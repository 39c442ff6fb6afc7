"""What every measured notebook has: a run, a document, figures, an end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.errors import UserError
from bench.paths import ROOT
from bench.platform import LimitProfile
from bench.store import RUN_VARIABLE, Run

if TYPE_CHECKING:
    import pandas as pd
    from IPython.display import Image, Markdown


@dataclass(frozen=True, slots=True)
class Measured:
    """A finished measurement, as a notebook shows it.

    ``result`` is the document of the verb called ``SOURCE``, ``samples`` the rows
    behind it; ``own`` is False for a run of the batch.
    """

    SOURCE: ClassVar[str]

    run: Run
    own: bool
    result: dict[str, Any]
    limits: LimitProfile
    samples: pd.DataFrame

    def figure(self, name: str) -> Image:
        """Draw the figure called ``name`` and save it, with its data, in the run.

        It is shown as the saved picture: a Figure made without pyplot has no picture
        of its own in a notebook. Raises UserError for a name that no figure of this
        document has.
        """
        from IPython.display import Image

        from bench import figures

        modules = {
            known: module
            for known, module in figures.load().items()
            if figures.source(module) == self.SOURCE
        }
        if name not in modules:
            raise UserError(
                f"no figure of {self.SOURCE} is called {name!r}",
                remedy=f"name one of {', '.join(modules)}",
            )
        figure, data = modules[name].draw(self.result, self.samples, self.limits)
        figures.sign(figure, self.result)
        figures.save(self.run.path / "figures", name, figure, data)
        picture = self.run.path / "figures" / f"{name}.png"
        return Image(  # type: ignore[no-untyped-call]
            data=picture.read_bytes(),
            width=round(figure.get_figwidth() * 100),
            alt=str(figure.get_label()),
        )

    def failed(self) -> bool:
        """Whether a part of the measurement failed; the rest is kept."""
        return bool(self.result.get("errors"))

    def finish(self) -> Markdown:
        """Say where everything is; a run of the notebook's own is sealed."""
        name = self.run.path.name
        if not self.own:
            return markdown(f"This notebook is part of the run `{name}`.")
        self.run.seal("failed" if self.failed() else "finished")
        return markdown(f"Everything is kept in `{self.link(self.run.path)}`.")

    def link(self, file: Path) -> str:
        """A file of the run relative to where its executed notebook is kept."""
        # A batch keeps the executed copy in a folder beside the linked ones.
        start = Path.cwd() if self.own else self.run.path / "notebooks"
        return Path(os.path.relpath(file, start)).as_posix()


def open_run(
    notebook: str,
    parameters: dict[str, Any],
    profile: str,
    seed: int,
    fixtures: dict[str, str],
) -> tuple[Run, bool]:
    """The run to write into, and whether it is the own one of ``notebook``."""
    import orjson

    given = os.environ.get(RUN_VARIABLE)
    if given:
        return Run.open(ROOT / given), False
    values = parameters | {"profile": profile, "seed": seed}
    argv = [f"notebooks/{notebook}.ipynb", "out.ipynb", "-y"]
    run = Run.create(
        None,
        argv=[*argv, orjson.dumps(values).decode()],
        seed=seed,
        profile=profile,
        parameters=parameters,
        fixtures=fixtures,
        program="papermill",
    )
    return run, True


@contextmanager
def naming(field: str) -> Iterator[None]:
    """Name the parameter ``field`` in a UserError that names a file alone."""
    try:
        yield
    except UserError as error:
        if error.field is not None:
            raise
        raise UserError(
            error.message, remedy=error.remedy, file=error.file, field=field
        ) from error


def markdown(text: str) -> Markdown:
    """Text that a notebook shows as Markdown."""
    from IPython.display import Markdown

    return Markdown(text)  # type: ignore[no-untyped-call]

"""What every measured notebook has: a run, a document, figures, an end."""

from __future__ import annotations

import os
import sys
import tempfile
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
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Measured:
    """A finished measurement, as a notebook shows it.

    ``result`` is the document of the verb called ``SOURCE``, ``samples`` the rows
    behind it; ``own`` is False for a run of the batch, and for a finished one that is
    looked at: nothing is written into that.
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
        of its own in a notebook. In a finished run nothing is saved. Raises UserError
        for a name that no figure of this document has.
        """
        return picture(
            name, self.SOURCE, self.run, self.result, self.samples, self.limits
        )

    def failed(self) -> bool:
        """Whether a part of the measurement failed; the rest is kept."""
        return bool(self.result.get("errors"))

    def finish(self) -> Markdown:
        """Say where everything is; a run of the notebook's own is sealed."""
        name = self.run.path.name
        sealed = self.run.sealed
        if not self.own and sealed:
            return markdown(
                f"All of it is from the run `{name}`; nothing was measured."
            )
        if not self.own:
            return markdown(f"This notebook is part of the run `{name}`.")
        if not sealed:
            self.run.seal("failed" if self.failed() else "finished")
        return markdown(f"Everything is kept in `{self.link(self.run.path)}`.")

    def link(self, file: Path) -> str:
        """A file of the run relative to where its executed notebook is kept."""
        # A batch keeps the executed copy in a folder beside the linked ones.
        batch = not self.own and not self.run.sealed
        start = self.run.path / "notebooks" if batch else Path.cwd()
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


def finished(run: str, name: str) -> tuple[Run, Run, dict[str, Any]]:
    """The finished ``run``, the run to draw into, and document ``name`` of the first.

    The second is the run of the batch; without one it is the first, which is then only
    looked at. ``run`` is as in `folder`. Raises UserError where it is not finished or
    has no such document.
    """
    import orjson

    with naming("run"):
        source = Run.open(folder(run))
        kept = source.path / f"{name}.json"
        if not source.sealed:
            raise UserError(
                "is not finished",
                file=source.path,
                remedy=f"go on with it: bench run --resume {source.path.name}",
            )
        if not kept.is_file():
            raise UserError(
                f"has no {kept.name}",
                file=source.path,
                remedy=f"name a run that `bench run` or `bench {name}` made",
            )
    given = os.environ.get(RUN_VARIABLE)
    if not given:
        return source, source, orjson.loads(kept.read_bytes())
    batch = Run.open(ROOT / given)
    batch.save(kept.name, kept.read_bytes())
    return source, batch, orjson.loads(kept.read_bytes())


def folder(run: str) -> Path:
    """The folder of a run that is named by its path, or by its name in ``results/``.

    A path counts from the working folder, which for JupyterLab is the notebook's, or
    from the checkout.
    """
    from bench.store import _creation

    places = (Path(run), ROOT / run, _creation.RESULTS / run)
    return next((place for place in places if place.is_dir()), Path(run))


@contextmanager
def keeping(run: Run, own: bool) -> Iterator[None]:
    """Let go of an ``own`` run whose measurement is interrupted or fails.

    What had finished stays in it, and the run can be taken up again.
    """
    try:
        yield
    except BaseException:
        if own:
            run.close()
            cells = run.manifest["cells"].values()
            done = sum(cell["state"] == "finished" for cell in cells)
            print(
                f"Ended early. {done} finished cells are kept; go on with:\n"
                f"  bench run --resume {os.path.relpath(run.path)}",
                file=sys.stderr,
            )
        raise


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


def picture(
    name: str,
    source: str,
    run: Run,
    document: dict[str, Any],
    samples: pd.DataFrame,
    limits: LimitProfile,
) -> Image:
    """The figure called ``name`` of the document of ``source``, see Measured.figure."""
    from bench import figures

    modules = {
        known: module
        for known, module in figures.load().items()
        if figures.source(module) == source
    }
    if name not in modules:
        raise UserError(
            f"no figure of {source} is called {name!r}",
            remedy=f"name one of {', '.join(modules)}",
        )
    figure, data = modules[name].draw(document, samples, limits)
    figures.sign(figure, document)
    if run.sealed:
        with tempfile.TemporaryDirectory() as place:
            return _saved(Path(place), name, figure, data)
    return _saved(run.path / "figures", name, figure, data)


def _saved(place: Path, name: str, figure: Figure, data: pd.DataFrame) -> Image:
    from IPython.display import Image

    from bench import figures

    figures.save(place, name, figure, data)
    return Image(  # type: ignore[no-untyped-call]
        data=(place / f"{name}.png").read_bytes(),
        width=round(figure.get_figwidth() * 100),
        alt=str(figure.get_label()),
    )


def markdown(text: str) -> Markdown:
    """Text that a notebook shows as Markdown."""
    from IPython.display import Markdown

    return Markdown(text)  # type: ignore[no-untyped-call]

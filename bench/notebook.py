"""What the notebooks call, so that each cell of them is a line or two.

A notebook executed by the batch writes into the run that ``WORKBENCH_RUN`` names; one
that is executed by itself, in JupyterLab or by papermill, makes a run of its own and
seals it with its last cell.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.paths import ROOT
from bench.platform import LimitProfile, limit_profile
from bench.store import RUN_VARIABLE, Run
from bench.verdict import answer

if TYPE_CHECKING:
    import pandas as pd
    from IPython.display import Image, Markdown
    from pandas.io.formats.style import Styler


def request_path(
    *,
    transcript: str,
    runtimes: list[str],
    phases: list[str],
    profile: str,
    limits: str,
    seed: int,
) -> RequestPath:
    """Measure the request path, or what the run still lacks of it.

    ``transcript`` is a file, relative to the working folder, or blank for the
    committed one. Raises UserError for a bad parameter before a run is made.
    """
    import orjson

    from bench.measure import stages
    from bench.measure.sizes import size
    from bench.progress import Progress
    from bench.transcript import given

    chosen = limit_profile(limits)
    check(runtimes, phases, profile)
    loaded = given(Path(transcript) if transcript else None)
    parameters = {
        "transcript": loaded.label,
        "runtimes": runtimes,
        "phases": phases,
        "limits": limits,
    }
    run, own = _run(parameters, profile, seed, {loaded.label: loaded.sha256})
    with Progress(seconds=size(profile).seconds(phases, len(runtimes))) as progress:
        result = stages.measure(
            run,
            transcript=loaded,
            runtimes=runtimes,
            phases=phases,
            profile=profile,
            seed=seed,
            progress=progress,
        )
    run.save("stages.json", orjson.dumps(result))
    return RequestPath(run, own, result, chosen, run.samples())


@dataclass(frozen=True, slots=True)
class RequestPath:
    """A measured request path, as a notebook shows it.

    ``result`` is the document of ``bench stages``, ``samples`` the rows behind it.
    """

    run: Run
    own: bool
    result: dict[str, Any]
    limits: LimitProfile
    samples: pd.DataFrame

    def verdict(self) -> Markdown:
        """The answer in a sentence or two, computed from the result."""
        return _markdown(answer.sentence(self.result, self.limits))

    def stages(self) -> Styler:
        """CPU of each stage in ms, in path order; empty columns are left out."""
        from bench.report import tables

        return tables.stages(self.result)

    def totals(self) -> Styler:
        """CPU of each invocation in ms, its floor, closure and A/A control."""
        from bench.report import tables

        return tables.wholes(self.result)

    def article(self) -> Styler:
        """The article's CPU table in ms beside ours, with intervals."""
        from bench.report import tables
        from bench.verdict import article

        return tables.article(self.result, article.rows(self.samples))

    def warming(self) -> Styler:
        """CPU in ms of the first requests of a fresh isolate or process."""
        from bench.report import tables

        return tables.warming(self.result)

    def instruments(self) -> Styler:
        """What each instrument says of each invocation, in ms, and its doubts."""
        from bench.report import tables

        return tables.instruments(self.result)

    def isolate(self) -> Styler:
        """Start-up, script, heap and stream conversion against their limits."""
        from bench.report import tables

        return tables.isolate(self.result, self.limits)

    def figure(self, name: str) -> Image:
        """Draw the figure called ``name`` and save it, with its data, in the run.

        It is shown as the saved picture: a Figure made without pyplot has no picture
        of its own in a notebook. Raises UserError for an unknown name.
        """
        from IPython.display import Image

        from bench import figures

        modules = figures.load()
        if name not in modules:
            raise UserError(
                f"no figure is called {name!r}",
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

    def profiles(self) -> Markdown:
        """Links to the profiles of the run, relative to where it keeps notebooks."""
        files = sorted((self.run.path / "profiles").iterdir())
        links = [f"- [{file.name}]({self._link(file)})" for file in files]
        return _markdown("\n".join(links) or "No profile was made.")

    def finish(self) -> Markdown:
        """Say where everything is; a run of the notebook's own is sealed."""
        name = self.run.path.name
        if not self.own:
            return _markdown(f"This notebook is part of the run `{name}`.")
        failed = any(row["error"] for row in self.result["rows"])
        self.run.seal("failed" if failed else "finished")
        return _markdown(f"Everything is kept in `{self._link(self.run.path)}`.")

    def _link(self, file: Path) -> str:
        # A batch keeps the executed copy in a folder beside the linked ones.
        start = Path.cwd() if self.own else self.run.path / "notebooks"
        return Path(os.path.relpath(file, start)).as_posix()


def check(runtimes: list[str], phases: list[str], profile: str) -> None:
    """Raise UserError for a runtime, phase or profile that does not exist."""
    from bench import runtimes as registry
    from bench.measure.sizes import size
    from bench.measure.stages import check_phases

    if not runtimes:
        raise UserError(
            "is empty",
            field="runtimes",
            remedy=f"choose one or more of {', '.join(registry.names())}",
        )
    for name in runtimes:
        registry.load(name)
    check_phases(phases)
    size(profile)


def _run(
    parameters: dict[str, Any], profile: str, seed: int, fixtures: dict[str, str]
) -> tuple[Run, bool]:
    """The run to write into, and whether it is the notebook's own."""
    import orjson

    given = os.environ.get(RUN_VARIABLE)
    if given:
        return Run.open(ROOT / given), False
    values = parameters | {"profile": profile, "seed": seed}
    argv = ["notebooks/01_request_path.ipynb", "out.ipynb", "-y"]
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


def _markdown(text: str) -> Markdown:
    from IPython.display import Markdown

    return Markdown(text)  # type: ignore[no-untyped-call]

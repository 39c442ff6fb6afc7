"""Notebook 04: what does each row of the decision matrix cost a Worker?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bench.errors import UserError
from bench.notebook._measured import Measured, markdown, open_run
from bench.platform import limit_profile

if TYPE_CHECKING:
    from IPython.display import Markdown
    from pandas.io.formats.style import Styler


def replay_workloads(
    *, workloads: list[str], profile: str, limits: str, seed: int
) -> Workloads:
    """Measure the rows called ``workloads``, all where there are none, or what the run
    still lacks of them. Raises UserError for a bad parameter before a run is made.
    """
    import orjson

    from bench.measure import workloads as measured
    from bench.progress import Progress
    from bench.verbs._output import finite

    chosen = limit_profile(limits)
    check_workloads(workloads, profile)
    parameters = {"workloads": workloads, "limits": limits}
    run, own = open_run("04_workloads", parameters, profile, seed, {})
    with Progress(seconds=measured.seconds(profile)) as progress:
        result = measured.measure(
            run,
            names=workloads,
            profile=profile,
            limits=chosen,
            seed=seed,
            progress=progress,
        )
    run.save("workloads.json", orjson.dumps(finite(result)))
    return Workloads(run, own, result, chosen, run.samples())


def check_workloads(names: Sequence[str], profile: str) -> None:
    """Raise UserError for a workload or a profile that there is not."""
    from bench import workloads as rows
    from bench.measure.sizes import size

    size(profile)
    for name in names:
        if not isinstance(name, str):
            raise UserError(
                f"{name!r} is not the name of a workload",
                field="workloads",
                remedy=f"choose of {', '.join(rows.load())}, or none for all",
            )
    try:
        rows.chosen(names)
    except UserError as error:
        raise UserError(
            error.message, field="workloads", remedy=error.remedy
        ) from error


@dataclass(frozen=True, slots=True)
class Workloads(Measured):
    """Measured workloads, as a notebook shows them."""

    SOURCE: ClassVar[str] = "workloads"

    def verdict(self) -> Markdown:
        """Which workloads a request limit is near to, in a few sentences."""
        from bench.report import _workloads

        return markdown(_workloads.sentence(self.result))

    def costs(self) -> Styler:
        """What every case is charged, in ms, and what it moves."""
        from bench.report import _workloads, tables

        return tables.shown(_workloads.costs(self.result))

    def laws(self) -> Styler:
        """How it grows with the input, and where it reaches the limit."""
        from bench.report import _workloads, tables

        return tables.shown(_workloads.laws(self.result))

    def articles(self) -> Styler:
        """The rows as the article has them, and what is replayed for each."""
        from bench.report import _workloads, tables

        return tables.shown(_workloads.articles(self.result))

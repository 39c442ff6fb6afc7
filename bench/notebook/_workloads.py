"""Notebook 04: what does each row of the decision matrix cost, and do the article's
fixes work?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bench.errors import UserError
from bench.notebook._measured import Measured, finished, keeping, markdown, open_run
from bench.platform import LimitProfile, limit_profile

if TYPE_CHECKING:
    from IPython.display import Markdown
    from pandas.io.formats.style import Styler


def replay_workloads(
    *,
    workloads: list[str],
    remedies: bool,
    profile: str,
    limits: str,
    seed: int,
    run: str = "",
) -> Workloads:
    """Measure the rows called ``workloads``, all where there are none, with the engines
    that they name, then try the article's fixes unless ``remedies`` is False; or what
    the run still lacks of it all. Where ``run`` names a finished run that one is shown,
    and nothing is measured. Raises UserError for a bad parameter before a run is made.
    """
    import orjson

    from bench.measure import remedies as fixes
    from bench.measure import replay
    from bench.progress import Progress
    from bench.verbs._output import finite

    chosen = limit_profile(limits)
    if run:
        return _finished(run, chosen, remedies)
    check_workloads(workloads, profile)
    parameters = {"workloads": workloads, "remedies": remedies, "limits": limits}
    made, own = open_run("04_workloads", parameters, profile, seed, {})
    seconds = replay.seconds(profile, workloads)
    more = fixes.SIZES[profile].seconds if remedies else 0.0
    with keeping(made, own), Progress(seconds=seconds + more) as progress:
        result = replay.replay(
            made,
            names=workloads,
            profile=profile,
            limits=chosen,
            seed=seed,
            progress=progress,
        )
        made.save("workloads.json", orjson.dumps(finite(result)))
        tried: dict[str, Any] = {}
        if remedies:
            tried = fixes.measure(made, profile=profile, seed=seed, progress=progress)
            made.save("remedies.json", orjson.dumps(finite(tried)))
    return Workloads(made, own, result, chosen, made.samples(), tried)


def _finished(run: str, chosen: LimitProfile, remedies: bool) -> Workloads:
    """What a finished run holds; the fixes may have been left out of it."""
    source, into, result = finished(run, Workloads.SOURCE)
    tried: dict[str, Any] = {}
    if remedies and (source.path / f"{Remedies.SOURCE}.json").is_file():
        tried = finished(run, Remedies.SOURCE)[2]
    return Workloads(into, False, result, chosen, source.samples(), tried)


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
    """Measured workloads, as a notebook shows them; ``tried`` is the document of the
    fixes, empty where they were left out."""

    SOURCE: ClassVar[str] = "workloads"

    tried: dict[str, Any]

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

    def engines(self) -> Styler:
        """Which engines outside ran, and why others did not."""
        from bench.report import _engines, tables

        return tables.shown(_engines.engines(self.result))

    def services(self) -> Styler:
        """What a request takes an engine by itself, in ms, by size."""
        from bench.report import _engines, tables

        return tables.shown(_engines.services(self.result))

    def sizes(self) -> Styler:
        """How an engine's time grows, and what that says of millions."""
        from bench.report import _engines, tables

        return tables.shown(_engines.sizes(self.result))

    def fixes(self) -> Remedies:
        """The article's fixes, which were tried into the same run."""
        return Remedies(self.run, self.own, self.tried, self.limits, self.samples)

    def failed(self) -> bool:
        """Whether a part of either measurement failed; the rest is kept."""
        return bool(self.result.get("errors") or self.tried.get("errors"))


@dataclass(frozen=True, slots=True)
class Remedies(Measured):
    """The article's fixes, as a notebook shows them; its run is finished by the
    workloads."""

    SOURCE: ClassVar[str] = "remedies"

    def answers(self) -> Markdown:
        """What was asked of each fix, and what was found."""
        from bench.report import _remedies

        said = _remedies.markdown(self.result)
        return markdown(said or "The fixes were left out.")

    def numbers(self) -> Styler:
        """The numbers behind the answers, with intervals over groups of processes."""
        from bench.report import _remedies, tables

        return tables.shown(_remedies.numbers(self.result))

"""Notebook 01: where the CPU of one RAG request goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.errors import UserError
from bench.notebook._measured import Measured, finished, keeping, markdown, open_run
from bench.platform import limit_profile
from bench.verdict import answer

if TYPE_CHECKING:
    from IPython.display import Markdown
    from pandas.io.formats.style import Styler


def request_path(
    *,
    transcript: str,
    runtimes: list[str],
    phases: list[str],
    profile: str,
    limits: str,
    seed: int,
    run: str = "",
) -> RequestPath:
    """Measure the request path, or what the run still lacks of it.

    ``transcript`` is a file, relative to the working folder, or blank for the
    committed one. Where ``run`` names a finished run that one is shown, and nothing is
    measured. Raises UserError for a bad parameter before a run is made.
    """
    import orjson

    from bench.measure import stages
    from bench.measure.sizes import size
    from bench.progress import Progress
    from bench.transcript import given
    from bench.verdict import article

    chosen = limit_profile(limits)
    if run:
        source, into, result = finished(run, RequestPath.SOURCE)
        return RequestPath(into, False, result, chosen, source.samples())
    check(runtimes, phases, profile)
    loaded = given(Path(transcript) if transcript else None)
    parameters = {
        "transcript": loaded.label,
        "runtimes": runtimes,
        "phases": phases,
        "limits": limits,
    }
    made, own = open_run(
        "01_request_path", parameters, profile, seed, {loaded.label: loaded.sha256}
    )
    seconds = size(profile).seconds(phases, len(runtimes))
    with keeping(made, own), Progress(seconds=seconds) as progress:
        result = stages.measure(
            made,
            transcript=loaded,
            runtimes=runtimes,
            phases=phases,
            profile=profile,
            seed=seed,
            progress=progress,
        )
    samples = made.samples()
    result["article"] = article.rows(samples)
    made.save("stages.json", orjson.dumps(result))
    return RequestPath(made, own, result, chosen, samples)


@dataclass(frozen=True, slots=True)
class RequestPath(Measured):
    """A measured request path, as a notebook shows it."""

    SOURCE: ClassVar[str] = "stages"

    def verdict(self) -> Markdown:
        """The answer in a sentence or two, computed from the result."""
        return markdown(answer.sentence(self.result, self.limits))

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

        return tables.article(self.result)

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

    def profiles(self) -> Markdown:
        """Links to the profiles of the run, relative to where it keeps notebooks."""
        files = sorted((self.run.path / "profiles").iterdir())
        links = [f"- [{file.name}]({self.link(file)})" for file in files]
        return markdown("\n".join(links) or "No profile was made.")

    def failed(self) -> bool:
        """Whether a stage failed; the rest is kept."""
        return any(row["error"] for row in self.result["rows"])


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

"""Notebook 03: where should re-ranking happen, and what is left to pay?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bench.errors import UserError
from bench.notebook._measured import Measured, finished, keeping, markdown, open_run
from bench.platform import limit_profile
from bench.verdict import rerank as verdict

if TYPE_CHECKING:
    from IPython.display import Markdown
    from pandas.io.formats.style import Styler

_RANGES = {"ks": (1, 1000), "dims": (2, 4096)}


def rerank_offload(
    *,
    ks: list[int],
    dims: list[int],
    profile: str,
    limits: str,
    seed: int,
    run: str = "",
) -> RerankOffload:
    """Measure re-ranking, or what the run still lacks of it.

    ``ks`` are numbers of matches, ``dims`` of dimensions; every pair of them is
    measured, or the profile's own where both are blank. Where ``run`` names a finished
    run that one is shown, and nothing is measured. Raises UserError for a bad parameter
    before a run is made.
    """
    import orjson

    from bench.measure import rerank
    from bench.progress import Progress

    chosen = limit_profile(limits)
    if run:
        source, into, result = finished(run, RerankOffload.SOURCE)
        return RerankOffload(into, False, result, chosen, source.samples())
    check_rerank(ks, dims, profile)
    parameters = {"ks": ks, "dims": dims, "limits": limits}
    made, own = open_run("03_rerank_offload", parameters, profile, seed, {})
    seconds = rerank.seconds(profile)
    with keeping(made, own), Progress(seconds=seconds) as progress:
        result = rerank.measure(
            made,
            grid=rerank.grid(ks, dims),
            profile=profile,
            limits=chosen,
            seed=seed,
            progress=progress,
        )
    made.save("rerank.json", orjson.dumps(result))
    return RerankOffload(made, own, result, chosen, made.samples())


def check_rerank(ks: Sequence[int], dims: Sequence[int], profile: str) -> None:
    """Raise UserError for numbers that no job can have, or an unknown profile."""
    from bench.measure.sizes import size

    size(profile)
    for field, values in (("ks", ks), ("dims", dims)):
        low, high = _RANGES[field]
        for value in values:
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or not low <= value <= high:
                raise UserError(
                    f"{value!r} is not a whole number from {low} to {high:,}",
                    field=field,
                    remedy="name such numbers, or none for the profile's",
                )


@dataclass(frozen=True, slots=True)
class RerankOffload(Measured):
    """Measured re-ranking, as a notebook shows it."""

    SOURCE: ClassVar[str] = "rerank"

    def verdict(self) -> Markdown:
        """The answer in a few sentences, computed from the result."""
        return markdown(verdict.sentence(self.result))

    def rerankers(self) -> Styler:
        """CPU in us of every re-ranker by itself at the main job, with ratios."""
        from bench.report import _rerank, tables

        return tables.shown(_rerank.rerankers(self.result))

    def options(self) -> Styler:
        """What a Worker still pays for each way to re-rank, in ms."""
        from bench.report import _rerank, tables

        return tables.shown(_rerank.options(self.result))

    def latency(self) -> Styler:
        """Wall clock of a request in ms with a network of several lengths added."""
        from bench.report import _rerank, tables

        return tables.shown(_rerank.latency(self.result))

    def break_even(self) -> Styler:
        """The cheapest exact way at every job, in ms."""
        from bench.report import _rerank, tables

        return tables.shown(_rerank.break_even(self.result))

    def service(self) -> Styler:
        """What the service itself pays for a query, by batch."""
        from bench.report import _rerank, tables

        return tables.shown(_rerank.service(self.result))

    def stories(self) -> Styler:
        """The article's re-ranking under every condition that was measured, in ms."""
        from bench.report import _rerank, tables

        return tables.shown(_rerank.stories(self.result))

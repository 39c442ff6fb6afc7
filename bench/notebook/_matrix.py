"""Notebook 05: which workload fits which limit, and what would change that?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bench.notebook._measured import Measured, folder, markdown, naming, open_run
from bench.platform import limit_profile, limit_profiles

if TYPE_CHECKING:
    from IPython.display import Markdown

_NOTHING = "none"  # duration profile of what measures nothing


def decision_matrix(*, run: str, limits: str, seed: int) -> DecisionMatrix:
    """The matrix from the samples of a run; nothing is measured.

    ``run`` is a folder of results. Where it is blank that is the run of the batch, and
    outside of one the latest that has workloads, else the reference. ``limits`` is the
    profile that is shown in detail. Raises UserError for a bad parameter before a run
    is made.
    """
    import os

    import orjson

    from bench.store import RUN_VARIABLE
    from bench.verbs._output import finite
    from bench.verdict import evidence, matrix, matrix_text

    chosen = limit_profile(limits)
    batch = RUN_VARIABLE in os.environ and not run
    with naming("run"):
        source = None if batch else evidence.chosen(folder(run) if run else None)
    parameters = {"run": run, "limits": limits}
    target, own = open_run("05_decision_matrix", parameters, _NOTHING, seed, {})
    source = source or target
    profiles = list(({chosen.name: chosen} | limit_profiles()).values())
    result = finite(matrix.document(source, profiles, seed))
    target.save("matrix.json", orjson.dumps(result))
    target.save("matrix.md", matrix_text.markdown(result).encode())
    return DecisionMatrix(target, own, result, chosen, source.samples())


@dataclass(frozen=True, slots=True)
class DecisionMatrix(Measured):
    """The matrix, as a notebook shows it."""

    SOURCE: ClassVar[str] = "matrix"

    def overview(self) -> Markdown:
        """Every workload and profile, with what the symbols mean."""
        from bench.verdict import matrix_text

        parts = [matrix_text.overview(self.result), matrix_text.key(self.result)]
        return markdown("\n\n".join(parts))

    def details(self) -> Markdown:
        """Verdict, margin in ms, driver and place of each workload, in one profile."""
        from bench.verdict import matrix_text

        return markdown(matrix_text.details(self.result, self.limits.name))

    def reasons(self) -> Markdown:
        """Why ours is the article's verdict, or not, in one profile."""
        from bench.verdict import matrix_text

        return markdown(matrix_text.reasons(self.result, self.limits.name))

    def flips(self) -> Markdown:
        """What flips a verdict of one profile."""
        from bench.verdict import matrix_text

        return markdown(matrix_text.flips(self.result, self.limits.name))

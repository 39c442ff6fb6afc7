"""Notebook 06: which of the article's claims hold, and under which conditions?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bench.notebook._measured import Measured, folder, markdown, naming, open_run
from bench.platform import limit_profile

if TYPE_CHECKING:
    from IPython.display import Markdown

_NOTHING = "none"  # duration profile of what measures nothing


def judged_claims(*, run: str, limits: str, seed: int) -> JudgedClaims:
    """The claims, judged by a run; nothing is measured.

    ``run`` is a folder of results. Where it is blank that is the run of the batch, and
    outside of one the latest finished run, else the reference. Raises UserError for a
    bad parameter before a run is made.
    """
    import os

    import orjson

    from bench.store import RUN_VARIABLE
    from bench.verbs._output import finite
    from bench.verdict import claims

    chosen = limit_profile(limits)
    batch = RUN_VARIABLE in os.environ and not run
    with naming("run"):
        source = None if batch else claims.chosen(folder(run) if run else None)
    parameters = {"run": run, "limits": limits}
    target, own = open_run("06_claims", parameters, _NOTHING, seed, {})
    source = source or target
    result = finite(claims.document(source, chosen, seed))
    target.save("claims.json", orjson.dumps(result))
    return JudgedClaims(target, own, result, chosen, source.samples())


@dataclass(frozen=True, slots=True)
class JudgedClaims(Measured):
    """The claims, as a notebook shows them."""

    SOURCE: ClassVar[str] = "claims"

    def summary(self) -> Markdown:
        """How many claims there are, and how many of each verdict."""
        from bench.verdict.claims import _text

        return markdown(_text.sentence(self.result))

    def of(self, verdict: str) -> Markdown:
        """The claims of one verdict: the article, ours, and why.

        Raises UserError for an unknown verdict.
        """
        from bench.errors import UserError
        from bench.verdict.claims import VERDICTS, _text

        if verdict not in VERDICTS:
            raise UserError(
                f"{verdict!r} is not a verdict",
                field="verdict",
                remedy=f"name one of {', '.join(VERDICTS)}",
            )
        return markdown(_text.markdown(self.result, verdict))

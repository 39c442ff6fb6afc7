"""Notebook 07: what breaks first under the expected traffic, and at what cost?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.notebook._measured import Measured, folder, markdown, naming, open_run
from bench.platform import limit_profile, limit_profiles

if TYPE_CHECKING:
    from IPython.display import Markdown

_NOTHING = "none"  # duration profile of what measures nothing
_NAME = "07_capacity"


def plan_capacity(
    *,
    run: str,
    trace: str,
    rate: float,
    duration: str,
    workload: str,
    limits: str,
    locations: int,
    assume: dict[str, Any],
    check: bool,
    seed: int,
) -> Capacity:
    """A plan from the samples of a run; nothing is measured.

    ``run`` is a folder of results. Where it is blank that is the run of the batch, and
    outside of one the latest that has workloads, else the reference. Without a
    ``trace`` the traffic is ``rate`` requests a second for ``duration``. ``limits`` is
    the profile that is shown in detail, ``assume`` replaces assumptions by name. Raises
    UserError for a bad parameter before a run is made.
    """
    import os

    import orjson

    from bench.progress import Progress
    from bench.report import _capacity
    from bench.store import RUN_VARIABLE
    from bench.verbs._output import finite
    from bench.verdict import _capacity_traffic as traffic
    from bench.verdict import capacity, evidence
    from bench.verdict._capacity_assumed import Assumed

    chosen = limit_profile(limits)
    assumed = Assumed().replaced({"locations": locations} | assume)
    if trace:
        with naming("trace"):
            expected = traffic.of_trace(
                Path(trace), format=None, columns=None, volume=1.0, speed=1.0, seed=seed
            )
    else:
        expected = traffic.of_rate(rate, traffic.seconds(duration))
    batch = RUN_VARIABLE in os.environ and not run
    with naming("run"):
        source = None if batch else evidence.chosen(folder(run) if run else None)
    parameters = {
        "run": run,
        "trace": trace,
        "rate": rate,
        "duration": duration,
        "workload": workload,
        "limits": limits,
        "locations": locations,
        "assume": assume,
        "check": check,
    }
    target, own = open_run(_NAME, parameters, _NOTHING, seed, {})
    source = source or target
    profiles = list(({chosen.name: chosen} | limit_profiles()).values())
    with Progress(seconds=capacity.seconds(expected)) as progress:
        document = capacity.document(
            source,
            expected,
            profiles,
            workload=workload or None,
            assumed=assumed,
            seed=seed,
            check=check,
            progress=progress,
        )
    result = finite(document)
    target.save("capacity.json", orjson.dumps(result))
    target.save("capacity.md", _capacity.markdown(result).encode())
    return Capacity(target, own, result, chosen, source.samples())


@dataclass(frozen=True, slots=True)
class Capacity(Measured):
    """The plan, as a notebook shows it."""

    SOURCE: ClassVar[str] = "capacity"

    def answer(self) -> Markdown:
        """The first limit to break, in one sentence."""
        from bench.report import _capacity

        sentence = _capacity.sentence(self.result, self.limits.name)
        return markdown(f"**{sentence}**")

    def why(self) -> Markdown:
        """What the traffic is like, what that does, and what cannot be said."""
        return markdown("\n\n".join(map(str, self.result["why"])))

    def table(self, name: str) -> Markdown:
        """``metrics``, ``limits``, ``costs``, ``external``, ``break_even`` or
        ``twins``, the limits of one profile. Raises UserError for another name."""
        from bench.errors import UserError
        from bench.report import _capacity

        tables = {
            "metrics": _capacity.metrics,
            "limits": lambda found: _capacity.limits(found, self.limits.name),
            "costs": _capacity.costs,
            "external": _capacity.external,
            "break_even": _capacity.break_even,
            "twins": _capacity.twins,
        }
        if name not in tables:
            raise UserError(
                f"no table is called {name!r}",
                remedy=f"name one of {', '.join(tables)}",
            )
        found = tables[name](self.result)
        return markdown(_capacity.as_markdown(found) if found.rows else "None.")

    def reasons(self) -> Markdown:
        """Why each limit of one profile binds where it does, and its source."""
        from bench.report import _capacity

        return markdown(_capacity.reasons(self.result, self.limits.name))

    def assumptions(self) -> Markdown:
        """Everything that was guessed, and its value."""
        from bench.report import _capacity, _capacity_cells
        from bench.report._evidence import Table

        guesses = self.result["assumptions"]["guesses"]
        rows = [
            [name, _capacity_cells.short(guess["value"]), str(guess["meaning"])]
            for name, guess in guesses.items()
        ]
        found = Table(["assumption", "value", "meaning"], rows, [])
        simulated = _capacity.simulated(self.result)
        return markdown(f"{_capacity.as_markdown(found)}\n\n{simulated}")

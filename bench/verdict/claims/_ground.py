"""What claims are held against: the samples and documents of a run, limits, and ids
that lead back to them.

An id of evidence is one of

    runtime/phase/invocation/stage/variant/fixture   rows of samples.parquet
    stages.json#rows/runtime=workerd/phase=warm      rows of a document's list
    fixtures/embedding.json                          a committed input
    platform#vectorize.vectors                       a row of `bench.platform.tables`
    claims#no_node_crypto                            the source that a claim names
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson

from bench.errors import UserError
from bench.measure.statistics import Interval, mean_interval, ratio_interval, typical
from bench.verdict import evidence
from bench.verdict.claims._judge import ASSUMED, Found

if TYPE_CHECKING:
    import pandas as pd

    from bench.platform import LimitProfile
    from bench.store import Run

PLATFORM, SOURCE, FIXTURES = "platform#", "claims#", "fixtures/"
_CLOCKS = frozenset({"ns", "us", "ms", "s"})
_TO_MS = {"us": 1e-3, "s": 1e3}
Row = dict[str, Any]


class Read(NamedTuple):
    """A number that the samples hold, its unit, and the ids of its rows."""

    found: Found
    unit: str
    evidence: list[str]


class Ground:
    """One run and one limit profile, read once for all claims."""

    def __init__(self, run: Run, limits: LimitProfile, seed: int) -> None:
        self.run, self.limits, self.seed = run, limits, seed
        self.samples = run.samples()
        names = [*evidence.PARTS, "metric"]
        self._places = self.samples[names].fillna("").astype(str)

    @property
    def plan(self) -> Literal["free", "paid"]:
        """Which of two documented values counts: that of ``free`` or of ``paid``."""
        return "free" if self.limits.name == "free" else "paid"

    @cached_property
    def factors(self) -> tuple[float, float]:
        """Ends of the transfer factor: fitted for the run, or assumed."""
        from bench import transfer

        fitted = transfer.of_run(self.run.path)
        return ASSUMED if fitted is None else (fitted.low, fitted.high)

    @cached_property
    def table(self) -> list[Row]:
        """The article's CPU table beside ours (`verdict.article.rows`)."""
        from bench.verdict import article

        return article.rows(self.samples)

    @cached_property
    def matrix(self) -> Mapping[str, Row]:
        """Rows of the decision matrix by workload, for the limit profile."""
        from bench.verdict import matrix

        document = matrix.document(self.run, [self.limits], self.seed)
        return {str(row["workload"]): row for row in document["rows"]}

    def document(self, name: str) -> Row:
        """A document of the run, an empty one where it has none.

        Raises UserError for a file that is not JSON.
        """
        path = self.run.path / name
        try:
            found = orjson.loads(path.read_bytes())
        except FileNotFoundError:
            return {}
        except orjson.JSONDecodeError as error:
            raise UserError(
                f"is not JSON: {error}", file=path, remedy="measure the run again"
            ) from error
        return found if isinstance(found, dict) else {}

    def at(self, place: Mapping[str, str]) -> pd.DataFrame:
        """Samples at a place, finite ones: parts of an id, and ``metric``."""
        import pandas as pd

        wanted = pd.Series(data=True, index=self.samples.index)
        for name, value in place.items():
            wanted &= self._places[name] == value
        here = self.samples[wanted].copy()
        here["value"] = pd.to_numeric(here["value"], errors="coerce")
        return here[here["value"].abs() < math.inf]

    def read(self, place: Mapping[str, str]) -> Read | None:
        """The mean over processes with its interval; times in ms. None without any."""
        here = self.at(place)
        if here.empty:
            return None
        unit = str(here["unit"].iloc[0])
        found = without_ends(mean_interval(list(_each(here).values())))
        ids = idents(here)
        if unit in _CLOCKS:
            return Read(found.times(_TO_MS.get(unit, 1.0)), "ms", ids)
        return Read(found, unit, ids)

    def ratio(self, one: Mapping[str, str], other: Mapping[str, str]) -> Read | None:
        """The ratio of two places, process by process; None without any pair."""
        above, below = self.at(one), self.at(other)
        if above.empty or below.empty:
            return None
        counted, against = _each(above), _each(below)
        logs = [
            math.log(value / against[process])
            for process, value in counted.items()
            if value > 0 and against.get(process, 0) > 0
        ]
        if not logs:
            return None
        ids = [*idents(above), *idents(below)]
        return Read(without_ends(ratio_interval(logs)), "times", ids)


def _each(here: pd.DataFrame) -> dict[Any, float]:
    """One value of each process: of times the typical one, else the plain mean."""
    clock = str(here["unit"].iloc[0]) in _CLOCKS
    central = typical if clock else fmean
    groups = here.groupby("process", sort=True)["value"]
    return {name: central(values.tolist()) for name, values in groups}


def without_ends(found: Interval) -> Found:
    """An interval; of one process, which has no ends, the value alone."""
    if found.n < 2:
        return Found(found.value)
    return Found(found.value, found.low, found.high)


def idents(here: pd.DataFrame) -> list[str]:
    """The id of each thing measured among the rows, once."""
    places = here[list(evidence.PARTS)].fillna("").drop_duplicates()
    rows = (
        dict(zip(evidence.PARTS, place, strict=True)) for place in places.to_numpy()
    )
    return [evidence.ident(row) for row in rows]


def named(document: str, table: str, **keys: str) -> str:
    """The id of the rows of a document's list that have all of ``keys``."""
    parts = [f"{key}={_quoted(value)}" for key, value in keys.items()]
    return f"{document}#{'/'.join([table, *parts])}"


def _quoted(text: str) -> str:
    return text.replace("%", "%25").replace("/", "%2F")


def follow(run: Run, samples: pd.DataFrame, ident: str) -> list[Any]:
    """What an id of evidence leads to; empty where it leads nowhere."""
    from bench.platform import tables
    from bench.verdict.claims._claim import load

    if ident.startswith(PLATFORM):
        return [tables.find(ident.removeprefix(PLATFORM))]
    if ident.startswith(SOURCE):
        claim = load().get(ident.removeprefix(SOURCE))
        return [claim] if claim else []
    if ident.startswith(FIXTURES):
        from bench import fixture_set

        return [fixture_set.read(ident.removeprefix(FIXTURES))]
    if "#" in ident:
        return list(_document_rows(run, ident))
    return list(evidence.find(samples, ident)["value"])


def _document_rows(run: Run, ident: str) -> Iterator[Row]:
    name, _, rest = ident.partition("#")
    table, *pairs = rest.split("/")
    wanted = [pair.partition("=")[::2] for pair in pairs]
    for row in orjson.loads((run.path / name).read_bytes()).get(table) or []:
        if all(_quoted(str(row.get(key))) == value for key, value in wanted):
            yield row

"""Claims that a run can tell: from its samples, the CPU table, and the matrix."""

from __future__ import annotations

from typing import Any

from bench.figures._common import milliseconds, number
from bench.figures._contest import listed
from bench.verdict.claims import _judge
from bench.verdict.claims._claim import Claim
from bench.verdict.claims._ground import PLATFORM, Ground, Read, named
from bench.verdict.claims._judge import MISSING, NOT_REPRODUCED, REPRODUCED, Found
from bench.verdict.claims._outcome import Outcome, told

_STAGES = "bench stages --runtime workerd"
_RUNTIME, _WARM, _COLD, _CHAT = "workerd", "warm", "cold", "chat"
_MEGABYTE = 1_000_000
_LIMIT = "a limit of the platform"  # what decides, as the matrix says it
_PARSER = {"parser": "v8_json", "mode": "full", "family": "transcript"}
_TOLD = 3  # conditions in a sentence
_FIRST = "first request"  # what the conditions of cold parses already say
Row = dict[str, Any]


def missing(run: str) -> Outcome:
    """Nothing in the run tells."""
    return Outcome(MISSING, why=f"Not in this run: run `{run}`.")


def sample(claim: Claim, ground: Ground) -> Outcome:
    """A place in the samples, as it is, divided by another, or as part of the limit."""
    place = claim.sample or {}
    read = ground.ratio(place, claim.over) if claim.over else ground.read(place)
    extra = []
    if read is None and claim.megabyte:
        read = _megabyte(ground)
        extra = ["Reckoned for one megabyte from a line through smaller bodies."]
    if read is None:
        return missing(claim.run)
    found = read.found
    if claim.share:
        found = found.times(100 / ground.limits.cpu_ms)
        limit = f"{ground.limits.cpu_ms:,g} ms ({ground.limits.name})"
        extra.append(f"It is {milliseconds(read.found.value)} ms of {limit}.")
    ids = list(read.evidence)
    better = _instead(claim, ground)
    if better is not None:
        ids += better.evidence
        extra.append(f"It is {told(better.found, claim.unit)} {claim.instead_is}.")
    if claim.stories:
        said, rows = _stories(claim.stories, ground)
        extra += said
        ids += rows
    return _judged(claim, ground, found, ids, extra)


def table(claim: Claim, ground: Ground) -> Outcome:
    """A row of the article's CPU table, warm; cold is another condition."""
    rows = {
        row["phase"]: row
        for row in ground.table
        if (row["runtime"], row["operation"]) == (_RUNTIME, claim.operation)
        and row["cpu_ms"] is not None
    }
    found, cold = (_of(rows.get(phase), "cpu_ms") for phase in (_WARM, _COLD))
    if found is None:
        return missing(_STAGES)
    ids = []
    for phase in (phase for phase in (_WARM, _COLD) if phase in rows):
        for stage in rows[phase]["stages"]:
            here = {"runtime": _RUNTIME, "phase": phase, "invocation": _CHAT}
            place = here | {"stage": stage, "variant": "metered"}
            read = ground.read(place)
            ids += read.evidence if read else []
    extra = []
    if cold is not None:
        fits = _judge.agrees(
            cold, claim.ends, claim.bound, _judge.measured("ms", ground.factors)
        )
        verb = "comes true" if fits else "does not come true either"
        extra = [f"In the first request of an isolate it {verb}: {told(cold, 'ms')}."]
    return _judged(claim, ground, found, ids, extra)


def stage(claim: Claim, ground: Ground) -> Outcome:
    """What a stage of the warm chat request costs without its calls."""
    place = {"runtime": _RUNTIME, "phase": _WARM, "invocation": _CHAT}
    place["stage"] = claim.stage
    for row in listed(ground.document("stages.json"), "rows"):
        if all(row.get(key) == value for key, value in place.items()):
            keys = ("compute_ms", "compute_low", "compute_high")
            found = _of(row, *keys)
            if found is not None:
                ids = [named("stages.json", "rows", **place)]
                return _judged(claim, ground, found, ids, [])
    return missing(claim.run)


def matrix(claim: Claim, ground: Ground) -> Outcome:
    """The verdict on a workload, which agrees with the article's or does not."""
    row = ground.matrix[claim.workload]
    if row["agrees"] is None:
        return missing("bench workloads")
    # A limit other than CPU decides without a sample.
    limited = row["driver_of"] == _LIMIT
    return Outcome(
        REPRODUCED if row["agrees"] == "yes" else NOT_REPRODUCED,
        measured=str(row["verdict"]),
        why=str(row["why"]),
        evidence=[*row["evidence"], *([f"{PLATFORM}{row['driver']}"] * limited)],
        basis="documentation" if limited else "run",
    )


def _judged(
    claim: Claim, ground: Ground, found: Found, ids: list[str], extra: list[str]
) -> Outcome:
    factors = _judge.measured(claim.unit, ground.factors)
    asked = (found, claim.ends, claim.bound, factors)
    parts = [*extra, _judge.condition(*asked)]
    return Outcome(
        REPRODUCED if _judge.agrees(*asked) else NOT_REPRODUCED,
        measured=found.value,
        low=found.low,
        high=found.high,
        why=" ".join(part for part in parts if part),
        evidence=list(dict.fromkeys(ids)),
        basis="run",
    )


def _of(
    row: Row | None, value: str, low: str = "low", high: str = "high"
) -> Found | None:
    """A number of a row with its interval, None where it has none."""
    known = number(row.get(value)) if row else None
    if row is None or known is None:
        return None
    return Found(known, number(row.get(low)), number(row.get(high)))


def _instead(claim: Claim, ground: Ground) -> Read | None:
    if claim.instead is None:
        return None
    if claim.over is not None:
        return ground.ratio(claim.instead, claim.over)
    return ground.read(claim.instead)


def _megabyte(ground: Ground) -> Read | None:
    """Ms to parse a megabyte, from the line through bodies of several sizes."""
    for row in listed(ground.document("parsers.json"), "costs"):
        if not all(row.get(key) == value for key, value in _PARSER.items()):
            continue
        slope = _of(row, "ns_per_byte")
        fixed = number(row.get("fixed_us"))
        if slope is None or fixed is None:
            continue
        each = slope.times(_MEGABYTE / 1e6)
        ends = (None if end is None else end + fixed / 1000 for end in each[1:])
        found = Found(each.value + fixed / 1000, *ends)
        return Read(found, "ms", [named("parsers.json", "costs", **_PARSER)])
    return None


def _stories(document: str, ground: Ground) -> tuple[list[str], list[str]]:
    """Conditions of a Worker under which the number comes true, and their rows."""
    rows = [
        row
        for row in listed(ground.document(f"{document}.json"), "stories")
        if str(row.get("runtime")).startswith(_RUNTIME)
    ]
    true = [
        (row, found)
        for row in rows
        if row.get("reproduces") and (found := _of(row, "measured_ms"))
    ][:_TOLD]
    # A row without an interval is a size that was reckoned, and no measurement.
    sizes = [row for row in rows if number(row.get("high")) is None][:1]
    said = []
    if true:
        words = "; ".join(_story(row, told(found, "ms")) for row, found in true)
        said.append(f"It comes true here: {words}.")
    said += [f"Also, {row['condition']}." for row in sizes]
    place = f"{document}.json"
    ids = [
        named(place, "stories", condition=str(row["condition"]), phase=row["phase"])
        for row in [*(row for row, _ in true), *sizes]
    ]
    return said, ids


def _story(row: Row, found: str) -> str:
    phase = "" if _FIRST in row["condition"] else f"{row['phase']}, "
    return f"{row['condition']}, {phase}{found}"


CHECKS = {"sample": sample, "table": table, "stage": stage, "matrix": matrix}

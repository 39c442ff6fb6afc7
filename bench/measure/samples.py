"""Raw samples as tidy rows: one number a row, with all that says what it is.

Everything that is reported is derived from these rows and can be derived again.

    stage     variant   metric               what
    whole     plain     cpu wall run_delay   a request through the path, no meter
              plain     helpers              CPU of threads beside the main one
    whole     control   cpu                  the same again, in another process (A/A)
    <stage>   metered   cpu io               a stage inside the path; io is part of cpu
              metered   upto upto_locked     or a request ended after it: CPU, and time
    nothing   metered   upto upto_locked     under the isolate lock; before the first
    floor     plain     cpu                  the same request with no stage in it
    <stage>   alone     cpu                  a stage by itself
    <stage>   profile   cpu                  its share of a profile, a request
    script    plain     size                 bytes of a deployment; variant gzip too
    heap      <n>       live peak            MB with n requests in flight; 0: idle
    conversion per chunk cpu chunks          converting a stream, over passing it on
    warming   2 .. 10   cpu                  requests of a cold process after its first
    startup   <phase>   cpu                  import and set-up; isolate, script, worker
    sentinel  plain     cpu                  fixed work, to show that the machine moved
    stop      plain     width target         relative width reached, and wanted
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.measure.cold import ColdRound
from bench.measure.process import Turn
from bench.measure.turns import Group, Key

MS = 1e-6  # ns to ms
WHOLE, CONTROL, METERED, FLOOR = "whole", "control", "metered", "floor"
SENTINEL, ALONE, STARTUP, STOP = "sentinel", "alone", "startup", "stop"
WARMING, PROFILED = "warming", "profile"
# Metrics of a request that was ended after a stage, and the stage before the first.
UPTO, UPTO_LOCKED, NOTHING = "upto", "upto_locked", "nothing"
Row = dict[str, Any]


def warm_rows(group: Group, process: int, seq: int, common: Row) -> list[Row]:
    """Rows of one warm group; ``seq`` is the run order of its first turn."""
    taken = dict.fromkeys(group.turns, 0)
    rows: list[Row] = []
    for offset, key in enumerate(group.order):
        turn = group.turns[key][taken[key]]
        taken[key] += 1
        rows += _rows(key, turn, common | {"process": process, "seq": seq + offset})
    return rows + _startup(group.startup_cpu_ns, process, seq, common)


def cold_rows(done: ColdRound, process: int, seq: int, common: Row) -> list[Row]:
    """Rows of one cold round; every turn came from a process of its own."""
    rows: list[Row] = []
    for offset, key in enumerate(done.order):
        place = common | {"process": process, "seq": seq + offset}
        rows += _rows(key, done.turns[key], place)
        for number, turn in enumerate(done.later.get(key, ()), start=2):
            later = place | {"invocation": key[1], "variant": str(number)}
            rows.append(_row(later, WARMING, "cpu", turn.cpu / turn.n))
    return rows + _startup(done.startup_cpu_ns, process, seq, common)


def alone_rows(costs: Mapping[str, Sequence[float]], place: Row) -> list[Row]:
    """Rows of stages by themselves: ``costs`` has ns by case ``invocation/stage``, by
    ``startup/<phase>`` where the runtime can tell them apart, and ``sentinel/plain``
    where it was timed beside them."""
    rows: list[Row] = []
    for case, values in costs.items():
        invocation, _, stage = case.partition("/")
        here = place | {"invocation": invocation, "variant": ALONE}
        if invocation in (STARTUP, SENTINEL):
            here |= {"invocation": "", "variant": stage}
            stage = invocation
        rows += [
            _row(here | {"seq": seq}, stage, "cpu", value)
            for seq, value in enumerate(values)
        ]
    return rows


def stop_rows(width: float, target: float, common: Row) -> list[Row]:
    """Why a phase ended: the widest relative interval reached, and the one wanted."""
    place = common | {"stage": STOP, "invocation": "", "variant": "plain", "unit": "1"}
    return [
        place | {"metric": "width", "value": width},
        place | {"metric": "target", "value": target},
    ]


def _rows(key: Key, turn: Turn, place: Row) -> list[Row]:
    member, block = key
    if member == METERED:
        return _spans(turn.extra, place | {"invocation": block})
    if member == SENTINEL:
        place = place | {"invocation": "", "variant": "plain"}
        return [_row(place, SENTINEL, "cpu", turn.cpu / turn.n)]
    if member == FLOOR:
        place = place | {"invocation": block, "variant": "plain"}
        return [_row(place, FLOOR, "cpu", turn.cpu / turn.n)]
    variant = CONTROL if member == CONTROL else "plain"
    place = place | {"invocation": block, "variant": variant}
    return [
        _row(place, WHOLE, metric, value / turn.n)
        for metric, value in _clocks(turn).items()
        if value is not None
    ]


def _spans(extra: Mapping[str, Any], place: Row) -> list[Row]:
    """Rows of one metered request: spans by stage, or costs of ended requests."""
    place = place | {"variant": METERED}
    if "upto" in extra:
        return [
            _row(place, stage, metric, value)
            for stage, *costs in extra["upto"]
            for metric, value in zip((UPTO, UPTO_LOCKED), costs, strict=True)
            if value is not None
        ]
    return [
        _row(place, stage, metric, value)
        for stage, span in extra["spans"].items()
        for metric, value in zip(("cpu", "io"), span, strict=True)
    ]


def _clocks(turn: Turn) -> Mapping[str, int | None]:
    clocks = {"cpu": turn.cpu, "wall": turn.wall, "run_delay": turn.run_delay}
    return clocks | (turn.extra or {})


def _startup(
    startup: Mapping[str, int], process: int, seq: int, common: Row
) -> list[Row]:
    if not startup.get(WHOLE):
        return []  # the runtime measures its start-up apart
    place = common | {
        "process": process,
        "seq": seq,
        "invocation": "",
        "variant": "plain",
    }
    return [_row(place, STARTUP, "cpu", startup[WHOLE])]


def _row(place: Row, stage: str, metric: str, value_ns: float) -> Row:
    return place | {
        "stage": stage,
        "metric": metric,
        "unit": "ms",
        "value": value_ns * MS,
    }

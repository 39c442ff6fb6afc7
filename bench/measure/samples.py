"""Raw samples as tidy rows: one number a row, with all that says what it is.

Everything that is reported is derived from these rows and can be derived again.

    stage     variant   metric               what
    whole     plain     cpu wall run_delay   a request through the path, no meter
    whole     control   cpu                  the same again, in another process (A/A)
    <stage>   metered   cpu io               a stage inside the path; io is part of cpu
    floor     plain     cpu                  the same request with no stage in it
    <stage>   alone     cpu                  a stage by itself, calls answered at once
    startup   plain     cpu                  import and set-up of a process
    sentinel  plain     cpu                  fixed work, to show that the machine moved
    stop      plain     width target         relative width reached, and wanted
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.measure.cold import ColdRound
from bench.measure.process import Turn
from bench.measure.turns import Group, Key

MS = 1e-6  # ns to ms
WHOLE, CONTROL, METERED, FLOOR = "whole", "control", "metered", "floor"
SENTINEL, ALONE, STARTUP, STOP = "sentinel", "alone", "startup", "stop"
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
    return rows + _startup(done.startup_cpu_ns, process, seq, common)


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
        place = place | {"invocation": block, "variant": METERED}
        return [
            _row(place, stage, metric, value)
            for stage, span in turn.extra.items()
            for metric, value in zip(("cpu", "io"), span, strict=True)
        ]
    if member == ALONE:
        invocation, _, stage = block.partition("/")
        place = place | {"invocation": invocation, "variant": ALONE}
        return [_row(place, stage, "cpu", turn.cpu / turn.n)]
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


def _clocks(turn: Turn) -> Mapping[str, int | None]:
    return {"cpu": turn.cpu, "wall": turn.wall, "run_delay": turn.run_delay}


def _startup(
    startup: Mapping[str, int], process: int, seq: int, common: Row
) -> list[Row]:
    if WHOLE not in startup:
        return []
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

"""From turns to the document: what goes in with a known cost comes out with it."""

from __future__ import annotations

import random
from dataclasses import replace

import pandas as pd
import pytest

from bench.measure import samples
from bench.measure.estimate import journey, observations, stage_rows, total
from bench.measure.process import Turn
from bench.measure.spans import SpanMeter
from bench.measure.turns import Group

COSTS = {"auth": (300_000, 250_000), "embed": (900_000, 100_000)}  # ns: cpu, io
FLOOR = 50_000
COMMON = {"runtime": "cpython", "phase": "warm", "fixture": "t.json"}


def turn(cpu: float, extra: object = None) -> Turn:
    return Turn("chat", 1, int(cpu), int(cpu) + 10, 5, extra)


def group(draw: random.Random, rounds: int = 20, lost: float = 0.0) -> Group:
    """A group whose whole is stages + floor + ``lost``, with 1 % noise a request."""

    def noise() -> float:
        return 1 + draw.uniform(-0.01, 0.01)

    whole = sum(cpu for cpu, _ in COSTS.values()) + FLOOR + lost
    spans = [
        {name: [cpu * noise(), io * noise()] for name, (cpu, io) in COSTS.items()}
        for _ in range(rounds)
    ]
    turns = {
        ("whole", "chat"): [turn(whole * noise()) for _ in range(rounds)],
        ("control", "chat"): [turn(whole * noise()) for _ in range(rounds)],
        ("metered", "chat"): [
            turn(sum(span[0] for span in each.values()), {"spans": each})
            for each in spans
        ],
        ("floor", "chat"): [turn(FLOOR) for _ in range(rounds)],
        ("sentinel", "sentinel"): [turn(500_000) for _ in range(rounds)],
    }
    order = [key for _ in range(rounds) for key in turns]
    return Group(1, dict.fromkeys(turns, 1), turns, order, {"whole": 9_000_000}, [])


def table(groups: list[Group]) -> pd.DataFrame:
    rows = []
    for process, each in enumerate(groups):
        rows += samples.warm_rows(each, process, 100 * process, COMMON)
    return pd.DataFrame(rows)


@pytest.fixture
def measured() -> pd.DataFrame:
    draw = random.Random(1)
    return table([group(draw) for _ in range(8)])


def chat(data: pd.DataFrame) -> pd.DataFrame:
    return data[data["invocation"] == "chat"]


def test_known_costs_come_out_and_close(measured):
    whole = total(observations(chat(measured)))
    assert whole["whole_cpu_ms"] == pytest.approx(1.25, rel=0.01)
    assert whole["low"] < whole["whole_cpu_ms"] < whole["high"]
    assert whole["floor_cpu_ms"] == pytest.approx(0.05)
    assert abs(whole["closure"]) < 0.01
    assert whole["closure_low"] < 0 < whole["closure_high"]
    assert whole["control"]["low"] < 1 < whole["control"]["high"]
    assert whole["wall_ms"] > whole["whole_cpu_ms"]
    assert whole["run_delay_ms"] == pytest.approx(5e-6)
    assert whole["n"] == 8


def test_stages_sum_with_the_floor_to_what_closure_says(measured):
    """A reader can compute closure again from the rows that are shown."""
    seen = observations(chat(measured))
    whole = total(seen)
    rows = stage_rows(seen, list(COSTS), measured.iloc[:0])
    explained = sum(row["cpu_ms"] for row in rows) + whole["floor_cpu_ms"]
    assert explained / whole["whole_cpu_ms"] - 1 == pytest.approx(whole["closure"])


def test_compute_and_io_are_told_apart(measured):
    rows = stage_rows(observations(chat(measured)), list(COSTS), measured.iloc[:0])
    auth = rows[0]
    assert auth["stage"] == "auth"
    assert auth["io_ms"] == pytest.approx(0.25, rel=0.01)
    assert auth["compute_ms"] + auth["io_ms"] == pytest.approx(auth["cpu_ms"])
    assert auth["alone_ms"] is None


def test_work_outside_every_stage_shows_as_closure():
    draw = random.Random(2)
    lossy = table([group(draw, lost=250_000) for _ in range(8)])
    assert total(observations(chat(lossy)))["closure"] == pytest.approx(
        -250 / 1500, abs=0.01
    )


def test_outlying_requests_do_not_move_the_typical_cost():
    draw = random.Random(3)
    groups = [group(draw) for _ in range(6)]
    for each in groups:
        slow = each.turns["whole", "chat"][0]
        each.turns["whole", "chat"][0] = turn(slow.cpu * 50)
    whole = total(observations(chat(table(groups))))
    assert whole["whole_cpu_ms"] == pytest.approx(1.25, rel=0.01)


def test_the_journey_is_the_sum_of_its_invocations(measured):
    seen = observations(chat(measured))
    one, three = total(seen), total(journey([seen, seen, seen]))
    for key in ("whole_cpu_ms", "floor_cpu_ms", "wall_ms"):
        assert three[key] == pytest.approx(3 * one[key])
    assert three["closure"] == pytest.approx(one["closure"])


def test_every_turn_leaves_its_rows_with_unit_and_order(measured):
    whole = measured[(measured["stage"] == "whole") & (measured["variant"] == "plain")]
    assert set(whole["metric"]) == {"cpu", "wall", "run_delay"}
    assert len(whole) == 8 * 20 * 3
    assert set(measured["unit"]) == {"ms"}
    assert (measured[measured["stage"] == "sentinel"]["value"] == 0.5).all()
    assert (measured[measured["stage"] == "startup"]["value"] == 9.0).all()
    assert measured["seq"].max() == 700 + 20 * 5 - 1


def as_workerd(each: Group) -> Group:
    """The same group as an isolate gives it: helpers, and requests that were ended
    after each stage, whose time under the lock is CPU less I/O."""
    shown = []
    for one in each.turns["metered", "chat"]:
        upto, cpu, locked = [("nothing", FLOOR, 20_000)], FLOOR, 20_000
        for name, (spent, io) in one.extra["spans"].items():
            cpu, locked = cpu + spent, locked + spent - io
            upto.append((name, cpu, locked))
        shown.append(replace(one, extra={"upto": upto}))
    each.turns["metered", "chat"] = shown
    helped = {"helpers": 40_000}
    whole = each.turns["whole", "chat"]
    each.turns["whole", "chat"] = [replace(one, extra=helped) for one in whole]
    return each


def test_stages_are_told_apart_by_ending_requests_after_them(measured):
    draw = random.Random(4)
    seen = observations(chat(table([as_workerd(group(draw)) for _ in range(6)])))
    whole = total(seen)
    assert abs(whole["closure"]) < 0.01
    assert whole["helpers_ms"] == pytest.approx(0.04)
    inside = sum(cpu - io for cpu, io in COSTS.values()) / 1e6
    assert whole["locked_ms"] == pytest.approx(inside + 0.02, rel=0.01)
    assert whole["locked_floor_ms"] == pytest.approx(0.02)
    assert whole["net_cpu_ms"] == pytest.approx(1.2, rel=0.01)
    assert total(journey([seen, seen]))["locked_ms"] == pytest.approx(
        2 * whole["locked_ms"]
    )
    rows = {row["stage"]: row for row in stage_rows(seen, list(COSTS), measured[:0])}
    for name, (cpu, io) in COSTS.items():
        assert rows[name]["cpu_ms"] == pytest.approx(cpu / 1e6, rel=0.02)
        assert rows[name]["io_ms"] == pytest.approx(io / 1e6, rel=0.05)
    without = total(observations(chat(measured)))
    assert without["helpers_ms"] is without["locked_ms"] is None


def test_the_meter_adds_up_steps_and_charges_calls_to_their_stage():
    ticks = iter([0, 10, 13, 20, 100, 101, 105, 150])
    meter = SpanMeter(lambda: next(ticks))
    meter.enter("stream")  # 0
    meter.io_enter()  # 10
    meter.io_leave()  # 13
    meter.leave("stream")  # 20
    meter.enter("stream")  # 100
    meter.io_enter()  # 101
    meter.io_leave()  # 105
    meter.leave("stream")  # 150
    assert meter.spans == {"stream": [70, 7]}

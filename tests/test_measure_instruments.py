"""Instruments that differ say so; one that lies where it cannot is a doubt."""

from __future__ import annotations

import pandas as pd
import pytest

from bench.measure.instruments import isolate, readings

COLUMNS = ["cell", "stage", "variant", "metric", "unit", "process", "value"]


def whole(net=4.0, locked=3.0):
    ends = {"net_low": net * 0.98, "net_high": net * 1.02}
    lock = {"locked_low": locked * 0.98, "locked_high": locked * 1.02}
    return {
        "net_cpu_ms": net, "locked_ms": locked, "locked_floor_ms": 0.1, "n": 6,
        **ends, **lock,
    }  # fmt: skip


def bench(cpu, cell="alone"):
    """Three processes that say ``cpu`` ms, within 1 %."""
    rows = [
        (cell, "whole", "alone", "cpu", "ms", process, cpu * (0.99 + process / 100))
        for process in range(3)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def sentinels(**cells):
    rows = [
        (cell, "sentinel", "plain", "cpu", "ms", 0, ms) for cell, ms in cells.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


NO_SENTINEL = sentinels()


@pytest.mark.parametrize(
    ("cpu", "differs", "doubtful"),
    [
        (4.0, False, False),  # the same
        (3.5, True, False),  # less: it writes to no client
        (2.0, True, True),  # less than what was spent under the lock
        (6.0, True, True),  # more than the thread did at all
        (4.1, False, False),  # within the intervals
    ],
)
def test_the_benchmark_lies_between_lock_and_thread(cpu, differs, doubtful):
    found = readings(whole(), bench(cpu), NO_SENTINEL)
    by = {row["instrument"]: row for row in found}
    assert list(by) == ["schedstat", "bench", "trace"]
    assert bool(by["bench"]["differs"]) is differs
    assert bool(by["bench"]["doubt"]) is doubtful
    assert by["trace"]["cpu_ms"] == pytest.approx(2.9)
    assert by["schedstat"]["doubt"] == by["trace"]["doubt"] == ""


def test_more_under_the_lock_than_the_thread_did_is_a_doubt():
    found = readings(whole(net=2.0), bench(2.0)[:0], NO_SENTINEL)
    assert [row["instrument"] for row in found if row["doubt"]] == ["trace"]


def test_the_sentinels_take_the_machine_s_drift_out():
    """It was twice as slow when the benchmark ran."""
    found = readings(whole(), bench(8.0), sentinels(alone=2.0, path=1.0))
    assert found[1]["cpu_ms"] == pytest.approx(4.0)
    assert found[1]["doubt"] == ""


def test_one_instrument_alone_has_nobody_to_differ_from():
    bare = whole() | dict.fromkeys(("locked_ms", "locked_low", "locked_high"))
    assert readings(bare, bench(1.0)[:0], NO_SENTINEL) == []


def test_facts_of_an_isolate_have_an_interval_only_over_processes():
    rows = [
        ("c", "script", "gzip", "size", "bytes", 0, 21_000.0),
        *(("c", "startup", "total", "cpu", "ms", p, 9.0 + p) for p in range(3)),
        ("c", "whole", "plain", "cpu", "ms", 0, 7.0),
    ]
    script, startup = isolate("workerd", pd.DataFrame(rows, columns=COLUMNS))
    assert (script["value"], script["low"], script["n"]) == (21_000.0, None, 1)
    assert startup["low"] < startup["value"] == 10.0 < startup["high"]
    assert startup["n"] == 3

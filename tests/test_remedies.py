"""Every remedy measures what it says, and its conclusion follows from its rows.

Adding a remedy is adding a file: it is held to all of this from then on.
"""

from __future__ import annotations

import math
from functools import cache

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given
from workerd_support import PACE, needs_workerd

from bench.errors import BenchError
from bench.path.chat import parse_request
from bench.remedies import (
    RUNTIMES,
    Ground,
    _history,
    _numbers,
    chunk_text,
    history,
    load,
    memory,
    own_writes,
    rate_limit,
    row,
)
from bench.remedies._chunks import LARGEST, METADATA, R2, Chunks
from bench.services._vector_rules import MAX_METADATA

MODULES = load()
COLUMNS = set(row("", "", "", 0, ""))
CALM, BUSY, WIDE = (crowd.name for crowd in rate_limit.CROWDS)


@pytest.fixture(scope="module")
def ground():
    """Services as a remedy meets them, everything as short as it can be."""
    needs_workerd()
    with pytest.MonkeyPatch.context() as patch, Ground(1) as made:
        patch.setattr(chunk_text, "ROUNDS", 1)
        patch.setattr(chunk_text, "REQUESTS", 1)
        patch.setattr(chunk_text, "WARM_REQUESTS", 2)
        patch.setattr(rate_limit, "TENANTS", 1)
        patch.setattr(history, "_PACE", PACE)
        patch.setattr(memory, "IN_FLIGHT", (0, 1, 16))
        yield made


@pytest.fixture(scope="module")
def measured(ground):
    """Name of a remedy -> the rows of one group, measured once."""
    return cache(lambda name: list(MODULES[name].measure(ground, 1)))


def frame(rows, *processes):
    """As a run holds the rows, of one group or of several that were alike."""
    made = [one | {"process": n} for n in processes or (0, 1) for one in rows]
    return pd.DataFrame(made, columns=[*COLUMNS, "runtime", "process"])


def values(rows, variant, fixture, metric):
    return [
        one["value"]
        for one in rows
        if (one["variant"], one["fixture"], one["metric"]) == (variant, fixture, metric)
    ]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is(name):
    module = MODULES[name]
    assert module.__doc__
    assert module.TITLE.strip() == module.TITLE != ""
    assert module.QUESTION.endswith("?")
    assert module.RUNTIME in RUNTIMES


@pytest.mark.parametrize("name", MODULES)
def test_rows_are_raw_readings(measured, name):
    rows = measured(name)
    units = {}
    for one in rows:
        assert set(one) - {"runtime"} == COLUMNS
        assert math.isfinite(one["value"])
        assert one["variant"]
        assert one["fixture"]
        assert units.setdefault(one["metric"], one["unit"]) == one["unit"]
        if one["unit"] in ("ms", "us", "bytes", "count"):
            assert one["value"] > 0
    keys = [tuple(one[k] for k in sorted(COLUMNS - {"value", "unit"})) for one in rows]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", MODULES)
def test_the_conclusion_follows_from_the_rows(measured, name):
    found = MODULES[name].conclude(frame(measured(name)))
    assert found.text.endswith(".")
    assert found.numbers
    for one in found.numbers:
        assert set(one) == {"name", "value", "low", "high", "unit", "n"}
        assert one["n"] == 2
        assert one["low"] <= one["value"] <= one["high"]
    if found.control is not None:
        assert found.control["low"] <= found.control["ratio"] <= found.control["high"]


@pytest.mark.parametrize("name", MODULES)
def test_a_changed_row_changes_the_conclusion(measured, name):
    samples = frame(measured(name))
    before = MODULES[name].conclude(samples)
    samples["value"] = samples["value"] * 0.5
    after = MODULES[name].conclude(samples)
    assert [one["value"] for one in before.numbers] != [
        one["value"] for one in after.numbers
    ]


@pytest.mark.parametrize("name", MODULES)
def test_nothing_is_concluded_from_nothing(name):
    with pytest.raises(BenchError):
        MODULES[name].conclude(frame([]))


def test_metadata_ends_at_its_last_byte(measured):
    rows = measured("chunk_text")
    for size, accepted in ((MAX_METADATA, 1.0), (MAX_METADATA + 1, 0.0)):
        fixture = f"{size} B of metadata"
        assert values(rows, METADATA, fixture, "accepted") == [accepted]
    (text,) = values(rows, METADATA, LARGEST, "text")
    assert MAX_METADATA - 300 < text < MAX_METADATA


def test_r2_is_a_read_for_each_chunk_and_the_same_bytes_but_for_their_heads(measured):
    rows = measured("chunk_text")
    (calls,) = values(rows, METADATA, LARGEST, "subrequests")
    assert values(rows, R2, LARGEST, "subrequests") == [calls + 8]
    (inside,) = values(rows, METADATA, LARGEST, "bytes_in")
    (apart,) = values(rows, R2, LARGEST, "bytes_in")
    (text,) = values(rows, METADATA, LARGEST, "text")
    assert 8 * text < inside < apart < 1.1 * inside


def test_the_scene_is_put_back(ground):
    scene, services = ground.scene()

    def held():
        found = sorted(services.dump("vectorize"), key=lambda one: one["id"])
        return found, services.dump("r2")

    before = held()
    with Chunks(scene, services) as chunks:
        assert dict(chunks.edge()) == {MAX_METADATA: True, MAX_METADATA + 1: False}
        chunks.fill(LARGEST, METADATA)
        assert held() != before
    assert held() == before


def test_the_cures_of_own_writes(measured):
    rows = measured("own_writes")
    for lag in own_writes.LAGS:
        for isolates in own_writes.ISOLATES:
            fixture = own_writes.circumstance(lag, isolates)
            assert set(values(rows, "session", fixture, "stale")) == {0.0}
            assert set(values(rows, "session", fixture, "disordered")) == {0.0}
            assert any(values(rows, "none", fixture, "stale")) == (lag > 0)
        alone = own_writes.circumstance(lag, 1)
        assert set(values(rows, "memory", alone, "stale")) == {0.0}
        assert set(values(rows, "memory", alone, "disordered")) == {0.0}
    worst = own_writes.circumstance(own_writes.LAGS[-1], own_writes.ISOLATES[-1])
    assert any(values(rows, "memory", worst, "stale"))


def test_own_writes_are_the_same_for_the_same_seed(ground, monkeypatch):
    monkeypatch.setattr(own_writes, "LAGS", (2,))
    monkeypatch.setattr(own_writes, "ISOLATES", (4,))
    once, again, other = (list(own_writes.measure(ground, n)) for n in (1, 1, 2))
    assert once == again != other


def test_only_the_object_counts_exactly_wherever_requests_arrive(measured):
    rows = measured("rate_limit")
    for crowd in rate_limit.CROWDS:
        assert set(values(rows, "Durable Object", crowd.name, "slipped")) == {0.0}
        beyond = rate_limit.LIMIT * (crowd.locations - 1)
        for slipped in values(rows, "binding", crowd.name, "slipped"):
            assert 0 <= slipped <= beyond
    assert set(values(rows, "KV, races alone", CALM, "slipped")) == {0.0}
    for crowd in (CALM, BUSY, WIDE):
        for variant in ("KV, one write a second", "KV, and cached for 60 s"):
            assert min(values(rows, variant, crowd, "slipped")) > 0
    assert max(values(rows, "binding", WIDE, "slipped")) > 0


def test_nothing_passes_that_was_not_sent(measured):
    sent = rate_limit.LIMIT * rate_limit.TIMES
    for one in measured("rate_limit"):
        if one["metric"] == "passed":
            assert rate_limit.LIMIT <= one["value"] <= sent


def test_the_path_caps_a_body(measured):
    rows = measured("history")
    cap = parse_request.BODY_BYTES
    assert values(rows, "cap of the path", f"{cap} B", "accepted") == [1.0]
    assert values(rows, "cap of the path", f"{cap + 1} B", "accepted") == [0.0]


@given(st.integers(1000, 200_000))
def test_bodies_have_the_size_and_every_reader_finds_the_query(size):
    found = _history.bodies(size)
    assert set(found) == set(_history.PLACES)
    for body in found.values():
        assert size - 5000 < len(body) <= size
        for reader in _history.READERS.values():
            assert reader(body) == _history.QUERY


def test_a_child_holds_every_reader_in_both_places():
    cases = _history.setup({"size": 2000})
    assert {_history.read_as(case) for case in cases} == {
        (reader, place) for reader in _history.READERS for place in _history.PLACES
    }


@given(st.floats(1, 20), st.floats(0.01, 5))
def test_memory_is_a_line_through_requests_in_flight(base, each):
    rows = [
        row("chat", f"{n} in flight", "live", base + each * n, "MB") for n in (1, 8, 64)
    ]
    found = memory.line(frame(rows, 0))
    assert found == pytest.approx((base, each), rel=1e-6, abs=1e-9)
    assert memory.filled(128, *found) == pytest.approx((128 - base) / each, rel=1e-5)


def test_requests_that_hold_nothing_fill_nothing():
    with pytest.raises(BenchError, match="no memory"):
        memory.filled(128, 2.0, 0.0)
    with pytest.raises(BenchError, match="fewer than two"):
        memory.line(frame([row("chat", "1 in flight", "live", 2, "MB")], 0))


def test_shares_stay_within_their_bounds_and_times_do_not():
    rows = [row("a", "f", "stale", 1, "share", n) for n in range(3)]
    rows += [row("a", "f", "cpu", n + 1, "ms", n) for n in range(3)]
    other = [one | {"value": one["value"] / 2} for one in rows]
    samples = pd.concat([frame(rows, 0), frame(other, 1)])
    stale = _numbers.estimate(samples, "a", "f", "stale")
    assert (stale.value, stale.low, stale.high, stale.n) == (0.75, 0.0, 1.0, 2)
    assert _numbers.estimate(samples, "a", "f", "cpu").low < 0
    assert _numbers.ratio(samples, ("a", "f"), ("a", "f"), "cpu").value == 1
    with pytest.raises(BenchError, match="no wall of a, f"):
        _numbers.estimate(samples, "a", "f", "wall")

"""The article's table beside ours: sums of stages with intervals of the sums."""

from __future__ import annotations

import pandas as pd
import pytest
from figure_support import PATHS, both, drawn, journey
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.measure.statistics import mean_interval
from bench.verdict import article

DOCUMENT = both()
SAMPLES = drawn(DOCUMENT)
ROWS = article.rows(SAMPLES)


def rows_of(runtime="workerd", phase="warm", rows=None):
    return {
        row["operation"]: row
        for row in (ROWS if rows is None else rows)
        if (row["runtime"], row["phase"]) == (runtime, phase)
    }


def test_the_articles_own_rows_sum_to_its_total():
    found = sum(operation.ms for operation in article.OPERATIONS)
    assert found == pytest.approx(article.TOTAL_MS)


def test_no_stage_is_counted_twice_and_every_one_is_of_the_path():
    from bench.path import stages

    named = [stage for operation in article.OPERATIONS for stage in operation.stages]
    assert len(named) == len(set(named))
    assert set(named) <= set(stages(article.INVOCATION))


@pytest.mark.parametrize("runtime", ["cpython", "workerd"])
@pytest.mark.parametrize("phase", ["warm", "cold"])
def test_rows_sum_to_their_total_and_with_the_rest_to_all_compute(runtime, phase):
    rows = rows_of(runtime, phase)
    total = rows.pop(article.TOTAL)
    named = [row["cpu_ms"] for row in rows.values() if row["article_ms"] is not None]
    assert total["cpu_ms"] == pytest.approx(sum(named))
    left_out = [name for name, row in rows.items() if row["article_ms"] is None]
    assert left_out == ["rate_limit", "stream", "save_turn", "summarize"]
    everything = [stage for row in rows.values() for stage in row["stages"]]
    assert sorted(everything) == sorted(PATHS["chat"])


def test_ours_is_compute_and_not_the_calls():
    """All of the fake's `embed` but 60 % is I/O in CPython, 40 % outside the lock."""
    name = "embedding response parsing"
    for runtime, share in (("cpython", 0.4), ("workerd", 0.6)):
        row = rows_of(runtime)[name]
        assert row["cpu_ms"] == pytest.approx(0.62 * share, rel=0.05)
        assert row["low"] < row["cpu_ms"] < row["high"]
        assert row["n"] == 12


def test_the_interval_of_a_sum_is_that_of_the_sums_of_groups():
    """Two stages that move against each other vary more than their sum does."""
    shift = {process: (-1) ** process * 0.05 for process in range(12)}
    moved = SAMPLES.copy()
    mine = moved["runtime"].eq("cpython") & moved["metric"].eq("cpu")
    mine &= moved["variant"].eq("metered")
    by = moved["process"].map(shift)
    moved.loc[mine & moved["stage"].eq("auth"), "value"] += by
    moved.loc[mine & moved["stage"].eq("parse_request"), "value"] -= by
    rows = rows_of("cpython", rows=article.rows(moved))
    before = rows_of("cpython")
    name = "request parsing and auth"
    widths = [row[name]["high"] - row[name]["low"] for row in (rows, before)]
    assert widths[0] == pytest.approx(widths[1], rel=0.2)
    assert widths[0] < mean_interval(list(shift.values())).high


def test_a_row_without_one_of_its_stages_has_no_number_and_no_total():
    part = SAMPLES[~(SAMPLES["stage"].eq("embed") & SAMPLES["runtime"].eq("cpython"))]
    rows = rows_of("cpython", rows=article.rows(part))
    assert rows["embedding response parsing"]["cpu_ms"] is None
    assert rows[article.TOTAL]["cpu_ms"] is None
    assert rows["input validation"]["cpu_ms"] is not None


def test_a_stage_of_theirs_is_shown_and_not_counted_in():
    part = SAMPLES[SAMPLES["runtime"].eq("cpython")]
    extra = part[part["stage"].eq("stream")].assign(stage="<b>theirs</b>")
    rows = rows_of("cpython", rows=article.rows(pd.concat([part, extra])))
    assert list(rows)[-1] == "<b>theirs</b>"
    total = rows_of("cpython")[article.TOTAL]["cpu_ms"]
    assert rows[article.TOTAL]["cpu_ms"] == pytest.approx(total, rel=0.01)


def test_what_was_not_measured_gives_no_rows():
    assert article.rows(pd.DataFrame()) == []
    assert article.rows(SAMPLES.iloc[:0]) == []
    others = SAMPLES[SAMPLES["invocation"].ne("chat")]
    assert article.rows(others) == []
    only = SAMPLES[SAMPLES["runtime"].eq("cpython") & SAMPLES["phase"].eq("cold")]
    found = article.rows(only)
    assert {(row["runtime"], row["phase"]) for row in found} == {("cpython", "cold")}


@settings(max_examples=15)
@given(st.sets(st.sampled_from(["whole", "floor", "control", "metered"]), min_size=1))
def test_an_interrupted_group_is_left_out_and_never_raises(lost):
    """A crash may leave a group without some of its roles."""
    samples = drawn(journey(phases=("warm",), invocations=("chat",), n=24))
    first = samples["process"].eq(0)
    for role in lost:
        column = "stage" if role in ("whole", "floor") else "variant"
        samples = samples[~(first & samples[column].eq(role))]
        first = samples["process"].eq(0)
    assert {row["n"] for row in article.rows(samples)} == {11}


def test_the_pivot_has_a_line_an_operation_with_every_kind():
    table = article.pivoted(ROWS)
    assert [line["operation"] for line in table][:7] == [
        *(operation.name for operation in article.OPERATIONS), article.TOTAL,
    ]  # fmt: skip
    assert len(table) == 11
    assert all(len(line["by"]) == 4 for line in table)

"""Cost per byte, and the size from which a switch is worth it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.verdict.switch import LARGEST, Line, fit, spoken_size, switch


def costs(fixed: float, per_byte: float, noise: float = 0.0) -> dict[int, list[float]]:
    return {
        size: [(fixed + per_byte * size) * (1 + noise * sign) for sign in (-1, 0, 1)]
        for size in (1_000, 10_000, 100_000, 1_000_000)
    }


@given(st.floats(0.1, 50), st.floats(1e-4, 0.1))
def test_the_line_through_a_line_is_that_line(fixed, per_byte):
    line = fit(costs(fixed, per_byte))
    assert line.ns_per_byte.value == pytest.approx(per_byte * 1000, rel=1e-6)
    assert line.fixed_us.value == pytest.approx(fixed, rel=1e-3)
    assert (line.smallest, line.largest) == (1_000, 1_000_000)
    assert line.ns_per_byte.n == 3


def test_two_sizes_fit_any_line_so_they_fit_none():
    known = costs(1, 1)
    assert fit({size: known[size] for size in (1_000, 10_000)}) is None


def test_a_switch_pays_from_the_size_whose_saving_is_the_one_asked_for():
    old, new = fit(costs(2, 0.02, 0.01)), fit(costs(3, 0.005, 0.01))
    found = switch(old, new, 1000)
    # 2 + 0.02 x - (3 + 0.005 x) = 1000 at x = 66,733
    assert found.size.value == pytest.approx(66_733, rel=0.01)
    assert found.size.low < 66_733 < found.size.high
    assert found.verdict == "from 67 KB"


def test_a_slower_parser_never_pays_and_an_equal_one_cannot_be_told():
    old, new = fit(costs(2, 0.02, 0.01)), fit(costs(2, 0.03, 0.01))
    assert switch(old, new, 1000).size is None
    assert switch(old, new, 1000).verdict.startswith("never")
    same = switch(old, Line(old.fixed, old.per_byte[::-1], 1_000, 1_000_000), 1000)
    assert same.size is None
    assert "no difference" in same.verdict


def test_a_size_that_no_request_can_have_is_never():
    old, new = fit(costs(2, 0.0021, 1e-4)), fit(costs(2, 0.0020, 1e-4))
    found = switch(old, new, 100_000)
    assert found.size.value > LARGEST
    assert found.verdict.startswith("never")


def test_a_size_beyond_what_was_measured_says_so():
    old, new = fit(costs(2, 0.0021, 1e-4)), fit(costs(2, 0.0020, 1e-4))
    assert "beyond" in switch(old, new, 1000).verdict


def test_sizes_are_said_in_two_digits():
    said = [spoken_size(size) for size in (17.2, 1_800, 18_173, 3_400_000, 9.9e7)]
    assert said == ["18 B", "1.8 KB", "18 KB", "3.4 MB", "99 MB"]

"""The figures of a plan draw every document, in grey too, and say when they cannot."""

from __future__ import annotations

import copy
import io

import pytest
from figure_support import figures_of, text_of
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import figures
from bench.figures._common import styled
from bench.platform import limit_profile

FIGURES = figures_of("capacity")
PROFILES = ["article", "free", "paid-default", "paid-max", "legacy-50ms"]
LIMITS = [
    ("Requests a day", "at", 1.157, 1.157, 1.157),
    ("CPU of a request, with its bank", "at", 3.2, 0.4, None),
    ("Memory of an isolate", "at", 950.0, 700.0, 1200.0),
    ("Subrequests of an invocation", "any rate", None, None, None),
    ("Connections that wait for headers", "never", None, None, None),
    ("Writes to one key", "unknown", None, None, None),
    ("Vectorize: dimensions queried, free", "at", 7.5, 0.0, 7.5),
]


def document():
    rates = [0.01 * 10 ** (step / 2) for step in range(15)]
    answers = {"killed_share": 0.02, "cold_share": 0.1, "latency_p99": 900, "cost": 30}
    return {
        "schema": 1, "run": "r", "machine": {"host": "h"}, "profiles": PROFILES,
        "traffic": {"name": "trace.csv", "rate": 5.4, "requests": 19_366},
        "curve": [
            {
                "profile": name, "rate": rate,
                "killed_share": min(0.3, 0.01 * step) if name == "free" else 0.0,
                "low": 0.0, "high": min(0.5, 0.02 * step) if name == "free" else 1e-4,
                "cold_share": 0.1,
                "cost_usd": None if name == "free" and rate > 1.2 else 5 + rate,
                "n": 6000,
            }
            for name in PROFILES
            for step, rate in enumerate(rates)
        ],
        "sensitivity": [
            {
                "what": what, "low_value": 1.0, "high_value": 3600.0, "answer": answer,
                "base": base, "answer_low": base * (1 - 0.1 * place),
                "answer_high": base * (1 + 0.2 * place), "unit": "share", "n": 6000,
            }
            for answer, base in answers.items()
            for place, what in enumerate(["skew", "idle_s", "transfer factor"])
        ],
        "hours": [
            {
                "hour": hour, "utc": True, "requests": 40 * hour * (hour > 5),
                "cold": 3 * hour * (hour > 5),
                "killed": {name: hour if name == "free" else 0 for name in PROFILES},
            }
            for hour in range(24)
        ],
        "limits": [
            {
                "profile": name, "limit": item, "item": item, "state": state,
                "uses": 1.0, "unit": "u", "rate_at": rate, "low": low, "high": high,
                "times": None, "source": "s",
            }
            for name in PROFILES
            for item, state, rate, low, high in LIMITS
        ],
    }  # fmt: skip


DOCUMENT = document()


def draw(name, result=DOCUMENT, limits="free"):
    import pandas as pd

    return FIGURES[name].draw(result, pd.DataFrame(), limit_profile(limits))


each = pytest.mark.parametrize("name", FIGURES)


def test_there_are_the_four():
    assert set(FIGURES) == {
        "capacity_curve", "capacity_hours", "capacity_limits", "capacity_tornado",
    }  # fmt: skip


@each
def test_it_is_drawn_with_alternative_text_and_data(name):
    before = copy.deepcopy(DOCUMENT)
    figure, data = draw(name)
    figures.sign(figure, DOCUMENT).draw_without_rendering()
    assert len(figure.get_label()) > 60
    assert not data.empty
    assert before == DOCUMENT


@each
@pytest.mark.parametrize("result", [{}, {"curve": None, "limits": [1], "hours": "x"}])
def test_without_rows_it_says_so(name, result):
    figure, data = draw(name, result)
    assert data.empty
    assert "No " in text_of(figure)


@each
def test_equal_input_is_drawn_as_equal_bytes(name):
    written = []
    for _ in range(2):
        figure, data = draw(name)
        picture = io.BytesIO()
        with styled():
            figure.savefig(picture, format="svg", metadata={"Date": None})
        written.append((picture.getvalue(), data.to_csv()))
    assert written[0] == written[1]


LEAF = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(),
    st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40),
    st.just("<b>boom</b> $x_{1}$ \\frac " + "long" * 40), st.lists(st.integers()),
)  # fmt: skip
PARTS = {
    "capacity_curve": "curve", "capacity_hours": "hours", "capacity_limits": "limits",
    "capacity_tornado": "sensitivity",
}  # fmt: skip


@each
@settings(max_examples=6)
@given(data=st.data())
def test_any_value_in_any_place_is_drawn_or_left_out(name, data):
    result = copy.deepcopy(DOCUMENT)
    rows = result[PARTS[name]] = result[PARTS[name]][:8]
    for _ in range(data.draw(st.integers(1, 4))):
        row = rows[data.draw(st.integers(0, len(rows) - 1))]
        row[data.draw(st.sampled_from(sorted(row)))] = data.draw(LEAF)
    if data.draw(st.booleans()):
        result["traffic"] = data.draw(LEAF)
    figure, _ = draw(name, result)
    figures.sign(figure, result).draw_without_rendering()
    assert figure.get_label()


def test_profiles_are_told_apart_in_grey_and_share_a_line_where_they_are_alike():
    result = copy.deepcopy(DOCUMENT)
    for row in result["curve"]:
        if row["profile"] == "article":
            row["killed_share"] = 0.05
    figure, _ = draw("capacity_curve", result)
    lines = [line for line in figure.axes[0].lines if line.get_label()[0] != "_"]
    assert {line.get_label() for line in lines} == {
        "article", "free", "paid-default, paid-max, legacy-50ms",
    }  # fmt: skip
    looks = {(str(line.get_linestyle()), line.get_marker()) for line in lines}
    assert len(looks) == 3
    assert "expected: 5.4 a second" in text_of(figure)


def test_the_limits_of_the_chosen_profile_are_drawn_the_lowest_first():
    figure, data = draw("capacity_limits", limits="article")
    assert "limits of article" in text_of(figure)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[0] == "Subrequests of an invocation", "it breaks at any rate"
    assert names[1] == "Requests a day"
    assert names[-1] == "Writes to one key", "nothing is known of it"
    assert len(data) == len(DOCUMENT["limits"])
    for said in ("breaks at any rate", "never breaks", "unknown"):
        assert said in text_of(figure)


def test_the_tornado_is_widest_on_top_and_leaves_out_what_moves_nothing():
    figure, data = draw("capacity_tornado")
    assert len(figure.axes) == 4
    for axes in figure.axes:
        names = [label.get_text() for label in axes.get_yticklabels()]
        assert [name.split(":")[0] for name in names] == ["transfer factor", "idle_s"]
    assert set(data["what"]) == {"skew", "idle_s", "transfer factor"}


def test_hours_without_traffic_have_no_number():
    figure, _ = draw("capacity_hours")
    numbers = [text for text in figure.axes[0].texts if text.get_text()]
    assert len(numbers) == 3 * 18, "requests, cold, ended on the free plan alone"
    assert "hour of the day, UTC" in text_of(figure)

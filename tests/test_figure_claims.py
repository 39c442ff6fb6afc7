"""The claims as a picture: every pair of numbers, read in grey, nothing clipped."""

from __future__ import annotations

import copy
import io
from itertools import pairwise

import pandas as pd
import pytest
from figure_support import figures_of, text_of
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import figures
from bench.figures import claims as module
from bench.figures._common import styled
from bench.platform import limit_profile
from bench.verdict.claims import VERDICTS

FREE = limit_profile("free")
HOSTILE = "<b>boom</b> $x_{1}$ \\frac " + "long" * 60


def row(number, **changes):
    value = 0.003 * 4 ** (number % 9)
    return {
        "id": f"claim_{number}",
        "claim": f"claim number {number}",
        "article": 1.0 + number % 3,
        "article_to": None,
        "bound": ("", "under", "over")[number % 3],
        "measured": value,
        "low": value * 0.9,
        "high": value * 1.1,
        "unit": ("ms", "KB", "%")[number % 3],
        "verdict": VERDICTS[number % len(VERDICTS)],
        "why": "because",
        "basis": ("run", "documentation", "fixtures")[number % 3],
        "evidence": [],
    } | changes


DOCUMENT = {
    "schema": 1,
    "run": "x",
    "machine": {"host": "some-2c-000000"},
    "limits": {"name": "free", "cpu_ms": 10.0},
    "rows": [row(number) for number in range(40)],
}


def draw(result=DOCUMENT):
    return module.draw(result, pd.DataFrame(), FREE)


def test_it_is_found_as_the_figure_of_the_claims():
    assert figures_of("claims") == {"claims": module}


def test_every_claim_with_two_numbers_is_drawn_under_its_verdict():
    figure, data = draw()
    drawn = [each for each in DOCUMENT["rows"] if each["verdict"] in VERDICTS[:3]]
    assert sorted(data["id"]) == sorted(each["id"] for each in drawn)
    text = text_of(figure)
    for each in drawn:
        assert each["id"].replace("_", " ") in text
    for verdict in VERDICTS[:3]:
        assert verdict in text


def test_ratios_are_found_over_claimed_and_only_times_have_a_band():
    rows = [
        row(0, measured=2.0, low=1.0, high=3.0, article=4.0, unit="ms", basis="run"),
        row(1, measured=2.0, low=1.0, high=3.0, article=4.0, unit="KB", basis="run"),
        row(2, measured=6.0, low=6.0, high=6.0, article=2.0, article_to=8.0, unit="KB"),
    ]
    rows = [each | {"verdict": VERDICTS[0]} for each in rows]
    _, data = draw(DOCUMENT | {"rows": rows})
    columns = ["ratio", "ratio_low", "ratio_high", "reach_low", "reach_high"]
    table = data[columns].to_numpy().tolist()
    assert table[0] == pytest.approx([0.5, 0.25, 0.75, 0.125, 1.5])
    assert table[1] == pytest.approx([0.5, 0.25, 0.75, 0.5, 0.5])
    assert table[2][0] == pytest.approx(1.5), "a range is its geometric middle"


def test_verdicts_are_told_apart_without_colour():
    looks = [
        (mark["marker"], mark.get("markerfacecolor") == "white")
        for mark in module._MARKS.values()
    ]
    assert len(set(looks)) == len(looks)


@pytest.mark.parametrize("count", [1, 9, 75])
def test_no_text_is_clipped_and_no_names_overlap(count):
    many = [row(number, id=f"claim_{number}_{'name' * 9}") for number in range(count)]
    figure, _ = draw(DOCUMENT | {"rows": many})
    with styled():
        figures.sign(figure, DOCUMENT).draw_without_rendering()
    [axes] = figure.axes
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(box.x0 >= 0 for box in boxes)
    assert all(above.y0 >= below.y1 for above, below in pairwise(boxes))
    width = figure.bbox.width
    assert all(text.get_window_extent().x1 <= width for text in axes.texts)


def test_without_numbers_it_says_so():
    for rows in ([], None, [row(0, measured=None)], [row(0, article="a word")]):
        figure, data = draw(DOCUMENT | {"rows": rows})
        assert data.empty
        assert "No claim" in text_of(figure)


@settings(max_examples=25)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(list(row(0))),
            st.sampled_from([None, -1.0, 0.0, float("nan"), float("inf"), HOSTILE]),
        ),
        max_size=4,
    )
)
def test_it_draws_whatever_its_document_holds(changes):
    rows = [row(number) | change for number, change in enumerate(changes)]
    document = DOCUMENT | {"rows": [*rows, {}, None]}
    kept = copy.deepcopy(document)
    figure, data = draw(document)
    figures.sign(figure, document).draw_without_rendering()
    assert repr(document) == repr(kept)
    assert isinstance(data, pd.DataFrame)
    assert figure.get_label()


def test_equal_input_is_drawn_as_equal_bytes():
    written = []
    for _ in range(2):
        figure, _ = draw()
        picture = io.BytesIO()
        with styled():
            figure.savefig(picture, format="svg", metadata={"Date": None})
        written.append(picture.getvalue())
    assert written[0] == written[1]

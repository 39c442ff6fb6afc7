"""The article's fixes as a picture: a panel for each, whatever became of it."""

from __future__ import annotations

import copy
import io
from itertools import pairwise

import pandas as pd
import pytest
from figure_support import figures_of, text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_support import number, remedies, remedy

from bench import figures
from bench.figures import remedies as module
from bench.figures._common import styled
from bench.platform import limit_profile

FREE = limit_profile("free")
DOCUMENT = remedies()
HOSTILE = "<b>boom</b> $x_{1}$ \\frac " + "long" * 60


def draw(result=DOCUMENT):
    return module.draw(result, pd.DataFrame(), FREE)


def test_it_is_found_as_the_figure_of_the_fixes():
    assert figures_of("remedies") == {"remedies": module}


def test_a_panel_shows_the_numbers_of_one_unit_and_the_frame_has_all():
    figure, data = draw()
    assert [axes.get_xscale() for axes in figure.axes] == ["log", "linear", "linear"]
    names = [
        [label.get_text() for label in axes.get_yticklabels()] for axes in figure.axes
    ]
    assert [len(each) for each in names] == [2, 2, 1]
    assert len(data) == sum(len(each["numbers"]) for each in DOCUMENT["remedies"])
    assert list(data[data["drawn"]]["unit"]) == ["ratio"] * 2 + ["share"] * 2 + [
        "requests"
    ]
    said = text_of(figure)
    for each in DOCUMENT["remedies"]:
        assert each["title"] in said
        assert each["title"] in figure.get_label()
    assert "41.0%" in said
    assert "the reference against itself" in said


def test_one_that_failed_says_why_beside_the_others():
    figure, _ = draw(remedies("it broke"))
    assert "failed: it broke" in text_of(figure)
    assert "failed: it broke" in figure.get_label()


@pytest.mark.parametrize("result", [{}, {"remedies": None}, {"remedies": [{}]}])
def test_without_numbers_it_says_so(result):
    figure, data = draw(result)
    assert isinstance(data, pd.DataFrame)
    assert "No fix" in text_of(figure)


def test_no_text_is_clipped_and_no_names_overlap():
    many = [
        remedy(f"fix_{unit}", "Yes.", [number("name " * 12, 0.3, unit)] * (1 + place))
        for place, unit in enumerate(("ratio", "share", "requests", "MB") * 2)
    ]
    figure, _ = draw(DOCUMENT | {"remedies": many})
    with styled():
        figures.sign(figure, DOCUMENT).draw_without_rendering()
    width, height = figure.bbox.size
    for axes in figure.axes:
        boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
        texts = [text.get_window_extent() for text in axes.texts]
        assert all(box.x0 >= 0 for box in boxes)
        assert all(box.x1 <= width and 0 <= box.y0 <= height for box in texts)
    tops = [axes.get_tightbbox() for axes in figure.axes]
    assert all(above.y0 >= below.y1 - 1 for above, below in pairwise(tops))


@settings(max_examples=25)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["name", "value", "low", "high", "unit", "n"]),
            st.sampled_from(
                [None, -1.0, 0.0, 1e9, float("nan"), float("inf"), HOSTILE]
            ),
        ),
        max_size=4,
    )
)
def test_it_draws_whatever_its_document_holds(changes):
    units = ("ratio", "share", "requests", "ms")
    fixes = [
        remedy(f"fix_{place}", "Yes.", [number("a", 2.0, unit) | change, {}, None])
        for place, (unit, change) in enumerate(zip(units, changes, strict=False))
    ]
    document = DOCUMENT | {"remedies": [*fixes, {}, None]}
    kept = repr(document)
    figure, data = draw(document)
    figures.sign(figure, document).draw_without_rendering()
    assert repr(document) == kept
    assert isinstance(data, pd.DataFrame)
    assert figure.get_label()


def test_equal_input_is_drawn_as_equal_bytes():
    written = []
    for _ in range(2):
        figure, _ = draw(copy.deepcopy(DOCUMENT))
        picture = io.BytesIO()
        with styled():
            figure.savefig(picture, format="svg", metadata={"Date": None})
        written.append(picture.getvalue())
    assert written[0] == written[1]

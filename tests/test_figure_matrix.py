"""The matrix as a picture: read in grey, with no text clipped, whatever is in it."""

from __future__ import annotations

import copy
import io
from itertools import pairwise

import pandas as pd
import pytest
from figure_support import figures_of, text_of
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import figures, workloads
from bench.figures import matrix as module
from bench.figures._common import styled
from bench.platform import limit_profile, limit_profiles

FREE = limit_profile("free")
VERDICTS = (
    "fits", "fits until 1,200 requests per isolate", "does not fit", "not measured",
)  # fmt: skip


def row(number, name, workload, profile):
    verdict = VERDICTS[number % 4]
    known = verdict != "not measured"
    return {
        "workload": name,
        "title": workload.TITLE,
        "profile": profile.name,
        "limit_ms": profile.cpu_ms,
        "article": workload.ARTICLE["native"],
        "article_choice": workload.ARTICLE["external"],
        "verdict": verdict,
        "requests": 1234.0 if "until" in verdict else None,
        "confidence": 0.93 if known else None,
        "margin_ms": 3.0 if known else None,
        "margin_low": 2.0 if known else None,
        "margin_high": 4.0 if known else None,
        "driver": "retrieve",
        "choice": "native" if known else None,
        "agrees": ("yes", "partly", "no", None)[number % 4],
    }


def document():
    places = [
        (name, workload, profile)
        for name, workload in workloads.load().items()
        for profile in limit_profiles().values()
    ]
    rows = [row(number, *place) for number, place in enumerate(places)]
    return {
        "schema": 1,
        "run": "x",
        "machine": {"host": "some-2c-000000"},
        "rows": rows,
    }


DOCUMENT = document()


def draw(result=DOCUMENT):
    return module.draw(result, pd.DataFrame(), FREE)


def test_it_is_found_as_the_figure_of_the_matrix():
    assert figures_of("matrix") == {"matrix": module}


def test_every_workload_and_profile_has_a_cell_and_a_line_of_data():
    figure, data = draw()
    assert len(data) == len(DOCUMENT["rows"])
    text = text_of(figure)
    words = " ".join(text.split())
    for workload in workloads.load().values():
        assert " ".join(workload.TITLE.split()[:2]) in words
    for profile in limit_profiles().values():
        assert profile.name in text
    assert text.count("93%") == sum(
        r["confidence"] is not None for r in DOCUMENT["rows"]
    )
    assert all(symbol in text for symbol in module.SYMBOLS.values())


def grey(colour):
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_verdicts_differ_in_grey_and_their_letters_stand_out():
    fills = [grey(fill) for fill, _ in module._look().values()]
    ordered = sorted(fills)
    gaps = [high - low for low, high in pairwise(ordered)]
    assert min(gaps) > 0.1
    for fill, ink in module._look().values():
        assert abs(grey(fill) - grey(ink)) > 0.4


def test_what_is_not_as_the_article_says_has_a_frame():
    from matplotlib.patches import Rectangle

    figure, _ = draw()
    framed = [
        patch
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle) and patch.get_linewidth() > 2
    ]
    others = sum(row["agrees"] == "no" for row in DOCUMENT["rows"])
    assert len(framed) == others
    assert text_of(figure).count("\N{NOT EQUAL TO}") == others + 1  # and in the legend


def test_no_text_is_clipped_or_lies_on_another():
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure, _ = draw()
    figures.sign(figure, DOCUMENT)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    axes = figure.axes[0]
    texts = [*axes.get_yticklabels(), *axes.get_xticklabels(), *axes.texts]
    texts += [*figure.legends[0].get_texts(), figure.legends[0].get_title()]
    boxes = [text.get_window_extent(renderer) for text in texts if text.get_text()]
    assert len(boxes) > 100
    for place, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1 + 1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1 + 1
        for other in boxes[place + 1 :]:
            down = min(box.y1, other.y1) - max(box.y0, other.y0)
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            assert down < 4 or across < 1


def test_equal_input_is_drawn_as_equal_bytes():
    written = []
    for _ in range(2):
        figure, data = draw()
        picture = io.BytesIO()
        with styled():
            figure.savefig(picture, format="svg", metadata={"Date": None})
        written.append((picture.getvalue(), data.to_csv()))
    assert written[0] == written[1]


@pytest.mark.parametrize("result", [{}, {"rows": []}, {"rows": None}, {"rows": [1]}])
def test_without_rows_it_says_so(result):
    figure, data = draw(result)
    assert data.empty
    assert "there is no matrix" in text_of(figure)


LEAF = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=80),
    st.just("<b>boom</b> $x_{1}$ \\frac " + "long" * 40), st.lists(st.integers()),
)  # fmt: skip


@settings(max_examples=10)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 7), st.sampled_from(sorted(DOCUMENT["rows"][0])), LEAF
        ),
        max_size=4,
    )
)
def test_any_value_in_any_place_is_drawn_or_left_out(changes):
    result = copy.deepcopy(DOCUMENT)
    result["rows"] = result["rows"][:8]
    for place, field, value in changes:
        result["rows"][place][field] = value
    figure, _ = draw(result)
    figures.sign(figure, result).draw_without_rendering()
    assert figure.get_label()

"""Figures of parsers, re-rankers and Workers: each draws its own document, whatever is
in it."""

from __future__ import annotations

import copy
import io
import json
from itertools import cycle

import pandas as pd
import pytest
from figure_contests import FEW, PARSERS, TOPICS, parsers, rerank
from figure_support import both, figures_of, text_of
from figure_worker import versions, worker
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import figures
from bench.errors import BenchError
from bench.figures._common import styled
from bench.platform import limit_profile

DOCUMENTS = {
    "parsers": parsers(),
    "rerank": rerank(),
    "worker": worker(),
    "versions": versions(),
}
# The same in few rows, for tests that draw many of them.
SMALL = {
    "parsers": parsers(FEW),
    "rerank": rerank(("warm",)),
    "worker": worker(("GET /",)),
    "versions": versions(("GET /",)),
}
FREE = limit_profile("free")
MODULES = {name: m for source in DOCUMENTS for name, m in figures_of(source).items()}
TIMES = "\N{MULTIPLICATION SIGN}"
HOSTILE = "<b>boom</b> $x_{1}$ \\frac " + "long" * 60


def broken(document):
    """What failing, short or old runs leave behind, by name."""
    lists = [key for key, value in document.items() if isinstance(value, list)]

    def changed(change):
        result = copy.deepcopy(document)
        for key in lists:
            result[key] = [
                change(row) if isinstance(row, dict) else row for row in result[key]
            ]
        return result

    def only(value):
        return changed(
            lambda row: {k: v if isinstance(v, str) else value for k, v in row.items()}
        )

    failed = {"error": HOSTILE, "correct": False, "cpu_us": None, "ratio": None}
    return {
        "nothing": {},
        "empty lists": document | {key: [] for key in lists},
        "nulls for lists": document | dict.fromkeys(lists),
        "all failed": changed(lambda row: row | failed),
        "no numbers": only(None),
        "below zero": only(-1.0),
        "not finite": changed(
            lambda row: {
                key: value if isinstance(value, str) else float(odd)
                for (key, value), odd in zip(row.items(), cycle(("nan", "inf", "-inf")))
            }
        ),
        "words for numbers": only("many"),
        "no keys": changed(lambda row: {}),
        "hostile names": changed(
            lambda row: {
                k: HOSTILE if isinstance(v, str) else v for k, v in row.items()
            }
        ),
        "no limit": document | {"limits": None},
        "a control that is off": changed(
            lambda row: row | {"holds": False} if "control" in row else row
        ),
    }


CASES = [
    (name, case)
    for name, module in MODULES.items()
    for case in broken(SMALL[figures.source(module)])
]


def draw(name, document=None):
    module = MODULES[name]
    mine = DOCUMENTS[figures.source(module)] if document is None else document
    return module.draw(mine, pd.DataFrame(), FREE)


def test_every_document_has_figures_and_every_figure_a_document():
    sources = {figures.source(module) for module in figures.load().values()}
    assert sources == set(figures.SOURCES)


def test_a_figure_of_an_unknown_document_is_refused_by_its_file(monkeypatch):
    module = MODULES["rerank_map"]
    monkeypatch.setattr(module, "SOURCE", "nosuch")
    with pytest.raises(BenchError, match=r"rerank_map\.py: SOURCE is 'nosuch'"):
        figures.load()


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_figure_draws_whatever_its_document_holds(name, case):
    source = figures.source(MODULES[name])
    document = broken(SMALL[source])[case]
    kept = json.dumps(document)
    figure, data = draw(name, document)
    figures.sign(figure, document).draw_without_rendering()
    assert json.dumps(document) == kept, "a figure does not change what it shows"
    assert isinstance(data, pd.DataFrame)
    assert len(str(figure.get_label())) > 30, "the alternative text"
    if data.empty:
        assert "No " in text_of(figure), "an empty figure says why"


@pytest.mark.parametrize("name", MODULES)
def test_a_figure_of_the_wrong_document_says_that_it_has_nothing(name):
    other = next(key for key in DOCUMENTS if key != figures.source(MODULES[name]))
    for document in (both(), DOCUMENTS[other]):
        figure, _ = draw(name, document)
        assert figure.get_label()


@pytest.mark.parametrize("name", MODULES)
def test_equal_input_is_drawn_as_equal_bytes(name):
    written = []
    for _ in range(2):
        figure, data = draw(name, SMALL[figures.source(MODULES[name])])
        picture = io.BytesIO()
        with styled():
            figure.savefig(picture, format="svg", metadata={"Date": None})
        written.append((picture.getvalue(), data.to_csv()))
    assert written[0] == written[1]


@pytest.mark.parametrize("name", MODULES)
def test_no_text_lies_on_another(name):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure, _ = draw(name)
    figures.sign(figure, DOCUMENTS[figures.source(MODULES[name])])
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    for axes in figure.axes:
        names = [*axes.get_yticklabels(), *axes.texts]
        boxes = [
            text.get_window_extent(renderer)
            for text in names
            if text.get_text() and text.get_visible() and not text.get_rotation()
        ]
        for place, box in enumerate(boxes):
            assert figure.bbox.x0 <= box.x0
            assert box.x1 <= figure.bbox.x1 + 1
            for other in boxes[place + 1 :]:
                down = min(box.y1, other.y1) - max(box.y0, other.y0)
                across = min(box.x1, other.x1) - max(box.x0, other.x0)
                assert down < 4 or across < 1, (name, "texts overlap")


def test_the_caption_says_how_many_groups_there_were():
    text = figures.caption(DOCUMENTS["parsers"])
    assert "intervals are 95 % over" in text
    assert "intervals are 99.25 % over" in figures.caption(DOCUMENTS["versions"])
    assert "n = 6 process groups" in text
    assert "bench parsers --profile quick" in text
    uneven = copy.deepcopy(DOCUMENTS["parsers"])
    uneven["tables"][0]["n"] = 5
    assert "n = 5 to 6 process groups" in figures.caption(uneven)
    text = figures.caption(DOCUMENTS["rerank"])
    assert "re-rankers n = 6 process groups; warm requests n = 5 process groups" in text


def test_a_ratio_that_may_be_nothing_is_an_arrow_and_an_upper_end():
    """The cost of one that is cheaper than the noise of an empty request."""
    document = copy.deepcopy(SMALL["rerank"])
    for row in document["rows"]:
        if (row["backend"], row["input"]) == ("v8_arrays", "lists"):
            row.update(ratio=3e-7, ratio_low=4e-9, ratio_high=0.0065)
    figure, _ = draw("rerank_ratios", document)
    axes = figure.axes[0]
    assert axes.get_xlim()[0] > 1e-4, "the others are not flattened"
    assert "at most 0.0065" in [text.get_text() for text in axes.texts]
    arrows = [line for line in axes.lines if line.get_marker() == "<"]
    assert len(arrows) == 1
    legend = " ".join(text.get_text() for text in figure.legends[0].get_texts())
    assert "reaches zero or below" in legend


def test_a_wrong_parser_is_named_without_a_number():
    figure, data = draw("parsers_ratios")
    wrong = data[data["wrong"].ne("")]
    assert set(wrong["parser"]) == {"ujson"}
    assert wrong["ratio"].isna().all()
    panel = next(a for a in figure.axes if a.get_title(loc="left").startswith("fields"))
    rows = [label.get_text() for label in panel.get_yticklabels()]
    texts = [t for t in panel.texts if t.get_text().startswith("wrong: ")]
    assert [rows[round(t.get_position()[1])] for t in texts] == ["ujson"]
    marked = {line.get_ydata()[0] for line in panel.lines if len(line.get_xdata()) == 1}
    assert rows.index("ujson") not in marked


def test_the_main_body_has_a_panel_for_each_mode_and_other_kinds_follow():
    figure, data = draw("parsers_ratios")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    titles = [title for title in titles if title]
    assert [title.partition(":")[0] for title in titles[:4]] == [
        "full", "fields", "first", "chunks",
    ]  # fmt: skip
    assert any("embedding.json" in title for title in titles[4:])
    assert not any("transcript of" in title for title in titles), "sized bodies"
    assert "embedding_base64.json" in set(data["fixture"]), "the rest is in the data"
    assert len({axes.get_xlim() for axes in figure.axes if axes.lines}) == 1


def test_the_fastest_of_each_runtime_is_bold_and_no_other():
    figure, _ = draw("parsers_ratios")
    labels = figure.axes[0].get_yticklabels()
    bold = {t.get_text() for t in labels if t.get_fontweight() == "bold"}
    assert bold == {"v8_text", "orjson", "pyodide_json"}


def test_a_control_that_is_off_is_said_over_its_panel():
    document = copy.deepcopy(DOCUMENTS["parsers"])
    document["tables"][0]["holds"] = False
    figure, _ = draw("parsers_ratios", document)
    said = ["inconclusive" in axes.get_title(loc="left") for axes in figure.axes]
    assert said[0]
    assert sum(said) == 1


def test_cost_by_size_shows_the_levels_and_the_articles_parse():
    figure, data = draw("parsers_cost")
    text = text_of(figure)
    assert "10 % of Workers free, 1 ms" in text
    assert "the article: 4 ms\nat 18 KB" in text
    stars = [line for line in figure.axes[0].lines if line.get_marker() == "*"]
    assert [(s.get_xdata()[0], s.get_ydata()[0]) for s in stars] == [(18_000, 4.0)]
    assert set(data[~data["fitted"]]["parser"]) > set(PARSERS) - {"ujson"}
    for name in PARSERS:
        assert name in text
    other = DOCUMENTS["parsers"] | {"limits": {"name": "paid", "cpu_ms": 30.0}}
    text = text_of(draw("parsers_cost", other)[0])
    assert "1 ms" in text
    assert "10 % of Workers paid, 3 ms" in text


def test_correctness_counts_each_case_once_and_says_the_worst():
    figure, data = draw("parsers_correctness")
    assert data.groupby("parser")["cases"].sum().eq(sum(TOPICS.values())).all()
    cell = data.set_index(["parser", "group"])
    assert cell.loc[("ujson", "NaN and Infinity"), "wrong"] == 3
    assert cell.loc[("ijson", "deep nesting"), "crashed"] == 1
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts.count("3/5") == 2
    assert texts.count("\N{DAGGER}1") == 1
    assert texts.count("4/8") == len(PARSERS), "what is left free is not judged"


def test_the_ratios_of_re_rankers_are_of_the_articles_job():
    figure, data = draw("rerank_ratios")
    assert f"8 {TIMES} 1,536" in figure.axes[-1].get_xlabel() + str(figure.get_label())
    titles = [axes.get_title(loc="left").partition(":")[0] for axes in figure.axes]
    assert titles[:5] == ["lists", "fresh", "json", "float32", "base64"]
    assert "request" not in set(data["input"]), "an option of a Worker is no re-ranker"


def test_the_articles_twelve_milliseconds_are_a_line_of_every_panel():
    figure, data = draw("rerank_scaling")
    panels = [axes for axes in figure.axes if axes.lines]
    assert len(panels) == 5
    for axes in panels:
        assert "the article: 12 ms" in " ".join(t.get_text() for t in axes.texts)
        stars = [line for line in axes.lines if line.get_marker() == "*"]
        assert [s.get_xdata()[0] for s in stars] == [8 * 1536]
    assert set(data["values"]) == {384, 1536, 3072, 12_288, 24_576, 98_304}


def test_the_solid_part_of_an_option_ends_where_the_lock_does():
    figure, data = draw("rerank_options")
    mine = data[data["k"].eq(8) & data["dims"].eq(1536) & data["phase"].eq("warm")]
    axes = figure.axes[0]
    ends = [round(p.get_x() + p.get_width(), 6) for p in axes.patches]
    for row in mine.itertuples():
        assert round(row.locked_us / 1000, 6) in ends
        assert round(row.worker_cpu_us / 1000, 6) in ends
    assert "is off the axis" in axes.get_xlabel()
    assert "Workers free, 10 ms" in " ".join(t.get_text() for t in figure.axes[1].texts)


def test_an_option_that_failed_or_has_no_trace_is_said():
    document = copy.deepcopy(DOCUMENTS["rerank"])
    for row in document["options"]:
        row["locked_us"] = None
        if row["option"] == "exact":
            row["error"] = "the index answered 500"
    text = text_of(draw("rerank_options", document)[0])
    assert "failed: the index answered 500" in text
    assert "lock unknown" in text
    assert "charged" not in text


def test_the_map_hatches_what_does_not_matter():
    figure, data = draw("rerank_map")
    warm = data[data["phase"].eq("warm")]
    hatched = [patch for patch in figure.axes[0].patches if patch.get_hatch()]
    assert len(hatched) == (~warm["matters"].astype(bool)).sum() > 0
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert len(texts) == len(warm)
    assert "offload_ids\n0.480 ms\nexact +1.42" in texts


LEAF = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(-10, 10**12),
    st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=8),
    st.lists(st.integers(), max_size=2),
)


@pytest.mark.parametrize("name", MODULES)
@settings(max_examples=4)
@given(data=st.data())
def test_any_value_in_any_place_is_drawn_or_left_out(name, data):
    document = small(figures.source(MODULES[name]))
    for key, rows in document.items():
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            row = data.draw(st.sampled_from(rows), label=key)
            field = data.draw(st.sampled_from(sorted(row)), label="field")
            row[field] = data.draw(LEAF, label="value")
    figure, _ = draw(name, document)
    assert figure.get_label()


def small(source):
    """A document with few rows in each list, of which some share a place."""
    document = copy.deepcopy(SMALL[source])
    return {
        key: value[:6] if isinstance(value, list) else value
        for key, value in document.items()
    }

"""A history on a terminal, as a page, as a figure, and in its notebook."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from compare_support import WHOLE, ask, groups, made, rows
from figure_support import figures_of, text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from matrix_support import DESCRIBED
from test_claims_verb import hashes
from test_notebooks import BOOKS, execute

from bench.figures import history as module
from bench.platform import limit_profile
from bench.report import _history
from bench.store import RUN_VARIABLE, Run, list_runs
from bench.verdict import _summaries, history

BOOK = next(path for path in BOOKS if path.stem == "08_history")
HOSTILE = "<script>alert(1)</script>\x1b[31m $x_{1}$"


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache") / "history"
    monkeypatch.setattr(_summaries, "FOLDER", folder)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Eight runs of a cell that became slower, and of one with a hostile name."""
    folder = tmp_path_factory.mktemp("results")
    for day in range(1, 9):
        level = 5.0 if day < 5 else 6.0
        manifest = {
            "run": f"run-{day}",
            "created": f"2026-01-0{day}T00:00:00+00:00",
            "command": f"bench stages {HOSTILE}",
        }
        odd = WHOLE | {"fixture": HOSTILE}
        made(
            folder / f"run-{day}",
            list(rows(WHOLE, groups(level, seed=day))),
            list(rows(odd, groups(1.0, seed=day, count=1))),
            manifest=manifest,
        )
    return folder


@pytest.fixture
def document(results):
    return history.document(results)


def test_the_verb_gives_identical_bytes_and_writes_nothing_into_the_runs(
    results, tmp_path
):
    before = hashes(results)
    out = [tmp_path / name for name in ("one", "two")]
    asked = ("history", "--results", results, "--json", "--quiet")
    shown = [ask(*asked, "--out", folder) for folder in out]
    assert shown[0] == shown[1]
    assert shown[0][0] == 0
    assert hashes(out[0]) == hashes(out[1])
    kept = {"history.json", "history.html", "figures/history.svg"}
    assert kept <= hashes(out[0]).keys()
    assert hashes(results) == before
    assert json.loads(shown[0][1])["rows"][0]["run"] == "run-5"


def test_the_terminal_shows_changes_series_and_the_method(results):
    code, out, _ = ask("history", "--results", results, "--quiet")
    assert code == 0
    assert out.startswith("1 change of level in 8 runs from 2026-01-01 to 2026-01-08")
    assert re.search(r"\n\+(19|20)\.\d% \[\+.*\]  from run run-5 on", out)
    assert "5.0" in out
    assert "E-Divisive" in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 100
    filtered = ask("history", "--results", results, "--cell", "nosuch")
    assert filtered[0] == 2
    assert "remedy: " in filtered[2]


def test_the_page_needs_nothing_else_and_a_name_is_no_markup(document):
    page = _history.page(document)
    assert page.count("<script") == 1
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", page)
    assert page == _history.page(document)
    for run in document["runs"]:
        assert run["run"] in page
    assert "run-5" in page


def test_a_history_without_a_change_says_so(results):
    document = history.document(results, pattern="<script")
    assert _history.sentence(document).startswith("No change of level in 8 runs")
    assert "<p>None.</p>" in _history.page(document)
    assert "No change of level" in _history.terminal(document)


def test_what_is_not_shown_is_counted(document):
    many = document | {"runs": document["runs"] * 10}
    table = _history.runs(many)
    assert len(table.rows) == _history.SHOWN
    assert table.notes == ["And 40 more, see --json."]


def draw(document):
    return module.draw(document, pd.DataFrame(), limit_profile("free"))


def test_the_figure_shows_levels_and_where_they_begin(document):
    assert figures_of("history") == {"history": module}
    figure, data = draw(document)
    figure.draw_without_rendering()
    first, second = figure.axes[:2]
    assert "transcript.json" in first.get_title("left").replace("\n", "")
    dashed = [line for line in first.lines if line.get_linestyle() == "--"]
    assert [list(line.get_xdata()) for line in dashed] == [[3.5, 3.5]]
    assert not [line for line in second.lines if line.get_linestyle() == "--"]
    assert list(data["level"][:8]) == [0] * 4 + [1] * 4
    assert len(data) == 16
    assert "1 changes" in str(figure.get_label())


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "cell": st.one_of(
                    st.none(), st.just(HOSTILE), st.text("ab/_ \x07", max_size=200)
                ),
                "points": st.lists(
                    st.fixed_dictionaries(
                        {
                            "ms": st.one_of(st.none(), st.floats(-1e6, 1e6)),
                            "low": st.one_of(st.none(), st.floats(-1e6, 1e6)),
                            "high": st.none(),
                            "created": st.none(),
                        }
                    ),
                    max_size=3,
                ),
                "changes": st.lists(
                    st.fixed_dictionaries({"index": st.integers(-1, 4)}), max_size=2
                ),
            }
        ),
        max_size=3,
    )
)
@settings(max_examples=8)
def test_the_figure_draws_whatever_its_document_holds(series):
    figure, data = draw({"series": series})
    figure.draw_without_rendering()
    if data.empty:
        assert "no history to show" in text_of(figure)


def test_the_notebook_by_itself_makes_and_seals_a_run(results, monkeypatch, tmp_path):
    monkeypatch.setattr("bench.store._creation.RESULTS", tmp_path)
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    shown = execute(BOOK, results=str(results), cell="transcript")
    [listed] = list_runs(tmp_path)
    assert listed.state == "finished"
    own = tmp_path / listed.folder
    kept = json.loads((own / "history.json").read_bytes())
    assert kept == json.loads(
        json.dumps(history.document(results, pattern="transcript"))
    )
    assert (own / "history.html").is_file()
    assert (own / "figures" / "history.svg").is_file()
    assert "1 change of level" in shown["summary"].data
    assert shown["picture"].data
    assert list(shown["changes"].data["first run"]) == ["run-5"]
    assert list(shown["series"].data["runs"]) == ["8"]
    assert "E-Divisive" in shown["method"].data


def test_in_a_batch_its_run_is_the_last_of_the_history(results, monkeypatch, tmp_path):
    monkeypatch.setattr("bench.store._creation.RESULTS", results)
    with Run.create(tmp_path / "batch", fixtures={}, **DESCRIBED) as batch:
        with batch.cell({"measurement": "in path"}) as cell:
            cell.add(rows(WHOLE, groups(5.0)))
        monkeypatch.setenv(RUN_VARIABLE, str(batch.path))
        execute(BOOK)
        assert not batch.sealed
        kept = json.loads((batch.path / "history.json").read_bytes())
    assert kept["run"] == batch.id
    assert kept["runs"][-1]["run"] == batch.id
    assert len(kept["runs"]) == 9

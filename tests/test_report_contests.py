"""Parsers and re-rankers in the report: alone, beside the path, and on a terminal."""

from __future__ import annotations

import copy
import json

import pandas as pd
import pytest
from figure_contests import WHY, parsers, rerank
from figure_support import both, figures_of
from hypothesis import given, settings
from hypothesis import strategies as st
from test_report import HOSTILE, Page, page_of, run_folder

from bench import figures, report
from bench.errors import UserError
from bench.platform import limit_profile

DOCUMENTS = {"parsers": parsers(), "rerank": rerank()}
TEXTS = {"parsers": report.parsers_text, "rerank": report.rerank_text}
each = pytest.mark.parametrize("kind", DOCUMENTS)


def compared_folder(path, documents, **manifest):
    """A run in which only comparisons were made."""
    folder = run_folder(path, {}, **manifest)
    (folder / "stages.json").unlink()
    for kind, document in documents.items():
        (folder / f"{kind}.json").write_text(json.dumps(document))
    return folder


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """A run that measured everything, with the figures of the comparisons."""
    folder = run_folder(tmp_path_factory.mktemp("all") / "r", both())
    for kind, document in DOCUMENTS.items():
        (folder / f"{kind}.json").write_text(json.dumps(document))
        for name, module in figures_of(kind).items():
            figure, data = module.draw(document, pd.DataFrame(), limit_profile("free"))
            figures.save(folder / "figures", name, figure, data)
    report.build(folder)
    return folder


def test_all_that_was_measured_is_on_one_page(whole_run):
    text = page_of(whole_run).text
    for part in (
        "Does it fit Workers Free?",
        "Which JSON parser, and does it matter?",
        "Where should re-ranking happen?",
        "v8_text workerd 60.5 [59.3, 61.7] 0.34 [0.34, 0.35] 1.00",
        f"ujson: wrong: {WHY}",
        "All 19 A/A controls hold.",
        "v8_json to v8_text, full 1.00 ms 3,267 to 3,400",
        "rapidjson: NaN and Infinity, control characters.",
        "numpy_lists, fresh, 8, 1536 and 5 more: wrong: order differs at place 2",
        "in_path, warm 2.15 [2.06, 2.24] 22 % 2.57 0.400 12.4 / 381 5",
        "the service answered 503",
        "offload_ids, warm 1.10 6.10 11.1 26.1 51.1",
        "8 \N{MULTIPLICATION SIGN} 1,536, warm offload_ids 2.15 1.90 0.480 1.42 [1.12,",
        "request that re-ranks 64 x 1,536 in its path workerd warm 17.2 [16.7, 17.7]",
    ):
        assert part in text, part


def test_each_figure_has_the_caption_of_its_own_document(whole_run):
    page = page_of(whole_run)
    assert len(page.having("img")) == sum(len(figures_of(kind)) for kind in DOCUMENTS)
    assert page.text.count("made by: bench parsers --profile quick") == 3
    assert page.text.count("made by: bench rerank --profile quick") == 4
    links = {a["href"] for a in page.having("a")}
    assert {"parsers.json", "rerank.json", "#parsers", "#rerank"} <= links
    anchors = {a.get("id") for _, a in page.elements}
    assert {link[1:] for link in links if link.startswith("#")} <= anchors


@each
def test_a_run_of_one_comparison_is_a_whole_report(kind, tmp_path):
    folder = compared_folder(tmp_path / "r", {kind: DOCUMENTS[kind]})
    report.build(folder)
    page = page_of(folder)
    question = {"parsers": "Which JSON parser", "rerank": "Where should re-ranking"}
    assert page.text.count(question[kind]) == 1
    for part in ("Does it fit", "Against every limit profile", "The sentinel"):
        assert part not in page.text, "nothing of a path that was not measured"
    assert "A millisecond of this machine is not one of Cloudflare's" in page.text
    assert "amd-epyc-2c-3f9a1c" in page.text
    summary = report.summary_of(folder)
    assert "controls hold" in summary
    assert "one warm" not in summary
    assert len(summary.splitlines()) < 15


@each
def test_equal_input_gives_equal_bytes(kind, tmp_path):
    folder = compared_folder(tmp_path / "r", {kind: DOCUMENTS[kind]})
    before = report.build(folder).read_bytes()
    assert report.build(folder).read_bytes() == before


def test_the_summary_of_a_run_has_the_answer_of_each(whole_run):
    lines = report.summary_of(whole_run).splitlines()
    assert max(map(len, lines)) <= 100
    assert "JSON parsers" in lines
    assert "re-ranking" in lines
    assert any(line.startswith("journey warm workerd") for line in lines)


@each
def test_the_text_of_a_comparison_fits_a_terminal_and_is_cut_nowhere(kind):
    text = TEXTS[kind](DOCUMENTS[kind])
    lines = text.splitlines()
    assert max(map(len, lines)) <= 96
    assert all(line.isprintable() and line == line.rstrip() for line in lines)
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert "limits free: 10 ms a request" in lines[1]


def test_columns_of_a_text_are_aligned():
    lines = report.parsers_text(DOCUMENTS["parsers"]).splitlines()
    head = next(n for n, line in enumerate(lines) if "CPU (" in line)
    rows = lines[head + 1 : head + 11]
    ends = {line.index("]") for line in rows}
    assert len(ends) == 1
    assert ends.pop() + 1 == lines[head].index("s)") + 2
    assert [row.split()[0] for row in rows][:3] == ["v8_text", "v8_json", "orjson"]


def test_a_story_is_told_of_workers_and_of_whatever_takes_as_long():
    document = copy.deepcopy(DOCUMENTS["parsers"])
    first = document["stories"][0]
    document["stories"] += [
        first | {"runtime": "cpython", "condition": "a quick one", "reproduces": False},
        first | {"runtime": "cpython", "condition": "a slow one", "reproduces": True},
    ]
    text = report.parsers_text(document)
    assert "a slow one" in text
    assert "a quick one" not in text
    assert "In CPython, conditions that take less: 1." in text


@each
def test_a_control_that_is_off_is_said_beside_the_rows(kind):
    document = copy.deepcopy(DOCUMENTS[kind])
    document["tables"][0].update(holds=False, control=None)
    text = " ".join(TEXTS[kind](document).split())
    assert "The A/A control does not hold: " in text
    assert "Inconclusive for" in text
    assert "controls hold" not in text


@each
@pytest.mark.parametrize("document", [{}, {"rows": None, "tables": [{}]}])
def test_nothing_measured_is_a_short_text_and_a_short_page(kind, document, tmp_path):
    assert "so there is no answer" in TEXTS[kind](document)
    folder = compared_folder(tmp_path / "r", {kind: document or {"schema": 1}})
    report.build(folder)
    assert "so there is no answer" in page_of(folder).text


@pytest.mark.parametrize("name", ["parsers.json", "rerank.json"])
def test_a_document_that_is_not_json_is_named(name, tmp_path):
    folder = compared_folder(tmp_path / "r", {})
    (folder / name).write_text('{"schema": 1, ')
    with pytest.raises(UserError) as caught:
        report.build(folder)
    assert caught.value.file.endswith(name)


def hostile(document, text):
    """``document`` with ``text`` for every word in it but those that choose rows."""
    kept = {"mode", "fixture", "phase", "option", "input", "ok"}
    return {
        key: [
            {
                name: text if isinstance(value, str) and name not in kept else value
                for name, value in row.items()
            }
            for row in rows
        ]
        if isinstance(rows, list) and rows and isinstance(rows[0], dict)
        else rows
        for key, rows in document.items()
    }


@pytest.mark.parametrize("text", HOSTILE)
def test_what_others_write_is_shown_and_never_run(text, tmp_path):
    for name, said in (("bad", text), ("clean", "plain")):
        documents = {kind: hostile(d, said) for kind, d in DOCUMENTS.items()}
        report.build(compared_folder(tmp_path / name, documents))
    page = page_of(tmp_path / "bad")
    tags = [tag for tag, _ in page.elements]
    assert tags == [tag for tag, _ in page_of(tmp_path / "clean").elements]
    assert page.text.count(" ".join(text.split())) >= 10
    for kind, document in DOCUMENTS.items():
        lines = TEXTS[kind](hostile(document, text)).splitlines()
        assert all(line.isprintable() for line in lines)


@each
@settings(max_examples=30)
@given(data=st.data())
def test_any_value_in_any_place_is_written_or_left_out(kind, data):
    leaf = st.none() | st.booleans() | st.floats() | st.text(max_size=9) | st.just({})
    document = {
        key: [dict(row) for row in rows[:20]]
        if isinstance(rows, list) and rows and isinstance(rows[0], dict)
        else rows
        for key, rows in DOCUMENTS[kind].items()
    }
    for rows in document.values():
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            row = data.draw(st.sampled_from(rows))
            row[data.draw(st.sampled_from(sorted(row)))] = data.draw(leaf)
    lines = TEXTS[kind](document).splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line.isprintable() for line in lines)


def test_the_tables_of_a_notebook_escape_what_they_did_not_write():
    from bench.report import _parsers, _rerank, tables

    for text in HOSTILE[:4]:
        mine = {kind: hostile(d, text) for kind, d in DOCUMENTS.items()}
        for table in (
            _parsers.speed(mine["parsers"], "full"),
            _parsers.correctness(mine["parsers"]),
            _parsers.switches(mine["parsers"]),
            _rerank.rerankers(mine["rerank"]),
            _rerank.break_even(mine["rerank"]),
            _rerank.stories(mine["rerank"]),
        ):
            page = Page(tables.shown(table).to_html())
            assert " ".join(text.split()) in page.text
            assert not {"script", "img", "a"} & {tag for tag, _ in page.elements}

"""Both runtimes in one report: what the lock judges, and what stands beside it."""

from __future__ import annotations

import json
import re

import pytest
from figure_support import both, drawn, isolates
from test_figures import RESULTS
from test_report import HOSTILE, Page, page_of, run_folder

from bench import report
from bench.platform import limit_profile
from bench.verdict import article

BOTH = both() | {"limits": "free"}
BOTH |= {"article": article.rows(drawn(BOTH))}


@pytest.fixture(scope="module")
def both_page(tmp_path_factory):
    """The page of a run in which both runtimes were measured."""
    folder = run_folder(tmp_path_factory.mktemp("both") / "r", BOTH)
    report.build(folder)
    return page_of(folder)


def test_the_page_judges_by_what_is_under_the_lock(both_page):
    text = both_page.text
    assert "one warm consume invocation uses 47 %: 4.66 ms [4.56, 4.76] under" in text
    assert "outside lock (ms) under lock (ms) of 10 ms" in text
    assert "HTTP client (ms) compute (ms) for scale, of 10 ms" in text
    assert "whole 6.02 [5.90, 6.14] 12 under the lock 3.61 [3.51, 3.71] 36 % 12" in text
    assert "ingest, warm workerd" in text
    assert text.index("chat, warm workerd") < text.index("chat, warm CPython")
    assert "helpers (ms)" in text
    assert "0.123" in text


def test_a_share_of_the_limit_is_of_what_counts(both_page):
    """Of embed's 0.62 ms in workerd 0.372 are under the lock: 3.7 % of 10 ms."""
    assert "embed 0.620 [0.570, 0.670] 0.248 0.372 3.7 % 0.248 0.186 12" in (
        both_page.text
    )


def test_a_negative_difference_is_shown_as_it_was_measured(both_page):
    minus = "\N{MINUS SIGN}"
    row = f"rerank {minus}0.0300 [{minus}0.0800, 0.0200] {minus}0.0120 {minus}0.0180"
    assert row in both_page.text
    widths = [float(bar["width"]) for bar in both_page.having("rect")]
    assert min(widths) >= 0
    summary = " ".join(report.summary(BOTH).split())
    assert "rerank -0.0300 [-0.0800, 0.0200]" in summary


def test_a_profile_is_a_third_opinion(both_page):
    assert both_page.text.count("The profile is a third opinion") == 1
    assert both_page.text.count("profile (ms)") == 1


def test_what_a_profile_holds_besides_the_stages_is_said():
    document = json.loads(json.dumps(BOTH))
    for row in document["invocations"]:
        row["profile_rest"] = {"outside JS": 1.25, "<b>odd</b>": 0.5}
    text = " ".join(report.summary(document).split())
    assert "Besides the stages it saw outside JS 1.25 ms, <b>odd</b> 0.500 ms." in text


@pytest.mark.parametrize("way", ["page", "summary"])
def test_what_is_beside_the_stages_is_on_the_page_and_in_the_summary(way, both_page):
    summary = " ".join(report.summary(BOTH).split())
    text = both_page.text.replace("\N{EN DASH}", "-") if way == "page" else summary
    for part in (
        "bench says +50% against schedstat, beyond both intervals",
        "chat, workerd 23.7 11.9 11.9 11.9 11.9 6.02 3.9\N{MULTIPLICATION SIGN} 12",
        "start-up 9.34 [9.08, 9.60] ms 1,000 ms 0.93 % 5",
        "start-up, CPython 195 [190, 199] ms 8",
        "script, compressed 21.2 KB 3 MB 0.71 %",
        "heap, 64 in flight 9.7 MB live, 23.3 MB peak 128 MB 18 %",
        "5.2 [1.9, 8.4] \N{MICRO SIGN}s of CPU a chunk",
        "within the target of 10 \N{MICRO SIGN}s",
        "request parsing and auth 0.8 0.1",
        "save_turn -",
    ):
        assert part in text, part


def test_the_summary_of_two_runtimes_fits_a_terminal():
    lines = report.summary(BOTH).splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line.isprintable() and line == line.rstrip() for line in lines)
    text = "\n".join(lines)
    assert re.search(r"  under the lock +3\.61  \[3\.51, 3\.71\] +36 %", text)
    assert re.search(r"chat warm cpython .+ HTTP client +for scale", text)
    assert re.search(r"journey warm workerd +17\.7 .+ 10\.6 under the lock", text)
    assert "helpers 0.123 ms" in " ".join(text.split())


@pytest.mark.parametrize(
    ("chunk", "said"),
    [
        ((0.0052, 0.0019, 0.0084), "that is within the target of 10 \N{MICRO SIGN}s."),
        ((0.0150, 0.0120, 0.0180), "that misses the target of 10 \N{MICRO SIGN}s."),
        ((0.0090, 0.0050, 0.0130), "10 \N{MICRO SIGN}s cannot be told."),
        ((0.0052, None, None), "10 \N{MICRO SIGN}s cannot be told."),
    ],
)
def test_the_conversion_is_judged_by_its_interval(chunk, said):
    text = " ".join(report.summary(BOTH | {"isolates": isolates(*chunk)}).split())
    assert said in text


def test_the_article_comes_from_the_document_of_the_run(tmp_path):
    folder = run_folder(tmp_path / "r", BOTH)
    assert "the article's table" in report.summary_of(folder)
    report.build(folder)
    assert "The article's table beside ours" in page_of(folder).text
    assert "context assembly from Vectorize 0.9" in page_of(folder).text
    report.build(run_folder(tmp_path / "without", both()))
    assert "The article's table" not in page_of(tmp_path / "without").text


def test_limitations_are_of_what_was_measured():
    def said(document):
        from bench.report._limitations import limitations

        return " ".join(limitations(document, limit_profile("free")))

    only = json.loads(json.dumps(both()))
    for key in ("rows", "invocations"):
        only[key] = [row for row in only[key] if row["runtime"] == "workerd"]
    assert "workerd was not measured in this run" in said(RESULTS["both phases"])
    assert "V8's helper threads" not in said(RESULTS["both phases"])
    for document in (both(), only):
        text = said(document)
        assert "workerd was not measured" not in text
        for part in (
            "workerd enforces no limit here",
            "the difference of two requests",
            "wall time in workerd's own trace",
            "V8's helper threads",
            "loopback, without encryption",
        ):
            assert part in text
    assert "CPython" not in said(only)
    untraced = json.loads(json.dumps(only))
    for row in untraced["invocations"]:
        row["locked_ms"] = None
    assert "This workerd cannot trace itself" in said(untraced)


def test_the_tables_of_a_notebook_escape_what_they_did_not_write():
    from bench.report import tables

    for text in HOSTILE[:4]:
        document = json.loads(json.dumps(BOTH))
        document["rows"][0]["stage"] = text
        document["rows"][1]["error"] = text
        document["instruments"][0]["doubt"] = text
        document["warming"][0]["invocation"] = text
        document["isolates"][0]["runtime"] = text
        document["article"] = [
            row | {"operation": text} for row in document["article"][:1]
        ]
        for styler in (
            tables.stages(document),
            tables.wholes(document),
            tables.instruments(document),
            tables.warming(document),
            tables.isolate(document, limit_profile("free")),
            tables.article(document),
        ):
            page = Page(styler.to_html())
            assert not page.having("script")
            assert not page.having("img")
            assert not page.having("a")

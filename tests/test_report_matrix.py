"""Workloads, fixes, matrix and claims in the report: alone, together, on a terminal."""

from __future__ import annotations

import copy
import json
import math

import pandas as pd
import pytest
from figure_support import both, figures_of
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_support import DOCUMENTS, LIMITS, SKIPPED, VERDICTS, remedies, workloads
from test_capacity_figures import document as plan_of_traffic
from test_report import HOSTILE, Page, page_of, run_folder

from bench import figures, report
from bench.platform import limit_profile
from bench.report import (
    _capacity,
    _claims,
    _engines,
    _matrix,
    _remedies,
    _workloads,
    tables,
)
from bench.report._contests import KINDS, brief, sections, whole

MADE = {kind: make() for kind, make in DOCUMENTS.items()}
QUESTIONS = {kind: KINDS[kind].question for kind in MADE}
each = pytest.mark.parametrize("kind", MADE)


def stored(document):
    """What JSON makes of a document: infinity is no number."""

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return None if isinstance(value, float) and math.isinf(value) else value

    return plain(document)


def derived_folder(path, documents, staged=None):
    folder = run_folder(path, staged or {})
    if staged is None:
        (folder / "stages.json").unlink()
    for kind, document in documents.items():
        (folder / f"{kind}.json").write_text(json.dumps(stored(document)))
    return folder


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """A run with the path and all four, and their figures."""
    folder = derived_folder(tmp_path_factory.mktemp("all") / "r", MADE, both())
    for kind, document in MADE.items():
        for name, module in figures_of(kind).items():
            figure, data = module.draw(document, pd.DataFrame(), limit_profile("free"))
            figures.save(folder / "figures", name, figure, data)
    (folder / "matrix.md").write_text("# Decision matrix\n")
    report.build(folder)
    return folder


def test_every_document_has_a_figure_and_a_section():
    assert {"stages", *KINDS} <= set(figures.SOURCES)
    assert set(MADE) <= set(KINDS)


def test_all_of_it_is_on_one_page(whole_run):
    text = page_of(whole_run).text
    for part in (
        "Does it fit Workers Free?",
        *QUESTIONS.values(),
        "On free, of 4 workloads 1 fit (webhook); 1 fit until an isolate has served",
        "Not as the article says: documents.",
        "1 fit article, 4 fit paid-default",
        "documents, 4 MB cold 64.0 [57.6, 70.4] 640 % 64.0 9.00 3 4",
        "documents warm 0.500 [0.400, 0.600] 0.0080 [0.0070, 0.0090] 1.2M [1.1M, ∞]",
        "documents: measured at 100k to 4M bytes.",
        "qdrant Qdrant Edge 0.1 measured",
        "qdrant, filtered, 2,000 vectors 3.00 2.70 6.00 99 % 32",
        "postgres, load, 1,000 conversations 0.250",
        "0.31 [\N{MINUS SIGN}0.12, 0.74] 250 to 2,000 5,000,000",
        "5,000,000 14.0 [0.400, >1 day]",
        "r2 relative to metadata, 1.2 KB a text 1.52 [1.37, 1.67] 3",
        "stale, none 41 [36.9, 45.1] % 3",
        "The A/A control is 1.01 [0.97, 1.05].",
        "Of 5 claims of the article",
        "claim_1: the article says 1 4 ms 0.240 [0.110, 0.900] ms because the article",
    ):
        assert part in text, part


def test_every_id_of_evidence_is_on_the_page(whole_run):
    cells = {" ".join(word.split()) for word in page_of(whole_run).words}
    for kind in ("matrix", "claims"):
        ids = {ident for row in MADE[kind]["rows"] for ident in row["evidence"]}
        assert len(ids) >= 8
        assert ids <= cells


def test_a_verdict_is_told_by_a_symbol_and_by_a_colour(whole_run):
    page = page_of(whole_run)
    style = (whole_run / "report.html").read_text().partition("</style>")[0]
    looks = [(cell.get("class") or "").split() for cell in page.having("td")]
    tones = [look[-1] for look in looks if len(look) > 1]
    # Four verdicts on three limits, then again on the strictest.
    assert len(tones) == len(VERDICTS) * (len(LIMITS) + 1)
    assert set(tones) == {"fits", "until", "over", "unknown"}
    assert all(f".{tone} {{" in style for tone in tones)
    for cell in ("✓ (97%)", "~ 1,200 (61%)", "\N{MULTIPLICATION X} (100%) ≠", "?"):
        assert cell in {word.strip() for word in page.words}


def test_each_figure_has_the_caption_of_its_own_document(whole_run):
    page = page_of(whole_run)
    assert len(page.having("img")) == sum(len(figures_of(kind)) for kind in MADE)
    assert page.text.count("made by: bench workloads --profile quick") == 1
    assert page.text.count("made by: bench remedies --profile quick") == 1
    assert "no finished measurement" not in page.text
    assert "n = 4 process groups" in page.text
    links = {a["href"] for a in page.having("a")}
    named = {f"{kind}.json" for kind in MADE} | {f"#{kind}" for kind in MADE}
    assert named | {"matrix.md"} <= links
    anchors = {a.get("id") for _, a in page.elements}
    assert {link[1:] for link in links if link.startswith("#")} <= anchors


def test_a_capacity_plan_is_a_section_with_figures_of_its_own(tmp_path):
    plan = plan_of_traffic() | {"command": "bench capacity --rate 5"}
    plan["first"] = [{"profile": "free", "sentence": "CPU breaks first, at 3.2."}]
    folder = derived_folder(tmp_path / "r", {"capacity": plan}, both())
    name, module = next(iter(figures_of("capacity").items()))
    figure, data = module.draw(plan, pd.DataFrame(), limit_profile("free"))
    figures.save(folder / "figures", name, figure, data)
    report.build(folder)
    text = page_of(folder).text
    for part in (
        KINDS["capacity"].question,
        "CPU breaks first, at 3.2.",
        "Requests a day 1.16",
        "made by: bench capacity --rate 5",
        "A capacity plan is a simulation",
    ):
        assert part in text, part
    assert "CPU breaks first, at 3.2." in report.summary_of(folder)
    assert _capacity.sentence({}) in brief("capacity", {})


@each
def test_a_run_of_one_document_is_a_whole_report(kind, tmp_path):
    folder = derived_folder(tmp_path / "r", {kind: MADE[kind]})
    before = report.build(folder).read_bytes()
    page = page_of(folder)
    text = page.text
    assert text.count(QUESTIONS[kind]) == 1
    assert not any(row.get("class") for row in page.having("tr")), "no row is a total"
    for part in ("Does it fit Workers", "Against every limit profile"):
        assert part not in text, "nothing of a path that was not measured"
    assert "A millisecond of this machine is not one of Cloudflare's" in text
    assert report.build(folder).read_bytes() == before


def test_the_summary_of_a_run_has_the_answer_of_each(whole_run):
    lines = report.summary_of(whole_run).splitlines()
    assert max(map(len, lines)) <= 100
    for kind in MADE:
        assert KINDS[kind].title in lines
    text = " ".join(" ".join(lines).split())
    for kind, document in MADE.items():
        plain = KINDS[kind].sentence(document)
        assert plain.isprintable()
        assert " ".join(plain.split()) in text


def test_an_engine_that_was_skipped_is_said_everywhere(tmp_path):
    document = workloads(skipped=["postgres"])
    said = f"postgres skipped: {SKIPPED}."
    text = " ".join(report.workloads_text(document).split())
    assert said in text
    assert "postgres PostgreSQL 17, pgvector 0.8 skipped" in text
    assert said in " ".join(brief("workloads", document).split())
    report.build(derived_folder(tmp_path / "r", {"workloads": document}))
    assert said in page_of(tmp_path / "r").text
    assert said in tables.shown(_engines.engines(document)).to_html()


def test_an_engine_that_failed_is_told_from_one_that_ran():
    document = workloads()
    for key in ({"engine": "qdrant"}, {"route": "qdrant", "phase": "warm"}):
        document["engines"]["errors"] = [{"key": key, "message": "it broke"}]
        states = {row[0]: row[2] for row in _engines.engines(document).rows}
        assert states == {"qdrant": "failed", "postgres": "measured"}
    document["engines"].update(errors=[], services=[])
    states = [row[2] for row in _engines.engines(document).rows]
    assert states == ["not measured"] * 2


def test_an_older_document_without_engines_is_shown():
    document = {key: each for key, each in workloads().items() if key != "engines"}
    assert "engine" not in report.workloads_text(document)
    assert "64.0" in report.workloads_text(document)


def test_a_fix_that_failed_is_said_and_the_others_are_shown(tmp_path):
    document = remedies("no answer to 10")
    said = _remedies.sentence(document)
    assert said.startswith("Reading costs 1.52 times at 1.2 KB a text. At a lag")
    assert said.endswith("rate limit failed: no answer to 10.")
    report.build(derived_folder(tmp_path / "r", {"remedies": document}))
    assert "rate limit failed: no answer to 10" in page_of(tmp_path / "r").text
    assert "failed: no answer to 10" in _remedies.markdown(document)
    assert "so there is no answer" in _remedies.sentence({})


def test_a_control_that_is_off_is_said():
    document = copy.deepcopy(MADE["remedies"])
    document["tables"][0]["holds"] = False
    said = " ".join(brief("remedies", document).split())
    assert "The A/A control does not hold: chunk_text 1.01 [0.97, 1.05]" in said


@each
@pytest.mark.parametrize("document", [{"schema": 1}, {"rows": None, "laws": [{}]}])
def test_nothing_measured_is_a_short_section(kind, document, tmp_path):
    folder = derived_folder(tmp_path / "r", {kind: document})
    report.build(folder)
    assert "No " in page_of(folder).text.partition("figures")[0]
    assert len(brief(kind, document).splitlines()) == 2


def hostile(value, text, kept):
    """``value`` with ``text`` for its words, but for those that choose rows."""
    if isinstance(value, dict):
        return {
            key: item if key in kept else hostile(item, text, kept)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [hostile(item, text, kept) for item in value]
    return text if isinstance(value, str) else value


KEPT = {"stage", "profile", "workload", "verdict", "metric", "agrees", "id", "unit"}


@pytest.mark.parametrize("text", HOSTILE)
def test_what_others_write_is_shown_and_never_run(text, tmp_path):
    for name, said in (("bad", text), ("clean", "plain")):
        documents = {kind: hostile(d, said, KEPT) for kind, d in MADE.items()}
        report.build(derived_folder(tmp_path / name, documents))
    page, clean = page_of(tmp_path / "bad"), page_of(tmp_path / "clean")
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in clean.elements]
    looks = [[a.get("class") for _, a in each.elements] for each in (page, clean)]
    assert {*looks[0]} <= {*looks[1]} | {"sentence", "word"}
    assert page.text.count(" ".join(text.split())) >= 20
    lines = report.summary_of(tmp_path / "bad").splitlines()
    assert all(line.isprintable() and len(line) <= 100 for line in lines)


leaf = st.none() | st.booleans() | st.floats() | st.text(max_size=9) | st.just({})


@each
@settings(max_examples=40)
@given(data=st.data())
def test_any_value_in_any_place_is_written_or_left_out(kind, data):
    document = copy.deepcopy(MADE[kind])
    places = [document["rows"]]
    places += [document[key] for key in ("laws", "remedies") if document.get(key)]
    outside = document.get("engines") or {}
    places += [outside[key] for key in ("engines", "services", "laws") if outside]
    row = data.draw(st.sampled_from(data.draw(st.sampled_from(places))))
    row[data.draw(st.sampled_from(sorted(row)))] = data.draw(leaf)
    [section] = sections({kind: document})
    for each_table in section["tables"]:
        assert all(len(r) == len(each_table.table.head) for r in each_table.table.rows)
        assert len(each_table.table.kinds) == len(each_table.table.head)
    lines = f"{whole(kind, document)}\n{brief(kind, document)}".splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line.isprintable() for line in lines)


def test_the_tables_of_a_notebook_escape_what_they_did_not_write():
    for text in HOSTILE[:4]:
        mine = {kind: hostile(d, text, KEPT) for kind, d in MADE.items()}
        for table in (
            _workloads.costs(mine["workloads"]),
            _engines.engines(mine["workloads"]),
            _remedies.numbers(mine["remedies"]),
            _matrix.reasons(mine["matrix"]),
            next(iter(_claims.tables(mine["claims"])))[1],
        ):
            page = Page(tables.shown(table).to_html())
            assert " ".join(text.split()) in page.text
            assert not {"script", "img", "a"} & {tag for tag, _ in page.elements}

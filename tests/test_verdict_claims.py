"""The article's claims: judged from a run, with evidence that leads somewhere."""

from __future__ import annotations

import json

import pytest
from claims_support import LOADED, at, empty_run, row_of, run_with
from hypothesis import given
from hypothesis import strategies as st
from matrix_support import COSTS, DESCRIBED, made

from bench.errors import BenchError, UserError
from bench.paths import ROOT
from bench.platform import limit_profile
from bench.store import Run
from bench.transfer import Transfer
from bench.verdict import article, claims
from bench.verdict.claims import _claim, _computed, _judge
from bench.verdict.claims._judge import Found

REFERENCE = ROOT / "results" / "reference"
FREE, PAID = limit_profile("free"), limit_profile("paid-default")
TIME = _judge.measured("ms")

numbers = st.floats(0.001, 1000)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return empty_run(tmp_path_factory.mktemp("claims") / "run")


@pytest.fixture(scope="module")
def reference():
    if not REFERENCE.is_dir():
        pytest.skip("there is no reference run")
    run = Run.open(REFERENCE)
    return run, claims.document(run)


def test_the_claims_are_many_and_each_can_be_checked():
    from bench.path import stages
    from bench.platform import tables
    from bench.workloads import load

    assert len(LOADED) >= 40
    operations = {operation.name for operation in article.OPERATIONS} | {article.TOTAL}
    for claim in LOADED.values():
        assert len(claim.claim) < 90
        if claim.check == "sample":
            assert claim.sample
            assert claim.run.startswith("bench ")
            assert bool(claim.instead) == bool(claim.instead_is)
        elif claim.check == "table":
            assert claim.operation in operations
        elif claim.check == "stage":
            assert claim.stage in stages("chat")
        elif claim.check == "computed":
            assert claim.compute in _computed.FUNCTIONS
        elif claim.check == "matrix":
            assert claim.workload in load()
        elif claim.check == "elsewhere":
            assert claim.would
        for ident in (claim.row or {}).values():
            assert tables.find(ident)
        if claim.check == "documented":
            assert claim.row or claim.source
            assert bool(claim.says) == (claim.holds is not None)
    tabled = {claim.operation for claim in LOADED.values() if claim.operation}
    assert tabled == operations, "every row of the table is a claim"
    judged = {claim.workload for claim in LOADED.values() if claim.workload}
    assert judged == set(load()), "every row of the matrix is a claim"


def test_the_table_and_the_claims_have_the_same_numbers():
    said = {one.operation: one.article for one in LOADED.values() if one.operation}
    assert said.pop(article.TOTAL) == article.TOTAL_MS
    assert said == {operation.name: operation.ms for operation in article.OPERATIONS}


@pytest.mark.parametrize("text", ["[a]\nclaim = 1", "[a", "[a]\nnosuch = 1", "a = 1"])
def test_a_malformed_file_is_named(text):
    with pytest.raises(BenchError, match=r"x\.toml: "):
        _claim.parse(text, "x.toml")


@given(numbers, numbers, numbers)
def test_a_time_is_refused_only_where_no_factor_would_show_it(low, more, claimed):
    found = Found(low + more / 2, low, low + more)
    agreed = _judge.agrees(found, (claimed, claimed), "", TIME)
    assert agreed == (low * 0.5 <= claimed <= (low + more) * 2)
    assert _judge.agrees(found, (low, low), "", TIME)
    under = _judge.agrees(found, (claimed, claimed), "under", TIME)
    over = _judge.agrees(found, (claimed, claimed), "over", TIME)
    assert under or over, "a bound and its opposite cannot both be refused"
    if agreed:
        assert under


@given(numbers, numbers, st.sampled_from(["", "under", "over"]))
def test_a_condition_is_said_with_the_verdict(value, claimed, bound):
    found, ends = Found(value, value * 0.9, value * 1.1), (claimed, claimed)
    said = _judge.condition(found, ends, bound, TIME)
    agreed = _judge.agrees(found, ends, bound, TIME)
    assert said.startswith("It holds" if agreed else "It would hold") or not said
    # As large as the article says, for a factor that the sentence allows.
    needed = claimed / value
    assert _judge.agrees(found.times(needed), ends, "", (1.0, 1.0))
    if not agreed and not bound:
        assert f"is {_judge.milliseconds(claimed / found.high)}" in said


def test_numbers_without_time_have_no_factor_and_no_condition():
    factors = _judge.measured("bytes")
    assert not _judge.agrees(Found(3.0), (4.0, 4.0), "", factors)
    assert not _judge.condition(Found(3.0), (4.0, 4.0), "", factors)
    assert _judge.agrees(Found(3.0), (4.0, 4.0), "", TIME)


def test_of_an_empty_run_only_the_run_is_missing(empty):
    document = claims.document(empty)
    for row in document["rows"]:
        claim = LOADED[row["id"]]
        # A size of a database decides a row of the matrix without a sample.
        from_run = claim.check in {"sample", "table", "stage", "matrix"}
        from_run &= row["basis"] != "documentation"
        assert (row["verdict"] == claims.MISSING) == from_run
        if from_run:
            assert "run `bench " in row["why"]
            assert row["measured"] is None
            assert not row["evidence"]
    assert sum(document["counts"].values()) == len(LOADED)


def test_a_changed_sample_changes_the_verdict(tmp_path):
    found = {}
    for name, us in (("fast", 120.0), ("slow", 3900.0)):
        rows = at("parse_18kb", [[us * 0.98] * 3, [us * 1.02] * 3], "us")
        document = claims.document(run_with(tmp_path / name, rows))
        found[name] = row_of(document, "parse_18kb")
        assert found[name]["measured"] == pytest.approx(us / 1000)
        assert found[name]["low"] < us / 1000 < found[name]["high"]
        share = row_of(document, "parse_share")
        assert share["measured"] == pytest.approx(us / 1000 / 10 * 100)
    assert found["fast"]["verdict"] == claims.NOT_REPRODUCED
    high = found["fast"]["high"]
    needed = f"would hold where a millisecond of this machine is {4 / high:.1f} to "
    assert needed in found["fast"]["why"], "the factor that it would take"
    assert found["slow"]["verdict"] == claims.REPRODUCED


@pytest.mark.parametrize(
    ("us", "factor", "verdict"),
    [(1300.0, 3.0, claims.REPRODUCED), (3900.0, 0.5, claims.NOT_REPRODUCED)],
)
def test_the_factor_of_the_run_takes_the_place_of_the_assumed(
    tmp_path, us, factor, verdict
):
    run = run_with(tmp_path / "run", at("parse_18kb", [[us] * 3, [us] * 3], "us"))
    before = claims.document(run)
    assert before["factors"] == [0.5, 2.0]
    assert row_of(before, "parse_18kb")["verdict"] != verdict
    found = Transfer(factor, factor * 0.95, factor * 1.1, 200, 0, "tail", "rag_simple")
    (run.path / "transfer.json").write_text(json.dumps(found.as_row()))
    after = claims.document(run)
    assert after["factors"] == [found.low, found.high]
    assert row_of(after, "parse_18kb")["verdict"] == verdict


def test_a_share_is_of_the_chosen_limit(tmp_path):
    rows = at("parse_18kb", [[4000.0], [4000.0]], "us")
    run = run_with(tmp_path / "run", rows)
    for limits, percent in (
        ("free", 40),
        ("article", 40 / 3),
        ("paid-default", 4 / 300),
    ):
        row = row_of(claims.document(run, limit_profile(limits)), "parse_share")
        assert row["measured"] == pytest.approx(percent)
    assert row["verdict"] == claims.NOT_REPRODUCED


def test_one_process_has_a_number_and_no_interval(tmp_path):
    rows = at("parse_18kb", [[120.0, 130.0]], "us")
    row = row_of(claims.document(run_with(tmp_path / "run", rows)), "parse_18kb")
    assert row["measured"] == pytest.approx(0.125)
    assert row["low"] is None
    assert row["high"] is None
    assert row["verdict"] == claims.NOT_REPRODUCED


def test_ratios_are_of_pairs_and_shares_are_plain_means(tmp_path):
    above = at("rerank_offloaded", [[20.0], [200.0], [2000.0]], "us")
    below = at("rerank_offloaded", [[10.0], [100.0], [1000.0]], "us", "over")
    instead = at("rerank_offloaded", [[5.0], [50.0], [500.0]], "us", "instead")
    stale = at("d1_own_write", [[1.0] + [0.0] * 9, [1.0] + [0.0] * 9], "share")
    cured = at("memory_cures", [[0.0] * 10, [0.0] * 10], "share")
    run = run_with(tmp_path / "run", above, below, instead, stale, cured)
    document = claims.document(run)
    ratio = row_of(document, "rerank_offloaded")
    assert ratio["measured"] == pytest.approx(2.0)
    assert ratio["low"] == pytest.approx(2.0)
    assert ratio["verdict"] == claims.NOT_REPRODUCED
    assert "It is 0.5" in ratio["why"]
    missed = row_of(document, "d1_own_write")
    assert missed["measured"] == pytest.approx(0.1), "one in ten is no outlier"
    assert missed["verdict"] == claims.REPRODUCED
    assert row_of(document, "memory_cures")["verdict"] == claims.REPRODUCED


def test_the_matrix_is_judged_as_the_matrix_judges(tmp_path):
    from bench.verdict import matrix

    run = made(tmp_path / "run", {key: COSTS[key] for key in ("webhook", "documents")})
    document = claims.document(run, FREE)
    rows = {r["workload"]: r for r in matrix.document(run, [FREE])["rows"]}
    for claim in LOADED.values():
        if claim.check != "matrix":
            continue
        row = row_of(document, claim.id)
        if rows[claim.workload]["agrees"] is None:
            assert row["verdict"] == claims.MISSING
        else:
            agreed = rows[claim.workload]["agrees"] == "yes"
            assert (row["verdict"] == claims.REPRODUCED) == agreed
            assert row["why"].startswith(rows[claim.workload]["why"])
            assert row["evidence"]
    assert row_of(document, "fits_webhooks")["verdict"] == claims.REPRODUCED
    _walk(run, document)


def test_documented_claims_name_value_source_and_date(empty):
    for limits in (FREE, PAID):
        document = claims.document(empty, limits)
        for row in document["rows"]:
            if row["basis"] == "documentation":
                assert "Cloudflare" in row["why"]
                assert row["why"].startswith("Documented: ") or "fits" in row["id"]
                assert row["measured"] is not None
                assert row["evidence"]
            if row["verdict"] == claims.OUTDATED:
                assert "20" in row["why"].partition("(")[2], "a year"
    paid = row_of(document, "cpu_paid")
    assert (paid["measured"], paid["verdict"]) == (30_000, claims.NOT_REPRODUCED)
    assert row_of(document, "vectors_5m")["verdict"] == claims.OUTDATED
    free = claims.document(empty, FREE)
    indexes = [row_of(each, "indexes_100") for each in (free, document)]
    assert [row["verdict"] for row in indexes] == [
        claims.REPRODUCED,
        claims.NOT_REPRODUCED,
    ]


def test_sizes_are_those_of_the_fixtures(empty):
    document = claims.document(empty)
    body = row_of(document, "embedding_body")
    size = (ROOT / "fixtures" / "embedding.json").stat().st_size
    assert body["measured"] == pytest.approx(size / 1000)
    assert body["verdict"] == claims.NOT_REPRODUCED
    vector = row_of(document, "query_vector")
    assert vector["measured"] == pytest.approx(1536 * 4 / 1000)
    assert row_of(document, "headroom")["measured"] == pytest.approx(26)


def test_all_evidence_of_the_reference_leads_somewhere(reference):
    run, document = reference
    known = [row for row in document["rows"] if row["basis"]]
    assert len(known) > 40
    assert all(row["evidence"] for row in known)
    assert _walk(run, document) > 60
    with pytest.raises(UserError):
        claims.follow(run, run.samples(), "platform#nosuch")
    assert claims.follow(run, run.samples(), "a/b/c/d/e/f") == []
    assert claims.follow(run, run.samples(), "stages.json#rows/stage=nosuch") == []


def _walk(run, document):
    table = run.samples()
    idents = {ident for row in document["rows"] for ident in row["evidence"]}
    assert [ident for ident in idents if not claims.follow(run, table, ident)] == []
    return len(idents)


def test_samples_say_what_the_documents_of_the_reference_say(reference):
    run, document = reference
    parsers = json.loads((run.path / "parsers.json").read_bytes())
    [spent] = [
        row
        for row in parsers["rows"]
        if (row["parser"], row["mode"], row["fixture"])
        == ("v8_json", "full", "transcript.json")
    ]
    row = row_of(document, "parse_18kb")
    for mine, theirs in (("measured", "cpu_us"), ("low", "low"), ("high", "high")):
        assert row[mine] == pytest.approx(spent[theirs] / 1000)
    stages = json.loads((run.path / "stages.json").read_bytes())
    [total] = [
        row
        for row in stages["article"]
        if (row["runtime"], row["phase"], row["operation"])
        == ("workerd", "warm", "total")
    ]
    assert row_of(document, "table_total")["measured"] == pytest.approx(total["cpu_ms"])


def test_a_damaged_document_is_named(tmp_path):
    with Run.create(tmp_path / "run", fixtures={}, **DESCRIBED) as run:
        run.save("stages.json", b"{")
        run.seal()
    with pytest.raises(UserError, match=r"stages\.json: is not JSON"):
        claims.document(run)

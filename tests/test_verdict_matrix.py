"""The matrix from made-up samples: what it says, what it rests on, what changes it."""

from __future__ import annotations

import copy
import math
import types

import numpy as np
import pandas as pd
import pytest
from matrix_support import (
    COSTS,
    DESCRIBED,
    made,
    only,
    put,
    reranked,
    row_of,
    stages,
)

from bench import workloads
from bench.errors import BenchError
from bench.platform import limit_profile, limit_profiles
from bench.platform.tables import find
from bench.store import Run
from bench.verdict import _matrix_limits as hard
from bench.verdict import bank, evidence, matrix, matrix_text, sensitivity
from bench.verdict._matrix_costs import main, read
from bench.verdict._matrix_draws import FACTORS, draw, share
from bench.verdict._matrix_terms import UNTIL
from bench.verdict.bank import GUESSES

FREE = limit_profile("free")
KEYS = {
    "workload", "profile", "article", "verdict", "choice", "confidence", "margin_ms",
    "driver", "flips_at", "evidence",
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made(tmp_path_factory.mktemp("matrix") / "run")


@pytest.fixture(scope="module")
def document(run):
    return matrix.document(run)


def free_row(folder, costs, workload=None, **given):
    made_run = made(folder / "run", costs, extras=False, **given)
    document = matrix.document(made_run, [FREE])
    return row_of(document, workload or next(iter(costs)))


def test_every_workload_meets_every_profile_with_the_keys_of_the_contract(document):
    expected = [
        (name, limit) for name in workloads.load() for limit in limit_profiles()
    ]
    found = [(row["workload"], row["profile"]) for row in document["rows"]]
    assert found == expected
    assert all(set(row) >= KEYS for row in document["rows"])
    assert {"schema", "run", "machine", "sensitivity"} <= set(document)


def test_verdicts_are_those_that_the_costs_were_made_for(document):
    said = {
        row["workload"]: row for row in document["rows"] if row["profile"] == "free"
    }
    assert said["webhook"]["verdict"] == "fits"
    assert said["webhook"]["confidence"] == 1
    assert said["agent_multi"]["verdict"].startswith(UNTIL)
    assert 10 <= said["agent_multi"]["requests"] < 200
    assert said["documents"]["verdict"] == "does not fit"
    assert 0.5 < said["documents"]["confidence"] < 1
    assert said["multimodal"]["verdict"] == "not measured"
    paid = [r for r in document["rows"] if r["profile"] == "paid-default"]
    assert {r["verdict"] for r in paid} == {"fits", "does not fit", "not measured"}


def test_the_margin_is_the_limit_less_the_mean_over_processes(run, document):
    row = row_of(document, "webhook")
    samples = evidence.find(run.samples(), row["evidence"][0])
    locked = samples[samples["metric"] == "locked"]
    means = locked.groupby("process")["value"].mean()
    assert row["margin_ms"] == pytest.approx(10 - means.mean())
    assert row["margin_low"] < row["margin_ms"] < row["margin_high"]
    assert row["n"] == len(means)


def test_every_evidence_id_leads_to_a_finished_cell_of_the_run(run, document):
    samples, cells = run.samples(), run.manifest["cells"]
    lines = document["rows"] + document["sensitivity"]
    ids = {name for line in lines for name in line["evidence"]}
    assert len(ids) > 20
    for name in ids:
        found = evidence.find(samples, name)
        assert not found.empty, name
        assert all(cells[cell]["state"] == "finished" for cell in found["cell"])
        assert set(found.apply(lambda row: evidence.ident(row), axis=1)) == {name}
    measured = [row for row in document["rows"] if row["margin_ms"] is not None]
    assert all(row["evidence"] for row in measured)


def test_an_id_holds_any_text_and_leads_back():
    row = dict.fromkeys(evidence.PARTS, "") | {"stage": "a/b%2F", "fixture": "1/2 MB"}
    name = evidence.ident(row | {"variant": None})
    assert evidence.parts(name) == row
    assert len(evidence.find(pd.DataFrame([row, row | {"stage": "a"}]), name)) == 1
    with pytest.raises(ValueError, match="is not runtime/"):
        evidence.parts("a/b")


def test_one_changed_sample_changes_the_matrix(run, document, monkeypatch):
    samples = run.samples()
    place = samples.index[
        (samples["stage"] == "webhook") & (samples["metric"] == "locked")
    ][0]
    changed = samples.copy()
    changed.loc[place, "value"] += 5.0
    monkeypatch.setattr(Run, "samples", lambda _: changed)
    other = matrix.document(run, [FREE])
    before, after = row_of(document, "webhook"), row_of(other, "webhook")
    assert after["margin_ms"] == pytest.approx(before["margin_ms"] - 5 / 40)
    # Nothing else saw that sample.
    assert row_of(other, "rag_simple") == row_of(document, "rag_simple")


def test_samples_decide_and_no_summary_does(run, document, tmp_path):
    dear = copy.deepcopy(COSTS)
    dear["webhook"]["native"]["2 KB"] = (60.0, 80.0, 2000)
    other = matrix.document(made(tmp_path / "run", dear), [FREE])
    assert row_of(document, "webhook")["verdict"] == "fits"
    assert row_of(other, "webhook")["verdict"] == "does not fit"


@pytest.mark.parametrize(
    ("cost", "verdict"), [(2.0, "fits"), (13.0, UNTIL), (90.0, "does not fit")]
)
def test_a_constant_cost_has_the_verdict_of_the_closed_form(tmp_path, cost, verdict):
    costs = only("webhook", cost, cost, 1)
    row = free_row(tmp_path, costs, spread=0)
    assert row["verdict"].startswith(verdict)
    # It fits up to the factor that makes it the limit, and no further.
    assert row["flips_at"]["factor"] == pytest.approx(10 / cost, rel=1e-6)
    assert row["margin_ms"] == pytest.approx(10 - cost)


@pytest.mark.parametrize("cost", [13.0, 25.0, 90.0])
def test_the_median_draw_decides_and_confidence_is_the_share_like_it(tmp_path, cost):
    """Each bank and factor has a closed form where every request costs the same."""
    row = free_row(tmp_path, only("webhook", cost, cost, 1), spread=0)
    overs = [cost * factor - 10 for factor in FACTORS]
    ends = sorted(
        math.inf if over <= 0 else credit // over
        for over in overs
        for _, credit in GUESSES
    )
    median = ends[(len(ends) - 1) // 2]
    assert row["verdict"] == bank.said(bank.kind(median), median)
    kinds = [bank.kind(end) for end in ends]
    assert row["confidence"] == kinds.count(bank.kind(median)) / len(kinds)


def test_the_time_under_the_lock_counts_and_without_it_all_cpu(run):
    samples = run.samples()
    [locked] = read(samples, "webhook")
    cpu_only = samples[
        ~((samples["metric"] == "locked") & (samples["phase"] == "cold"))
    ]
    [whole] = read(cpu_only, "webhook")
    assert (locked.metric, whole.metric) == ("locked", "cpu")
    assert whole.mean().value == pytest.approx(1.3 * locked.mean().value)


def test_a_missing_phase_is_said_and_the_other_stands_for_it(tmp_path, monkeypatch):
    made_run = made(tmp_path / "run", only("webhook", 2.0, 30.0, 1), extras=False)
    samples = made_run.samples()
    cold = samples[samples["phase"] == "cold"]
    monkeypatch.setattr(Run, "samples", lambda _: cold)
    row = row_of(matrix.document(made_run, [FREE]), "webhook")
    assert "no warm request was measured" in row["why"]
    assert row["margin_ms"] < 0


def test_resamples_are_of_processes_and_the_seed_fixes_them(run):
    [costs] = read(run.samples(), "rag_simple")
    one, same, other = draw(costs, 1), draw(costs, 1), draw(costs, 2)
    assert (one.costs == same.costs).all()
    assert (one.costs != other.costs).any()
    assert one.means[0] == pytest.approx(costs.mean().value)
    assert len(set(one.means)) > 5
    level = np.array([each.mean() for each in costs.warm.values()])
    assert one.means.min() < level.mean() < one.means.max()


def test_verdicts_only_get_worse_with_the_factor_and_better_with_the_bank(run):
    for workload in ("agent_multi", "documents", "rag_complex"):
        module = workloads.load()[workload]
        costs = main(read(run.samples(), workload), "native", module)
        lasting = draw(costs, 1).lasting(10)
        assert lasting.shape[:2] == (len(GUESSES), len(FACTORS))
        assert (np.diff(np.nan_to_num(lasting, posinf=1e12), axis=1) <= 0).all()
        assert share(lasting[:, :1]).confidence > 0
        roomiest = lasting[GUESSES.index((2000.0, 2000.0))]
        assert (lasting <= roomiest).all()


def test_a_hard_limit_decides_whatever_the_cpu_and_is_the_driver(document):
    for profile in limit_profiles():
        row = row_of(document, "conversation_large", profile)
        assert (row["verdict"], row["confidence"]) == ("does not fit", 1)
        assert find(row["driver"]).product == "D1"
        assert row["driver"].startswith("d1.database.")
        assert row["choice"] != "native"
        assert row["margin_ms"] is not None


def needing(**needs):
    return types.SimpleNamespace(
        NEEDS={key.replace("__", "."): value for key, value in needs.items()},
        __file__="made_up.py",
    )


def test_needs_are_held_against_the_profile_and_the_tables():
    paid = limit_profile("paid-default")
    cases = [
        (needing(vectorize__vectors=5e6), FREE, None),
        (needing(vectorize__vectors=5e7), FREE, "vectorize.vectors"),
        (needing(d1__database=2), FREE, "d1.database.free"),
        (needing(d1__database=2), paid, None),
        (needing(d1__database=20), paid, "d1.database.paid"),
        (needing(subrequests=51), FREE, "free.subrequests"),
        (needing(subrequests=51), paid, None),
        (needing(duration_s=40), limit_profile("article"), "article.duration_s"),
        (needing(duration_s=40), paid, None),  # there is no such limit
    ]
    for module, profile, expected in cases:
        found = hard.broken(module, profile, {})
        assert (found and found.limit) == expected
    assert (
        "needs 51 of 50 requests" in hard.broken(needing(subrequests=51), FREE, {}).why
    )


def test_a_larger_plan_is_the_place_for_what_only_a_small_one_forbids(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(
        workloads.load()["webhook"], "NEEDS", {"subrequests": 51}, False
    )
    row = free_row(tmp_path, only("webhook", 1.0, 2.0, 1))
    assert (row["verdict"], row["driver"]) == ("does not fit", "free.subrequests")
    assert row["choice"] == "native, on paid-default"


def test_what_a_run_has_counted_is_a_need():
    assert (
        hard.broken(needing(), FREE, {"subrequests": 51.0}).limit == "free.subrequests"
    )
    assert hard.broken(needing(), FREE, {"subrequests": 50.0, "other": 1e9}) is None


def test_an_unknown_need_names_its_file():
    with pytest.raises(BenchError, match=r"made_up\.py: NEEDS names .*'nosuch'"):
        hard.broken(needing(nosuch=1), FREE, {})


def test_where_to_put_it(document, tmp_path):
    assert row_of(document, "webhook")["choice"] == "native"
    # CPU alone is no reason to leave: the paid plan has more of it.
    assert row_of(document, "documents")["choice"] == "native, on paid-default"
    assert row_of(document, "multimodal")["choice"] is None
    costs = only("llm_streaming", 40.0, 50.0, 1)
    costs["llm_streaming"]["pass"] = {"x": (1.0, 2.0, 1)}
    assert free_row(tmp_path, costs)["choice"] == "native, as pass"


def test_the_driver_is_the_dearest_stage_or_the_input_or_said_to_be_unknown(
    document, tmp_path
):
    row = row_of(document, "rag_simple")
    assert row["driver"] == "retrieve"
    assert row["driver_share"] == pytest.approx(1.4 / 2.3)
    assert "chat" in row["driver_of"]
    grows = row_of(document, "documents")
    assert grows["driver"] == "size of the input"
    assert grows["driver_share"] > 0.9
    bare = free_row(tmp_path, only("rag_simple", 3.0, 9.0, 1))
    assert bare["driver_share"] is None
    assert bare["driver_of"] == "this run has no stages of it"


def test_a_payload_flips_where_the_fitted_line_meets_the_limit(tmp_path):
    """1 ms and 10 us a kilobyte: 10 ms are reached at 900 KB."""
    fixtures = {
        f"{size}": (1 + size / 100_000, 1 + size / 100_000, size - 500)
        for size in (100_000, 500_000, 800_000)
    }
    row = free_row(tmp_path, {"documents": {"native": fixtures}}, spread=0)
    assert row["flips_at"]["payload"] == pytest.approx(900_000, rel=1e-3)


def test_sizes_that_are_alike_in_bytes_are_read_from_their_names(document):
    [line] = [
        line
        for line in document["sensitivity"]
        if (line["workload"], line["profile"], line["parameter"])
        == ("conversation_large", "free", "payload")
    ]
    assert line["unit"] == "tokens"
    assert 20_000 < line["flips_at"] < 60_000
    assert line["low"] < line["flips_at"] < line["high"]
    assert not line["extrapolated"]


def test_matches_flip_it_where_re_ranking_them_uses_up_what_is_left(tmp_path):
    made_run = Run.create(tmp_path / "run", fixtures={}, **DESCRIBED)
    put(made_run, only("rag_simple", 8.0, 8.0, 1), spread=0)
    reranked(made_run, fixed=200.0, per_value=0.05)
    made_run.seal()
    document = matrix.document(made_run, [FREE])
    # 2 ms are left, and a match costs 1,536 values of 50 ns and a hundredth of that.
    expected = 8 + 2000 / (1536 * 0.05 * 1.01)
    row = row_of(document, "rag_simple")
    assert row["flips_at"]["k"] == pytest.approx(expected, rel=1e-3)
    assert "dims" not in row["flips_at"], "Vectorize ends at 1,536"
    lines = {line["parameter"]: line for line in document["sensitivity"]}
    assert lines["dims"]["before"] == "vectorize.dimensions"
    assert sensitivity.before("k", 51) == "vectorize.top_k.values"


def test_what_never_flips_has_no_lines_but_where_it_would(document):
    mine = [x for x in document["sensitivity"] if x["workload"] == "webhook"]
    assert {line["parameter"] for line in mine} == {"factor"}
    assert all(line["flips_at"] > 2 for line in mine)


def test_models_that_are_refuted_are_shown_and_not_counted(document):
    mine = [
        line
        for line in document["sensitivity"]
        if (line["workload"], line["profile"]) == ("agent_multi", "free")
    ]
    banks = [line["setting"] for line in mine if line["parameter"] == "bank"]
    assert len(banks) == len(GUESSES) + 2
    assert banks[-2] == "none, a threshold (not counted)"
    assert "(not counted)" not in "".join(banks[:-2])
    low, high = (line for line in mine if line["setting"] in ("0.5", "2"))
    assert low["verdict"] == "fits" != high["verdict"]


def test_beside_each_row_stands_the_articles_verdict_and_why(document):
    assert row_of(document, "webhook")["agrees"] == "yes"
    assert row_of(document, "agent_multi")["agrees"] == "yes"
    paid = row_of(document, "documents", "paid-default")
    assert (paid["article"], paid["agrees"]) == ("No", "no")
    assert paid["why"].startswith(
        "Not as the article says: a warm request (4 MB) takes"
    )
    assert row_of(document, "agent_multi", "article")["agrees"] == "partly"
    assert row_of(document, "multimodal")["agrees"] is None
    for row in document["rows"]:
        assert row["why"].endswith(".")


def test_the_text_has_every_row_and_no_more_than_a_terminal_s_width(document):
    text = matrix_text.markdown(document)
    for row in document["rows"]:
        assert row["title"] in text
        assert row["why"] in text
    assert all(f"## {name}" in text for name in limit_profiles())
    shown = matrix_text.terminal(document)
    assert max(map(len, shown.splitlines())) <= 100


def test_a_run_without_workloads_says_so(tmp_path):
    made_run = Run.create(tmp_path / "run", fixtures={}, **DESCRIBED)
    stages(made_run)
    made_run.seal()
    document = matrix.document(made_run, [FREE])
    said = {row["workload"]: row["verdict"] for row in document["rows"]}
    assert said["conversation_large"] == "does not fit", "10 GB need no measurement"
    for name, module in workloads.load().items():
        cannot = hard.broken(module, FREE, {}) is not None
        assert said[name] == ("does not fit" if cannot else "not measured")
    bare = [row for row in document["rows"] if row["verdict"] == "not measured"]
    assert len(bare) > 5
    assert all("this run has no requests of it" in row["why"] for row in bare)
    assert matrix_text.markdown(document)

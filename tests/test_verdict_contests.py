"""The answers of `bench parsers` and `bench rerank`: computed, honest about doubt."""

from __future__ import annotations

import copy

import pytest
from figure_contests import parsers, rerank
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.verdict import parsers as of_parsers
from bench.verdict import rerank as of_rerank

PARSERS, RERANK = parsers(), rerank()
ASKED = [(of_parsers, PARSERS), (of_rerank, RERANK)]


def changed(document, key, where, **values):
    """A copy in which the rows of ``key`` that agree with ``where`` have ``values``."""
    found = copy.deepcopy(document)
    for row in found[key]:
        if all(row.get(name) == value for name, value in where.items()):
            row.update(values)
    return found


def test_the_answer_is_what_a_worker_pays_of_its_limit():
    text = of_parsers.sentence(PARSERS)
    assert text.startswith(
        "Parsing all of transcript.json, 18 KB, in workerd takes 67.9"
    )
    assert "0.68 % of the 10 ms that free allows" in text
    dearer = changed(
        PARSERS, "rows", {"parser": "v8_json"}, cpu_us=2000.0, low=1900.0, high=2100.0
    )
    text = of_parsers.sentence(dearer)
    assert "2.00 ms (1.90 ms to 2.10 ms), 20 % of the 10 ms" in text


def test_the_fastest_of_each_runtime_is_named_with_its_ratio():
    text = of_parsers.sentence(PARSERS)
    assert "In workerd v8_text is the fastest, 0.34 [0.34, 0.35] of" in text
    assert "In CPython orjson is the fastest" in text
    assert "In Pyodide only pyodide_json was measured, 3.30" in text


def test_who_is_wrong_is_said_with_the_answer():
    text = of_parsers.sentence(PARSERS)
    assert "ujson answered a question wrong and got no number for it." in text
    right = "v8_json, v8_text, json, msgspec, simdjson, pyodide_json"
    assert f"Every text of the edge cases is read right by {right} alone." in text
    flawed = changed(PARSERS, "suite", {}, wrong_values=1, flaws=["big integers"])
    text = of_parsers.sentence(flawed)
    assert "No parser reads every text of the edge cases right." in text
    assert "v8_json is wrong about big integers." in text
    right = changed(PARSERS, "rows", {"parser": "ujson"}, correct=True, error=None)
    assert "answered a question wrong" not in of_parsers.sentence(right)


def test_a_switch_that_pays_off_names_its_size_and_one_that_does_not_says_so():
    assert (
        "Changing a Worker from v8_json to v8_text saves a millisecond from 3.3 MB on."
    ) in of_parsers.sentence(PARSERS)
    never = changed(
        PARSERS, "switches", {"to": "v8_text"}, bytes=None, verdict="never: costs more"
    )
    assert "No other parser saves a Worker a millisecond" in of_parsers.sentence(never)


@pytest.mark.parametrize(
    ("reproduces", "said"),
    [
        (False, "No Worker reaches the article's 4 ms; nearest is v8_json, all of"),
        (True, "The article's 4 ms are reached by v8_json, all of transcript.json"),
    ],
)
def test_the_articles_number_is_looked_for_in_workers(reproduces, said):
    first = {"condition": "v8_json, all of transcript.json"}
    document = changed(PARSERS, "stories", first, reproduces=reproduces)
    text = of_parsers.sentence(document)
    assert said in text
    assert ("takes 4 ms at 1.2 MB" in text) is not reproduces
    elsewhere = changed(document, "stories", {}, runtime="cpython")
    assert "article" not in of_parsers.sentence(elsewhere)


@pytest.mark.parametrize(("module", "document"), ASKED)
def test_a_control_that_is_off_comes_first(module, document):
    doubted = copy.deepcopy(document)
    doubted["tables"][0]["holds"] = False
    assert module.sentence(doubted).startswith("Inconclusive for ")
    assert "Inconclusive" not in module.sentence(document)


@pytest.mark.parametrize(("module", "document"), ASKED)
def test_nothing_measured_is_no_answer(module, document):
    failed = copy.deepcopy(document)
    for row in [*failed["rows"], *failed.get("options", ())]:
        row.update(cpu_us=None, locked_us=None, worker_cpu_us=None, error="it failed")
    for nothing in ({}, failed, document | {"rows": [], "options": None}):
        assert module.sentence(nothing).endswith("so there is no answer.")


def test_each_phase_says_what_the_path_costs_and_what_is_cheapest():
    text = of_rerank.sentence(RERANK)
    for part in (
        "A warm request that re-ranks 8 \N{MULTIPLICATION SIGN} 1,536 values in its "
        "path costs the Worker 2.15 ms (2.06 ms to 2.24 ms) under the isolate lock, "
        "22 % of the 10 ms that free allows.",
        "A cold request",
        "Cheapest of the exact ways when warm is offload_ids, 1.42 ms (1.12 ms to",
        "The article's 12 ms are reached by request that re-ranks 64 x 1,536",
    ):
        assert part in text


def test_without_a_trace_the_thread_stands_in_and_is_called_so():
    untraced = changed(RERANK, "options", {}, locked_us=None)
    text = of_rerank.sentence(untraced)
    assert "2.57 ms (2.49 ms to 2.65 ms) of its thread's CPU" in text
    assert "isolate lock" not in text


def test_a_choice_that_does_not_matter_is_not_a_recommendation():
    text = of_rerank.sentence(changed(RERANK, "break_even", {}, matters=False))
    assert "it does not matter when warm" in text
    assert "Cheapest of the exact ways" not in text


def test_where_another_choice_matters_is_named():
    other = changed(
        RERANK, "break_even", {"k": 1, "dims": 384}, matters=True, choice="exact"
    )
    text = of_rerank.sentence(other)
    assert "Elsewhere another choice matters: exact at 1 " in text


@pytest.mark.parametrize(("module", "document"), ASKED)
@settings(max_examples=60)
@given(data=st.data())
def test_any_value_in_any_place_leaves_a_sentence(module, document, data):
    leaf = st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.just([])
    found = {
        key: [dict(row) for row in rows[:30]] if isinstance(rows, list) and rows
        and isinstance(rows[0], dict) else rows
        for key, rows in document.items()
    }  # fmt: skip
    for key in ("rows", "tables", "options", "break_even", "stories", "switches"):
        rows = found.get(key)
        if rows:
            row = data.draw(st.sampled_from(rows))
            row[data.draw(st.sampled_from(sorted(row)))] = data.draw(leaf)
    assert module.sentence(found).endswith(".")

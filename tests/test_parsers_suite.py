"""How right each parser is: our edge cases, and JSONTestSuite where it is recorded."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from conftest import REAL
from workerd_support import needs_workerd

from bench.errors import BenchError, UserError
from bench.parsers import Question, load
from bench.parsers._answers import why_different
from bench.parsers._edges import ACCEPT, DEEP, FREE, REJECT, Text
from bench.parsers._suite import correctness, edges, suite, summary
from bench.path import wire

PARSERS = {
    name: module
    for name, module in load().items()
    if module.reader(Question("full", "other")) is not None
}
EDGES = edges()
FOLDER = REAL / "json" / "JSONTestSuite" / "test_parsing"
CONFORMANCE = suite(FOLDER) if FOLDER.is_dir() else []
# Flaws of CPython's own parser, which the comparison has as its reference.
OWN = ["NaN and Infinity", "invalid UTF-8", "UTF-16 and UTF-32"]
COUNTS = ("accepts_wrong", "rejects_wrong", "wrong_values", "crashed", "free_accepted")
# What each did with JSONTestSuite in the version of the lock, in the order of COUNTS.
RECORDED = {
    "json": ("3.11.", 3, 0, 0, 0, 26),
    "orjson": ("3.13.0", 0, 0, 0, 0, 6),
    "msgspec": ("0.22.0", 0, 0, 0, 0, 6),
    "ujson": ("6.1.0", 16, 0, 0, 0, 22),
    "rapidjson": ("1.25", 6, 0, 0, 0, 6),
    "simdjson": ("7.0.2", 0, 0, 0, 0, 4),
    "ijson": ("3.6.0", 1, 0, 0, 2, 9),
    "v8_json": ("2026-11-17 (V8 15.8.", 0, 0, 0, 0, 32),
    "v8_text": ("2026-11-17 (V8 15.8.", 0, 0, 0, 0, 32),
    "pyodide_json": ("3.14.2 (", 3, 0, 0, 2, 26),
}


def ready(name: str) -> None:
    """Skip, saying why, where the parser cannot run."""
    module = PARSERS[name]
    if module.RUNTIME == "workerd":
        needs_workerd()
    try:
        module.version()
    except BenchError as error:
        pytest.skip(str(error))


@cache
def all_rows(name: str) -> list[dict]:
    """What the parser makes of every case, asked once in a run of the tests."""
    return correctness({name: PARSERS[name]}, [*EDGES, *CONFORMANCE])


def edge_rows(name: str) -> list[dict]:
    """What the parser makes of the edge cases."""
    return all_rows(name)[: len(EDGES)]


def suite_rows(name: str) -> list[dict]:
    """What it makes of JSONTestSuite."""
    return all_rows(name)[len(EDGES) :]


@pytest.fixture
def conformance(real):
    """The cases of JSONTestSuite."""
    assert real == REAL
    return CONFORMANCE


def test_edge_cases_have_names_of_their_own():
    assert len({case.name for case in EDGES}) == len(EDGES) > 140
    assert {case.expected for case in EDGES} == {ACCEPT, REJECT, FREE}
    assert edges() == EDGES


@pytest.mark.parametrize("case", EDGES, ids=lambda case: case.name[:60])
def test_a_strict_parser_takes_the_edge_cases_as_they_say(case):
    """The path's own decoder is as strict as the standard."""
    if case.expected == ACCEPT:
        assert why_different(case.value, wire.loads(case.text)) == ""
    if case.expected == REJECT:
        with pytest.raises(ValueError, match=r"."):
            wire.loads(case.text)


@pytest.mark.parametrize("name", PARSERS)
def test_every_parser_answers_to_every_edge_case(name):
    ready(name)
    rows = edge_rows(name)
    assert [row["case"] for row in rows] == [case.name for case in EDGES]
    for row in rows:
        assert row["found"] in ("accepted", "rejected", "crashed")
        assert (row["ok"] is None) <= (row["expected"] == FREE)
        assert row["why"] or row["ok"] is True or row["found"] == "accepted"
        assert row["found"] != "crashed" or row["ok"] is False
    assert not [row for row in rows if row["group"] == "nesting" and not row["ok"]]


def test_the_reference_has_the_flaws_that_it_is_known_for():
    rows = edge_rows("json")
    [line] = summary(rows)
    assert line["flaws"] == OWN
    assert (line["rejects_wrong"], line["wrong_values"], line["crashed"]) == (0, 0, 0)
    deep = {row["case"]: row["found"] for row in rows if f"{DEEP:,}" in row["case"]}
    assert set(deep.values()) == {"rejected"}


def test_a_number_that_changes_is_a_wrong_value():
    """orjson makes floats of integers beyond 64 bits."""
    [line] = summary(edge_rows("orjson"))
    assert line["flaws"] == ["big integers"]
    assert line["wrong_values"] == 4


def test_memory_that_runs_out_is_seen():
    """ijson keeps a path for each level: 100,000 levels take gigabytes."""
    rows = edge_rows("ijson")
    crashed = [row for row in rows if row["found"] == "crashed"]
    assert {row["group"] for row in crashed} == {"deep nesting"}
    assert all("GiB" in row["why"] or "code" in row["why"] for row in crashed)
    assert summary(rows)[0]["crashed"] == len(crashed)


def test_the_suite_has_the_documented_files(conformance):
    assert Counter(case.topic for case in conformance) == {"y": 95, "n": 188, "i": 35}
    assert len(conformance) == 318


@pytest.mark.parametrize("name", PARSERS)
def test_every_parser_answers_to_the_whole_suite(name, conformance):
    ready(name)
    rows = suite_rows(name)
    assert [row["case"] for row in rows] == [case.name for case in conformance]
    [line] = summary(rows)
    assert line["free"] == 35
    flawed = [row for row in rows if row["ok"] is False]
    assert sum(line[count] for count in COUNTS[:4]) == len(flawed)
    assert bool(flawed) == bool(line["flaws"])
    if name in RECORDED and PARSERS[name].version().startswith(RECORDED[name][0]):
        assert tuple(line[count] for count in COUNTS) == RECORDED[name][1:], line


def test_the_reference_is_not_strict_about_numbers(conformance):
    rows = suite_rows("json")
    assert [row["case"] for row in rows if row["ok"] is False] == [
        "n_number_NaN",
        "n_number_infinity",
        "n_number_minus_infinity",
    ]
    # Nor does it stay with UTF-8, which the suite leaves free.
    taken = {row["case"] for row in rows if row["found"] == "accepted"}
    assert {"i_string_utf16LE_no_BOM", "i_string_UTF8_surrogate_U+D800"} <= taken


def test_edges_and_suite_together_are_summed_in_one_row(conformance):
    [line] = summary(all_rows("json"))
    assert line["flaws"] == [*OWN, "n_number"]
    assert (line["parser"], line["runtime"]) == ("json", "cpython")


def row(expected: str, found: str, ok: bool | None, group: str = "a topic") -> dict:
    return {
        "parser": "p",
        "runtime": "r",
        "case": "n_object_x",
        "group": group,
        "expected": expected,
        "found": found,
        "ok": ok,
        "why": "",
    }


def test_a_summary_counts_each_flaw_once():
    rows = [
        row(REJECT, "accepted", False),
        row(REJECT, "accepted", False, "n"),
        row(ACCEPT, "rejected", False),
        row(ACCEPT, "accepted", False, "another topic"),
        row(ACCEPT, "accepted", True, "no flaw"),
        row(FREE, "crashed", False),
        row(FREE, "accepted", None),
        row(FREE, "rejected", None),
    ]
    assert summary(rows) == [
        {
            "parser": "p",
            "runtime": "r",
            "accepts_wrong": 2,
            "rejects_wrong": 1,
            "wrong_values": 1,
            "crashed": 1,
            "free_accepted": 1,
            "free": 3,
            "flaws": ["a topic", "n_object", "another topic"],
        }
    ]
    assert summary([]) == []


def test_a_parser_that_never_gives_everything_has_no_row():
    lazy = load()["simdjson_lazy"]
    assert correctness({"simdjson_lazy": lazy}, EDGES) == []


def test_a_suite_of_ones_own(tmp_path):
    (tmp_path / "y_one.json").write_text("[1.0]")
    (tmp_path / "n_two.json").write_text("[1.]")
    (tmp_path / "i_three.json").write_text("")
    (tmp_path / "README.md").write_text("no case")
    assert suite(tmp_path) == [
        Text("i_three", "i", b"", FREE),
        Text("n_two", "n", b"[1.]", REJECT),
        Text("y_one", "y", b"[1.0]", ACCEPT, [1.0]),
    ]


def test_a_suite_that_is_none_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: does not exist\n.*remedy: name the"):
        suite(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"holds no file called y_"):
        suite(tmp_path)
    file = tmp_path / "y_bad.json"
    file.write_text("[1")
    with pytest.raises(UserError, match=r"y_bad\.json: is called y_ and is not JSON"):
        suite(tmp_path)
    with pytest.raises(UserError, match="is not a folder"):
        suite(file)

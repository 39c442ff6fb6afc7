"""The file of a sweep: what is wrong in it is named before anything starts."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweep_support import error, text, written

from bench import batch, cli
from bench.errors import UserError
from bench.sweep import _arguments, _keys, _paths, _verbs, _yaml, spec

FILE = Path("sweep.yaml")
LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nname: [*b, *b]\n"
HEAD = "name: n\nverb: fixtures\n"
BAD = {
    "aliases": (LAUGHS, "a (line 1)", "anchor or alias"),
    "a merge key": ("<<: *x\n", "line 1", "anchor or alias"),
    "an object of Python": (
        "name: !!python/object/apply:os.system [ls]\n", "name (line 1)", "tag",
    ),
    "a tag of YAML": ("name: !!binary aGk=\n", "name (line 1)", "tag"),
    "a key twice": (f"{HEAD}verb: run\n", "verb (line 3)", "twice"),
    "a parameter twice": (
        f"{HEAD}grid: {{seed: [1], seed: [2]}}\n", "grid.seed (line 3)", "twice",
    ),
    "not a number": (f"{HEAD}grid: {{seed: [1, .nan]}}\n", "grid.seed[1]", ".nan"),
    "infinity": (f"{HEAD}limit: -.Inf\n", "limit (line 3)", "-.Inf"),
    "a number that overflows": (f"{HEAD}limit: 1e999\n", "limit (line 3)", "1e999"),
    "an endless integer": (f"{HEAD}attempts: {'9' * 5000}\n", "attempts", "too large"),
    "a surrogate": (f'{HEAD}list: [{{kind: "\\ud800"}}]\n', "[0].kind", "character"),
    "a zero byte": (f'{HEAD}list: [{{kind: "a\\0"}}]\n', "list[0].kind", "character"),
    "deep nesting": (f"name: {'[' * 5000}\n", "name[0]", "levels deep"),
    "a list as a key": ("? [a, b]\n: 1\n", "line 1", "no text"),
    "two documents": (f"{HEAD}--- 1\n", "line 3", "second document"),
    "no YAML": ("name: [1, \n", None, "is not YAML"),
    "control characters": ("name: \x07\n", None, "is not YAML"),
    "a list": ("[1, 2]\n", None, "Expected `object`"),
    "only a comment": ("# nothing\n", None, "got `null`"),
    "an unknown field": (f"{HEAD}grids: {{}}\n", None, "`grids`"),
    "a word for a list": (f"{HEAD}grid: {{seed: 1}}\n", "grid[...]", "`array`"),
    "a name that climbs": ("name: ../../etc\nverb: run\nlist: [{}]\n", "name", "'../"),
    "dots": ("name: a..b\nverb: run\nlist: [{}]\n", "name", "'a..b'"),
    "HTML as a name": ("name: <b>\nverb: run\nlist: [{}]\n", "name", "<b>"),
    "a long name": (f"name: {'a' * 65}\nverb: run\nlist: [{{}}]\n", "name", "no name"),
    "neither verb nor notebook": ("name: n\nlist: [{}]\n", "verb", "one of them"),
    "both": (f"{HEAD}notebook: 07_capacity\nlist: [{{}}]\n", "verb", "one of them"),
    "an unknown verb": ("name: n\nverb: ../run\nlist: [{}]\n", "verb", "not a verb"),
    "a verb without end": ("name: n\nverb: lab\nlist: [{}]\n", "verb", "end"),
    "itself": ("name: n\nverb: sweep\nlist: [{}]\n", "verb", "end"),
    "a notebook that climbs": (
        "name: n\nnotebook: ../07_capacity\nlist: [{}]\n", "notebook", "'../07_",
    ),
    "no cells": (HEAD, "grid and list", "0 cells"),
    "no values": (f"{HEAD}grid: {{seed: []}}\n", "grid.seed", "no values"),
    "a huge grid": (
        f"{HEAD}grid: {{{', '.join(f'p{n}: [1, 2, 3, 4]' for n in range(40))}}}\n",
        "grid and list", "cells",
    ),
    "one cell twice": (f"{HEAD}grid: {{seed: [1, 1]}}\n", "grid", "the same cell"),
    "a cell of the grid again": (
        f"{HEAD}grid: {{seed: [1]}}\nlist: [{{seed: 1}}]\n", "list[0]", "the same cell",
    ),
    "an unknown option": (f"{HEAD}grid: {{<i>: [1]}}\n", "grid.<i>", "no option"),
    "an option that is the sweep's": (
        f"{HEAD}list: [{{out: /tmp/x}}]\n", "list[0].out", "no option",
    ),
    "a value that the verb refuses": (
        f"{HEAD}list: [{{seed: 1}}, {{seed: -4}}]\n", "list[1]", "-4",
    ),
    "a choice that is none": (
        "name: n\nverb: stages\ngrid: {phase: [tepid]}\n", "grid", "tepid",
    ),
    "an unknown parameter of a notebook": (
        "name: n\nnotebook: 07_capacity\ngrid: {nosuch: [1]}\n", "grid.nosuch", "no ",
    ),
    "a value of another type": (
        "name: n\nnotebook: 07_capacity\ngrid: {seed: [one]}\n", "grid.seed", "'one'",
    ),
    "a list for one value": (f"{HEAD}grid: {{seed: [[1, 2]]}}\n", "grid.seed", "plain"),
    "null": (f"{HEAD}grid: {{kind: [null]}}\n", "grid.kind", "plain"),
    "a word for a flag": (f"{HEAD}grid: {{check: ['yes']}}\n", "grid.check", "true or"),
    "a pair that is none": (f"{HEAD}grid: {{param: [a]}}\n", "grid.param", "list"),
    "a file that is not there": (
        "name: n\nverb: stages\ngrid: {transcript: [nosuch.json]}\n", "grid", "nosuch",
    ),
    "no duration": (f"{HEAD}limit: soon\n", "limit", "'soon'"),
    "no time at all": (f"{HEAD}limit: 0\n", "limit", "0"),
    "too long": (f"{HEAD}limit: 8d\n", "limit", "'8d'"),
    "no attempts": (f"{HEAD}attempts: 0\n", "attempts", "0 is not"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_named_with_file_and_field(tmp_path, case):
    content, field, message = BAD[case]
    file = written(tmp_path, content)
    found = error(file)
    assert found.file == str(file)
    assert message in found.message
    assert field is None or field in found.field
    assert found.remedy


def test_a_large_file_is_not_read(tmp_path):
    file = written(tmp_path, "# " + "x" * 2**18)
    assert "262,144" in error(file).message


def test_an_unknown_engine_is_refused(tmp_path):
    file = written(tmp_path, text([1]))
    assert error(file, "--engine", "../x").field == "--engine"
    assert error(file, "--scheduler", "tcp://h:1").field == "--scheduler"


@pytest.mark.parametrize(
    ("limit", "seconds"), [("30s", 30), ("1.5m", 90), ("2h", 7200), ("45", 45)]
)
def test_a_limit_is_a_duration_or_seconds(tmp_path, limit, seconds):
    file = written(tmp_path, text([1], more=f"limit: {limit}\n"))
    assert spec.limit_s(spec.read(file)) == seconds


def test_the_grid_comes_in_order_and_the_list_behind_it(tmp_path):
    grid = "grid: {kind: [a, b], seed: [1, 2]}"
    content = f"name: n\nverb: fixtures\n{grid}\nlist: [{{kind: c}}]\n"
    file = written(tmp_path, content)
    cells = spec.cells(spec.read(file), file)
    values = [tuple(cell.parameters.values()) for cell in cells]
    assert values == [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c",)]
    assert [cell.place for cell in cells] == [0, 1, 2, 3, 4]
    assert not any(cell.measures for cell in cells)
    assert len({cell.key for cell in cells}) == 5


def one(folder, content):
    file = written(folder, content)
    [cell] = spec.cells(spec.read(file), file)
    return cell


def test_a_verb_that_measures_takes_a_core_and_so_does_a_notebook(tmp_path):
    assert one(tmp_path, "name: n\nverb: stages\nlist: [{phase: warm}]\n").measures
    book = "name: n\nnotebook: {}\nlist: [{{}}]\n"
    assert one(tmp_path, book.format("01_request_path")).measures
    assert not one(tmp_path, book.format("07_capacity")).measures
    assert not one(tmp_path, text([1])).measures


def test_what_shares_its_core_is_a_verb_or_a_notebook():
    known = {*cli.bench.list_commands(click.Context(cli.bench)),
             *(path.stem for path in batch.notebooks())}  # fmt: skip
    assert known >= _verbs.SHARING


def test_a_key_depends_on_content_and_not_on_the_order_of_names(tmp_path, monkeypatch):
    first = one(tmp_path, "name: n\nverb: fixtures\nlist: [{kind: a, seed: 2}]\n")
    turned = one(tmp_path, "name: m\nverb: fixtures\nlist: [{seed: 2, kind: a}]\n")
    assert first.key == turned.key
    assert one(tmp_path, text([3])).key != first.key
    for name in ("code", "host"):
        with monkeypatch.context() as patch:
            patch.setattr(_keys, name, lambda: "another")
            again = one(tmp_path, "name: n\nverb: fixtures\nlist: [{kind: a, seed: 2}]")
            assert again.key != first.key, name


def test_a_key_holds_what_is_in_a_file_and_not_where_it_lies(tmp_path, monkeypatch):
    keys = {}
    for place, content in (("a", "1"), ("b", "1"), ("c", "2")):
        folder = tmp_path / place
        folder.mkdir()
        (folder / "body.json").write_text(content, encoding="utf-8")
        monkeypatch.chdir(folder)
        cell = one(folder, "name: n\nverb: stages\nlist: [{transcript: body.json}]\n")
        assert cell.parameters == {"transcript": str(folder / "body.json")}
        keys[place] = cell.key
    assert keys["a"] == keys["b"] != keys["c"]


def test_a_folder_counts_with_all_that_is_written_in_it(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "index.js").write_text("1", encoding="utf-8")
    before = _paths.digest(tmp_path)
    for derived in ("node_modules/x.js", ".git/HEAD", "__pycache__/x.pyc"):
        path = tmp_path / derived
        path.parent.mkdir()
        path.write_text("x", encoding="utf-8")
    assert _paths.digest(tmp_path) == before
    (tmp_path / ".dev.vars").write_text("A=1", encoding="utf-8")
    after = _paths.digest(tmp_path)
    assert after != before
    (tmp_path / "src" / "index.js").rename(tmp_path / "src" / "other.js")
    assert _paths.digest(tmp_path) not in {before, after}


def test_a_verb_that_would_take_the_latest_run_is_given_it_by_name(tmp_path):
    cell = one(tmp_path, "name: n\nverb: matrix\nlist: [{limits: free}]\n")
    assert cell.parameters["run"].startswith("results/")


def test_a_notebook_gets_its_parameters_as_they_were_written(tmp_path):
    given = {"limits": "free", "rate": 2.5, "assume": {"idle_s": 60}, "check": True,
             "seed": 3, "trace": "-x"}  # fmt: skip
    content = f"name: n\nnotebook: 07_capacity\nlist: [{json.dumps(given)}]\n"
    cell = one(tmp_path, content)
    assert cell.parameters.pop("run").startswith("results/")
    assert cell.parameters == given
    verb, *words = _arguments.of_notebook(cell.notebook, given)
    command = cli.bench.get_command(click.Context(cli.bench), verb)
    parsed = command.make_context(verb, words).params
    assert parsed["selected"] == ("07_capacity",)
    texts = [f"{name}={value}" for name, value in parsed["parameters"]]
    assert batch.from_text(texts, batch.select(["07_capacity"])) == given


@pytest.mark.parametrize(
    ("written_as", "value"),
    [("no", "no"), ("012", 12), ("1_0", "1_0"), ("1:30", "1:30"), ("~", None),
     ("2026-01-01", "2026-01-01"), ("0x10", "0x10"), ("1e3", 1000.0), ("'1'", "1"),
     ("true", True), (".5", 0.5), ("|\n  a", "a"), ("nan", "nan")],
)  # fmt: skip
def test_words_are_read_by_the_core_schema(written_as, value):
    found = _yaml.load(f"a: {written_as}".encode(), FILE)["a"]
    assert (found, type(found)) == (value, type(value))


PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3)
    ),
    max_leaves=8,
)


def depth(value):
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@settings(max_examples=30, deadline=None)
@given(VALUES.filter(lambda value: depth(value) < _yaml.DEEPEST))
def test_json_is_read_as_json(value):
    found = _yaml.load(json.dumps(value, ensure_ascii=False).encode(), FILE)
    assert found == value
    assert all(map(math.isfinite, [found] if isinstance(found, float) else []))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80) | st.text("-:[]{}&*!?|>%@\"'# \n\tab0.\\", max_size=60))
def test_no_bytes_are_a_fault_of_ours(data):
    data = data.encode() if isinstance(data, str) else data
    with suppress(UserError):
        json.dumps(_yaml.load(data, FILE), allow_nan=False).encode()

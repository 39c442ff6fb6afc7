"""From every row of a report to its raw samples, and back by the command it names."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from test_report import HOSTILE, page_of, run_folder

from bench import report
from bench.errors import UserError
from bench.paths import ROOT
from bench.report import _raw
from bench.report._run import read
from bench.store import Run
from bench.verbs import samples as verb
from bench.verdict import evidence, raw

REFERENCE = ROOT / "results" / "reference"
# A run from a fresh checkout, without what is large and not read here.
LARGE = shutil.ignore_patterns("figures", "notebooks", "profiles", "*.html")
MANIFEST = json.loads((REFERENCE / "manifest.json").read_bytes())


class Rows(HTMLParser):
    """Rows of tables with their links, and entries of the list of raw samples."""

    def __init__(self, text):
        super().__init__()
        self.kind = self.table = ""
        self.rows, self.entries, self.ids = [], {}, []
        self._into = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag == "table":
            self.kind = self.table = attributes.get("class") or ""
        found = {"kind": self.kind, "class": attributes.get("class"), "text": []}
        found |= {"links": [], "commands": []}
        if tag == "thead":
            self.kind = "head"
        if tag == "tbody" and self.kind == "head":
            self.kind = self.table
        if tag == "tr":
            self.rows.append(found)
            self._into = found
        if tag == "li":
            self._into = self.entries[attributes.get("id")] = found
        if self._into and tag == "a":
            self._into["links"].append(attributes["href"])
        if self._into and tag == "code" and attributes.get("class") == "command":
            self._into["commands"].append("")

    def handle_data(self, data):
        if self._into is not None:
            self._into["text"].append(data)
            if self.lasttag == "code" and self._into["commands"] and data.strip():
                self._into["commands"][-1] += data

    def handle_endtag(self, tag):
        if tag in ("table", "ol"):
            self.kind, self._into = "", None


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A copy of the reference run with a report made anew."""
    folder = tmp_path_factory.mktemp("raw") / "reference"
    shutil.copytree(REFERENCE, folder, ignore=LARGE)
    report.build(folder)
    return folder


@pytest.fixture(scope="module")
def rows(reference):
    return Rows((reference / "report.html").read_text())


@pytest.fixture(scope="module")
def table():
    return Run.open(REFERENCE).samples()


def entries(rows):
    return {name: each for name, each in rows.entries.items() if name}


def test_every_row_with_a_number_leads_to_an_entry_of_the_page(rows):
    # Facts of the machine, limits and notebooks have their source beside them.
    others = {"head", "facts", "given"}
    mine = [row for row in rows.rows if row["kind"] not in others]
    counted = 0
    for row in mine:
        words = " ".join(row["text"])
        if row["class"] == "doubt" or not re.search(r"\d", words):
            continue
        counted += 1
        assert re.fullmatch(r"#r\d+", row["links"][0]), words
        assert row["links"][0][1:] in entries(rows), words
    assert counted > 500
    assert len(set(rows.ids)) == len(rows.ids)


def test_every_cell_that_is_named_is_in_the_manifest_and_on_the_page(rows):
    named = {
        link.removeprefix("#cell-")
        for entry in entries(rows).values()
        for link in entry["links"]
        if link.startswith("#cell-")
    }
    assert named <= set(MANIFEST["cells"])
    # All but a few cells hold what some row of the report rests on.
    assert len(named) > 0.9 * len(MANIFEST["cells"])
    assert {f"cell-{name}" for name in MANIFEST["cells"]} <= set(rows.ids)


def test_an_entry_says_how_to_print_and_how_to_measure(rows):
    verbs = set()
    for entry in entries(rows).values():
        assert entry["commands"], entry
        for command in entry["commands"]:
            words = shlex.split(command)
            assert words[0] == "bench"
            verbs.add(words[1])
    assert verbs >= {"samples", "stages", "parsers", "rerank", "workloads", "remedies"}
    text = " ".join(" ".join(rows.entries["r2"]["text"]).split())
    assert "measure bench stages --profile quick --seed 1 --limits free" in text


def test_the_command_of_an_entry_prints_the_rows_that_it_counts(rows, table):
    found = list(entries(rows).values())
    for entry in found[:: len(found) // 16]:
        counted = re.search(r"([\d,]+) rows of cells", " ".join(entry["text"]))
        for command in entry["commands"]:
            words = shlex.split(command)
            if words[1] != "samples" or not counted:
                continue
            cells = [cell for cell in words[3:] if cell != "--cell"]
            mine = raw.select(table, cells, [])
            assert len(mine) == int(counted[1].replace(",", ""))
            named = {link[6:] for link in entry["links"] if link.startswith("#cell-")}
            assert set(mine["cell"]) == named


def test_the_page_is_not_much_larger_for_it(reference):
    assert (reference / "report.html").stat().st_size < 900_000


def test_a_table_scrolls_in_a_box_of_its_own(reference):
    text = (reference / "report.html").read_text()
    assert text.count("<table") == text.count('<div class="scroll"><table') > 40


def ask(*arguments):
    return CliRunner().invoke(verb.command, list(map(str, arguments)))


def test_rows_are_printed_as_a_table_csv_json_and_parquet(tmp_path):
    cell = "workerd/warm/parse/full/v8_json/transcript.json"
    chosen = [REFERENCE, "--cell", cell, "--where", "process=3"]
    lines = ask(*chosen).output.splitlines()
    csv = ask(*chosen, "--csv").output.splitlines()
    document = json.loads(ask(*chosen, "--json").output)
    assert len(lines) == len(csv) == len(document["rows"]) + 1 > 10
    assert lines[0].split()[:2] == ["cell", "runtime"]
    assert document["run"] == MANIFEST["run"]
    assert {row["process"] for row in document["rows"]} == {3}
    for ending in ("csv", "json", "parquet"):
        out = tmp_path / f"rows.{ending}"
        assert ask(*chosen, "--out", out, "--quiet").output == ""
        assert out.stat().st_size > 500
    stored = json.loads((tmp_path / "rows.json").read_bytes())
    assert stored == document
    assert len(pd.read_parquet(tmp_path / "rows.parquet")) == len(document["rows"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cell", "nothing"], "is no id of a cell"),
        (["--cell", "a/b/c/d/e/f"], "no row of this run"),
        (["--cell", "0123456789ab"], "no row of this run"),
        (["--where", "stage"], "is not column=value"),
        (["--where", "colour=red"], "is not column=value"),
        (["--where", "process=red"], "is no number"),
        (["--json", "--csv"], "together with --json"),
    ],
)
def test_what_means_no_row_is_a_user_error(arguments, words):
    done = ask(REFERENCE, *arguments)
    assert isinstance(done.exception, UserError)
    assert words in str(done.exception)


def test_a_file_of_another_kind_is_refused(tmp_path):
    done = ask(REFERENCE, "--where", "process=3", "--out", tmp_path / "rows.xls")
    assert "which kind of file" in str(done.exception)
    assert not (tmp_path / "rows.xls").exists()


def test_columns_and_cells_narrow_each_other(table):
    cell = "994612a28b8d"
    mine = raw.select(table, [cell], ["stage=full", "fixture=*300 KB*", "metric=cpu"])
    assert set(mine["cell"]) == {cell}
    assert set(mine["stage"]) == {"full"}
    assert all("300 KB" in fixture for fixture in mine["fixture"])
    other = raw.select(table, [cell, "*/*/chat/whole/plain/*/wall"], [])
    assert set(other[other["cell"] != cell]["metric"]) == {"wall"}


PART = st.text(max_size=6) | st.sampled_from(["*", "[a]", "a/b", "%2F", "?", "a*", ""])
PLACE = st.fixed_dictionaries(dict.fromkeys(evidence.PARTS, PART))


@given(one=PLACE, other=PLACE)
def test_a_pattern_means_what_it_was_made_of_and_nothing_else(one, other):
    names = [evidence.ident(place) for place in (one, other)]
    held = {name: raw.Held(name, {"cell": 1}) for name in names}
    found = raw.Catalogue(held.values())
    assert [each.ident for each in found.find(raw.pattern(**one))] == [names[0]]
    part = {"stage": one["stage"]}
    mine = [each.ident for each in found.find(raw.pattern(**part))]
    wanted = [evidence.ident(p) for p in (one, other) if p["stage"] == one["stage"]]
    assert mine == list(dict.fromkeys(wanted))


def test_a_run_that_is_not_finished_counts_its_rows_too(tmp_path):
    described = {"argv": ["parsers"], "seed": 1, "profile": "quick"}
    described |= {"parameters": {}, "fixtures": {}}
    with Run.create(tmp_path / "run", **described) as run:
        key = {"contest": "parse", "group": 0}
        with run.cell(key) as cell:
            place = {"runtime": "workerd", "stage": "full", "metric": "cpu"}
            cell.add([place | {"unit": "us", "value": 1.0}] * 7)
        growing = raw.catalogue(run.path, run.manifest)
        run.seal()
        sealed = raw.catalogue(run.path, run.manifest)
    for found in (growing, sealed):
        [held] = found.find("workerd/*/*/full/*/*")
        assert (held.ident, held.rows, found.rows) == ("workerd///full//", 7, 7)


def test_samples_that_cannot_be_read_leave_a_report(tmp_path):
    folder = run_folder(tmp_path / "r", {})
    (folder / "samples.parquet").write_bytes(b"PAR1 damaged")
    report.build(folder)
    assert "Raw samples behind every row" in page_of(folder).text


@pytest.mark.parametrize(
    ("manifest", "command"),
    [
        (
            {"command": "bench run", "parameters": {"profile": "full", "seed": 7}},
            "bench parsers --profile quick --seed 7",
        ),
        (
            {"command": "bench run -p ks '[8]'", "parameters": {"ks": [8]}},
            "bench run -p ks '[8]'",
        ),
        ({"command": "bench parsers --fixture a.json"},) * 2,
    ],
    ids=["shared", "of a notebook", "its own"],
)
def test_a_measurement_is_repeated_by_its_verb_or_by_its_own_command(
    manifest, command, tmp_path
):
    command = command["command"] if isinstance(command, dict) else command
    folder = run_folder(tmp_path / "r", {}, **manifest)
    assert _raw.Raw(read(folder)).again("parsers") == command


@pytest.mark.parametrize("text", HOSTILE)
def test_names_from_a_run_are_escaped_in_entries(text, tmp_path):
    row = {"runtime": text, "phase": text, "invocation": text, "stage": text}
    number = {"cpu_ms": 1.0, "low": 1.0, "high": 1.0, "n": 1}
    whole = row | {"whole_cpu_ms": 1.0, "low": 1.0, "high": 1.0, "n": 1}
    document = {"rows": [row | number], "invocations": [whole]}
    cells = {text: {"key": {text: text}, "state": text, "rows": text}}
    folder = run_folder(tmp_path / "r", document, cells=cells)
    report.build(folder)
    page = page_of(folder)
    assert len(page.having("script")) == 1
    assert not [a for a in page.having("a") if "javascript" in (a["href"] or "")]
    assert Path(folder / "report.html").is_file()

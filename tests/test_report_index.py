"""A listing of many runs, and the page over them: whole, current, and fast to make."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter

import pytest
from click.testing import CliRunner
from listing_times import make
from test_report import HOSTILE, Page

from bench.errors import UserError
from bench.paths import ROOT
from bench.report import _answers, _index
from bench.store import Run, list_runs
from bench.verbs import list as verb

DESCRIBED = {"argv": ["run"], "seed": 1, "profile": "quick"}
DESCRIBED |= {"parameters": {}, "fixtures": {}}
MATRIX = {
    "rows": [
        {"workload": name, "profile": "free", "limit_ms": 10, "verdict": verdict}
        for name, verdict in (("a", "fits"), ("b", "does not fit"), ("c", "fits"))
    ]
}


@pytest.fixture(autouse=True)
def kept_apart(tmp_path, monkeypatch):
    """Answers of these runs are kept with them."""
    monkeypatch.setattr(_answers, "FOLDER", tmp_path / "kept")


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


def shown(results):
    return Page((results / "index.html").read_text())


def ask(*arguments):
    return CliRunner().invoke(verb.command, list(map(str, arguments)))


def test_a_listing_opens_one_small_file_a_run_and_no_other(tmp_path):
    make(tmp_path / "runs", 40)
    code = (
        "import sys, pathlib; from bench.store import list_runs;"
        "root = pathlib.Path(sys.argv[1]);"
        "list_runs(root);"
        "sys.addaudithook(lambda e, a: print(e, a[0]) if e == 'open' else None);"
        "list_runs(root)"
    )
    command = [sys.executable, "-c", code, tmp_path / "runs"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    opened = [line.rpartition("/")[2] for line in done.stdout.splitlines()]
    assert Counter(opened) == {"manifest.json": 40}


def test_a_listing_says_what_a_manifest_says(results):
    names = make(results, 3, commit=None)
    runs = list_runs(results)
    assert [run.run for run in runs] == names
    assert {run.cells_finished for run in runs} == {24}
    assert {run.command for run in runs} == {"bench parsers --profile quick"}
    assert {run.commit for run in runs} == {""}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not the manifest of a run"),
        ('{"schema": 9}', "9 is not known"),
        ('{"schema": 1}', "its manifest is damaged"),
        ('{"schema": 1, "run": 3}', "its manifest is damaged"),
        ("\udcff", "is not the manifest of a run"),
    ],
    ids=["not JSON", "newer", "empty", "of other types", "not UTF-8"],
)
def test_a_damaged_manifest_is_listed_with_its_reason(text, why, results):
    make(results, 1)
    (results / "broken").mkdir()
    data = text.encode(errors="surrogateescape")
    (results / "broken" / "manifest.json").write_bytes(data)
    broken, _ = list_runs(results)
    assert (broken.folder, broken.state) == ("broken", "unreadable")
    assert broken.why.startswith(why)
    _index.build(results)
    assert broken.why in shown(results).text


def test_the_page_shows_every_run_the_latest_first(results):
    first, last = make(results, 2)
    (results / first / "report.html").write_text("<p>")
    (results / last / "history.html").write_text("<p>")
    (results / last / "matrix.json").write_text(json.dumps(MATRIX))
    (results / "sweep").mkdir()
    (results / "sweep" / "report.html").write_text("<p>")
    with Run.create(results / "now", **DESCRIBED) as run:
        assert _index.build(results) == results / "index.html"
        page = shown(results)
        text = page.text
    assert "3 in results: 2 finished, 1 running" in text
    assert text.index(run.id) < text.index(last) < text.index(first)
    assert "free: 2 fit, 1 do not fit" in text
    assert "bench parsers --profile quick" in text
    links = {a["href"] for a in page.having("a")}
    wanted = {f"{first}/report.html", f"{last}/history.html", "sweep/report.html"}
    assert wanted <= links
    for link in links:
        assert (results / link).exists()


def test_a_page_elsewhere_links_to_the_runs(results, tmp_path):
    [name] = make(results, 1)
    (tmp_path / "pages").mkdir()
    out = tmp_path / "pages" / "runs.html"
    assert ask("runs", "--results", results, "--out", out, "--quiet").exit_code == 0
    links = [a["href"] for a in Page(out.read_text()).having("a")]
    assert links == [f"../results/{name}/"]
    assert (out.parent / links[0]).is_dir()
    assert not (results / "index.html").exists()


def test_what_is_kept_counts_only_while_the_manifest_is_what_it_was(results):
    [name] = make(results, 1)
    matrix = results / name / "matrix.json"
    matrix.write_text(json.dumps(MATRIX))
    _index.build(results)
    before = (results / "index.html").read_bytes()
    matrix.write_text("{}")
    _index.build(results)
    assert (results / "index.html").read_bytes() == before, "the run is finished"
    manifest = results / name / "manifest.json"
    os.utime(manifest, ns=(1, 1))
    _index.build(results)
    assert "free: 2 fit" not in shown(results).text


@pytest.mark.parametrize("damage", [b"", b"\xc1", None], ids=["empty", "odd", "folder"])
def test_a_damaged_cache_only_costs_time(damage, results, tmp_path):
    [name] = make(results, 1)
    (results / name / "matrix.json").write_text(json.dumps(MATRIX))
    _index.build(results)
    [place] = (tmp_path / "kept").iterdir()
    place.unlink()
    place.mkdir() if damage is None else place.write_bytes(damage)
    _index.build(results)
    assert "free: 2 fit, 1 do not fit" in shown(results).text


@pytest.mark.parametrize(
    ("name", "document", "answer"),
    [
        ("claims", {"rows": [{"id": "a", "verdict": "reproduced"}]}, "1 reproduced"),
        ("matrix", {"rows": "none"}, ""),
        ("matrix", {"rows": [{"verdict": 3}]}, ""),
        ("stages", {"invocations": [{"whole_cpu_ms": 1}]}, ""),
    ],
)
def test_any_document_has_an_answer_or_none(name, document, answer, results):
    [run] = make(results, 1)
    (results / run / f"{name}.json").write_text(json.dumps(document))
    found = _answers.Answers(results).of(run)
    assert found == answer if answer else isinstance(found, str)


def test_pages_that_are_made_at_once_are_whole_and_the_last_has_all(results):
    make(results, 10)
    errors, seen = [], []

    def one(number):
        try:
            with Run.create(results / f"own-{number}", **DESCRIBED) as run:
                run.seal()
            _index.build(results)
            seen.append((results / "index.html").read_bytes().endswith(b"</html>"))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert seen == [True] * 6
    assert "16 in results: 16 finished" in shown(results).text
    assert {path.name for path in results.glob(".*")} == set()


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_run_says_is_shown_and_never_run(text, results):
    make(results, 1, run=text, command=text, host=text, profile=text, commit=text)
    _index.build(results)
    page = shown(results)
    assert len(page.having("script")) == 1
    assert page.text.count(" ".join(text.split())) >= 4
    assert not [a for a in page.having("a") if "javascript" in a["href"]]


def test_only_a_run_of_the_project_makes_its_page_anew(results, monkeypatch):
    monkeypatch.setattr(_index, "RESULTS", results)
    [name] = make(results, 1)
    assert _index.refresh(results.parent / "elsewhere") == ""
    assert not (results / "index.html").exists()
    assert _index.refresh(results / name) == ""
    assert (results / "index.html").is_file()
    (results / "index.html").unlink()
    (results / "index.html").mkdir()
    assert "is not up to date" in _index.refresh(results / name)


def test_the_verb_lists_as_a_table_json_and_a_page(results):
    make(results, 2)
    table = ask("runs", "--results", results)
    assert "command" not in table.output.splitlines()[0]
    document = json.loads(ask("runs", "--results", results, "--json").output)
    assert {row["command"] for row in document["rows"]} == {
        "bench parsers --profile quick"
    }
    assert ask("runs", "--results", results, "--index").exit_code == 0
    assert ask("runs", "--results", results, "--index").exit_code == 0
    assert "2 in results: 2 finished" in shown(results).text
    for arguments in (["limits", "--index"], ["limits", "--results", results]):
        assert isinstance(ask(*arguments).exception, UserError)
    gone = ask("runs", "--results", results / "gone", "--index")
    assert isinstance(gone.exception, UserError)

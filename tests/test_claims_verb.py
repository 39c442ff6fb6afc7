"""`bench claims` and its notebook: the same bytes, in the right place, from one run."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from claims_support import LOADED, at, empty_run, row_of, run_with, samples
from click.testing import CliRunner
from matrix_support import DESCRIBED
from test_notebooks import BOOKS, execute

from bench import cli
from bench.errors import UserError
from bench.platform import limit_profile
from bench.store import RUN_VARIABLE, Run, list_runs
from bench.verdict import claims
from bench.verdict.claims import _text

PAID = limit_profile("paid-default")


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return empty_run(tmp_path_factory.mktemp("claims") / "run")


def invoke(*arguments):
    return CliRunner().invoke(cli.bench, ["claims", *map(str, arguments)])


def hashes(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).digest()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def test_the_verb_gives_identical_bytes_and_writes_nothing_into_the_run(
    empty, tmp_path
):
    before = hashes(empty.path)
    out = [tmp_path / name for name in ("one", "two")]
    asked = [(empty.path, "--json", "--quiet", "--out", folder) for folder in out]
    first, second = (invoke(*each, "--limits", "article") for each in asked)
    assert first.exit_code == 0, first.output
    assert first.stdout_bytes == second.stdout_bytes
    assert hashes(out[0]) == hashes(out[1])
    assert {"claims.json", "figures/claims.png"} <= hashes(out[0]).keys()
    assert hashes(empty.path) == before
    document = json.loads(first.stdout)
    assert document["limits"] == {"name": "article", "cpu_ms": 30.0}
    wanted = {"claim", "article", "measured", "low", "high", "unit", "verdict", "why"}
    assert all(wanted | {"evidence"} <= row.keys() for row in document["rows"])


def test_the_terminal_shows_every_claim_in_a_hundred_columns(empty):
    shown = invoke(empty.path)
    assert shown.exit_code == 0, shown.output
    assert max(map(len, shown.stdout.splitlines())) <= 100
    for ident in LOADED:
        assert f"  {ident}: " in shown.stdout
    assert f"Of {len(LOADED)} claims" in shown.stdout
    assert _text.article({"article": 2, "article_to": 4, "unit": "ms"}) == "2 to 4 ms"


def test_the_verb_refuses_what_it_does_not_know(tmp_path):
    for arguments in ((tmp_path, "--json"), ("--limits", "nosuch")):
        assert isinstance(invoke(*arguments).exception, UserError)


def test_the_latest_finished_run_that_measured_is_read(monkeypatch, tmp_path):
    monkeypatch.setattr("bench.store._creation.RESULTS", tmp_path)
    with pytest.raises(UserError, match="no finished run"):
        claims.chosen(None)
    place = {"runtime": "cpython", "phase": "warm", "stage": "sentinel"}
    rows = list(samples(place, [[1.0]], "ms", "cpu"))
    run_with(tmp_path / "reference", rows)
    run_with(tmp_path / "nothing")
    assert claims.chosen(None).path.name == "reference"
    run_with(tmp_path / "measured", rows)
    assert claims.chosen(None).path.name == "measured"
    assert claims.chosen(tmp_path / "nothing").path.name == "nothing"


BOOK = next(path for path in BOOKS if path.stem == "06_claims")


def test_the_notebook_by_itself_reads_a_run_and_keeps_its_own(
    empty, monkeypatch, tmp_path
):
    monkeypatch.setattr("bench.store._creation.RESULTS", tmp_path)
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    shown = execute(BOOK, run=str(empty.path), limits="paid-default")
    [listed] = list_runs(tmp_path)
    own = tmp_path / listed.folder
    assert listed.state == "finished"
    kept = json.loads((own / "claims.json").read_bytes())
    assert kept == json.loads(json.dumps(claims.document(empty, PAID)))
    assert (own / "figures" / "claims.svg").is_file()
    assert "claims of the article" in shown["summary"].data
    assert shown["picture"].data
    for cell in ("not-reproduced", "outdated", "reproduced", "elsewhere", "missing"):
        assert shown[cell].data.count("\n") > 3


def test_in_a_batch_the_notebook_reads_and_writes_the_run_of_the_batch(
    monkeypatch, tmp_path
):
    with Run.create(tmp_path / "batch", fixtures={}, **DESCRIBED) as batch:
        with batch.cell({"group": 0}) as cell:
            cell.add(at("parse_18kb", [[120.0], [121.0]], "us"))
        monkeypatch.setenv(RUN_VARIABLE, str(batch.path))
        execute(BOOK)
        assert not batch.sealed
        kept = json.loads((batch.path / "claims.json").read_bytes())
    assert kept["run"] == batch.id
    assert row_of(kept, "parse_18kb")["measured"] == pytest.approx(0.1205)

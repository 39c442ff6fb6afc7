"""`bench calibrate`, and what the matrix of a run makes of the factor that it keeps."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from matrix_support import made, only, row_of
from transfer_support import WRITERS, Event, events, logged, production, tail

from bench import cli
from bench.errors import InconclusiveError, UserError
from bench.platform import limit_profile
from bench.transfer import NAME, Transfer, factors, of_run
from bench.verdict import matrix, matrix_text

COSTS = {
    "rag_simple": {"native": {"top 8": (3.0, 9.0, 400)}},
    "agent_multi": {"native": {"5 calls": (13.0, 20.0, 100)}},
    "webhook": {"native": {"2 KB": (0.4, 2.0, 2000)}},
}
FREE = limit_profile("free")
KEYS = {"schema", "run", "machine", "factor", "low", "high", "n", "source"}
SECRET = "sk-PLANTED"


def log_of(factor, n=400, seed=1):
    """Events of production, whose true factor is known."""
    rng = np.random.default_rng(seed)
    costs = production(rng, n, 3.0, share=0.05, factor=factor)
    return events(*logged(costs, 10))


@pytest.fixture
def run(tmp_path):
    return made(tmp_path / "run", COSTS, extras=False)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "prod.log"
    path.write_bytes(tail(log_of(1.5)))
    return path


def invoke(*arguments):
    return CliRunner().invoke(cli.bench, list(map(str, arguments)))


def files(folder):
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", ["tail", "logpush", "workers_logs", "pairs"])
def test_every_kind_of_events_gives_the_same_factor(run, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(WRITERS[name](log_of(1.5)))
    answer = invoke(
        "calibrate", path, "--run", run.path, "--json", "--out", tmp_path / "o"
    )
    assert answer.exit_code == 0, answer.output
    document = json.loads(answer.stdout)
    assert set(document) >= KEYS | {"censored", "bad_rows", "workload", "doubts"}
    assert document["low"] < 1.5 < document["high"]
    assert document["n"] == 400
    assert document["censored"] == sum(e.outcome == "exceededCpu" for e in log_of(1.5))
    assert document["source"] == f"{name}: {name}"
    assert (document["run"], document["workload"]) == (run.id, "rag_simple")
    assert json.loads((tmp_path / "o").read_bytes()) == document
    tail_like = Transfer(
        **{
            k: document[k]
            for k in ("factor", "low", "high", "n", "censored", "source", "workload")
        }
    )
    assert factors(tail_like)[2] == pytest.approx(document["factor"])


def test_without_run_nothing_is_kept_and_with_it_the_run_gets_one_file(
    run, log, tmp_path, monkeypatch
):
    monkeypatch.setattr("bench.store._creation.RESULTS", tmp_path)
    before = files(run.path)
    answer = invoke("calibrate", log)
    assert answer.exit_code == 0, answer.output
    assert "ms of production [" in answer.stdout
    assert "taken to be of rag_simple" in answer.stdout
    assert files(run.path) == before
    kept = invoke("calibrate", log, "--run", run.path, "--workload", "rag_simple")
    assert kept.exit_code == 0, kept.output
    assert "kept: " in kept.stderr
    after = files(run.path)
    assert after.pop(NAME)
    assert after == before


def test_the_same_again_changes_nothing_and_another_factor_is_refused(
    run, log, tmp_path
):
    arguments = ("calibrate", log, "--run", run.path, "--quiet", "--json")
    first, kept = invoke(*arguments), (run.path / NAME).read_bytes()
    again = invoke(*arguments)
    assert first.stdout_bytes == again.stdout_bytes == kept
    log.write_bytes(tail(log_of(3.0)))
    other = invoke(*arguments)
    assert isinstance(other.exception, UserError)
    assert "--out" in other.exception.remedy
    assert NAME in other.exception.file
    assert other.stdout == ""
    assert (run.path / NAME).read_bytes() == kept
    aside = invoke(*arguments, "--out", tmp_path / "aside.json")
    assert aside.exit_code == 0
    assert (tmp_path / "aside.json").read_bytes() == aside.stdout_bytes


def test_few_requests_are_shown_and_end_inconclusive(run, tmp_path):
    path = tmp_path / "few.csv"
    path.write_bytes(WRITERS["pairs"](events([4, 5, 5, 1])))
    answer = invoke("calibrate", path, "--run", run.path, "--json")
    assert isinstance(answer.exception, InconclusiveError)
    document = json.loads(answer.stdout)
    assert document["n"] == 4
    assert "few requests: 4" in document["doubts"]
    assert not (run.path / NAME).exists()
    path.write_bytes(WRITERS["pairs"](events([4], [10] * 9)))
    none = invoke("calibrate", path, "--run", run.path)
    assert isinstance(none.exception, InconclusiveError)
    assert none.stdout == ""
    assert "1 whole requests count, and 9 were killed" in str(none.exception)


def test_doubts_say_what_the_log_cannot_tell(run, tmp_path):
    def doubts(log, *arguments):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.log"
        path.write_bytes(tail(log))
        answer = invoke(
            "calibrate",
            path,
            "--run",
            run.path,
            "--json",
            "--out",
            path.with_suffix(".json"),
            *arguments,
        )
        assert answer.exit_code == 0, answer.output
        return " | ".join(json.loads(answer.stdout)["doubts"])

    named = ("--workload", "webhook")
    zeros = doubts(events([0] * 60), *named)
    assert "100 % of the requests read 0 ms" in zeros
    assert "only the upper end is known" in zeros
    assert "wider than the 0.5 to 2" in zeros
    rng = np.random.default_rng(1)
    wild = production(rng, 300, spread=1.0)
    assert "costs spread more than here" in doubts(events(*logged(wild)))
    cut = [*log_of(1.0, 60), *[Event(1, "canceled")] * 40]
    assert "40 % of the requests were left by" in doubts(cut)
    two = [*log_of(1.0, 60), *(Event(3, text="other") for _ in range(3))]
    assert "requests of 2 Workers are mixed" in doubts(two)
    plain = doubts(log_of(1.0), "--workload", "rag_simple")
    assert plain == ""


def test_what_is_asked_for_must_be_there(run, log, tmp_path):
    bare = made(tmp_path / "bare", only("webhook", 1.0, 2.0, 1), extras=False)
    for arguments, field in (
        (("--workload", "nosuch"), "workload"),
        (("--workload", "documents"), "--workload"),
        (("--format", "nosuch"), "--format"),
        (("--requests", "5"), "--requests"),
    ):
        error = invoke("calibrate", log, "--run", run.path, *arguments).exception
        assert isinstance(error, UserError), arguments
        assert error.field == field
    assert isinstance(invoke("calibrate", log, "--run", tmp_path).exception, UserError)
    only_one = invoke("calibrate", log, "--run", bare.path, "--json")
    assert json.loads(only_one.stdout)["workload"] == "webhook"


def test_several_workloads_without_the_default_must_be_named(log, tmp_path):
    costs = {name: COSTS[name] for name in ("agent_multi", "webhook")}
    run = made(tmp_path / "two", costs, extras=False)
    error = invoke("calibrate", log, "--run", run.path).exception
    assert isinstance(error, UserError)
    assert "agent_multi, webhook" in error.message


def test_nothing_of_the_log_is_in_the_document(run, tmp_path):
    planted = [
        one._replace(text=f"https://{SECRET}.example", key=SECRET)
        for one in log_of(1.0)
    ]
    planted += [Event(3, SECRET), Event(3, kind=SECRET), Event(3, model=SECRET)]
    for name in ("tail", "logpush", "workers_logs", "pairs", "graphql", "pprof"):
        path = tmp_path / f"{name}.log"
        path.write_bytes(WRITERS[name](planted))
        asked = ("--requests", len(planted)) if name == "pprof" else ()
        out = tmp_path / f"{name}.json"
        answer = invoke("calibrate", path, "--run", run.path, "--out", out, *asked)
        assert answer.exit_code == 0, answer.output
        told = answer.output + out.read_text()
        assert SECRET not in told
        assert "example" not in told
        assert str(tmp_path) not in out.read_text()


def test_the_matrix_of_a_run_uses_the_factor_that_it_keeps(run, log):
    plain = matrix.document(run, [FREE])
    assert "transfer" not in plain["assumptions"]
    assert plain["assumptions"]["factors"] == list(factors(None))
    assert invoke("calibrate", log, "--run", run.path).exit_code == 0
    kept = of_run(run.path)
    fitted = matrix.document(run, [FREE])
    assert fitted["assumptions"]["factors"] == list(factors(kept))
    assert fitted["assumptions"]["transfer"]["factor"] == kept.factor
    before, after = (row_of(each, "rag_simple") for each in (plain, fitted))
    # What decides where it flips is this machine's; what is left of the limit is not.
    assert after["flips_at"] == before["flips_at"]
    spent = (10 - before["margin_ms"]) * kept.factor
    assert after["margin_ms"] == pytest.approx(10 - spent)
    assert after["margin_low"] < after["margin_ms"] < after["margin_high"]
    text = matrix_text.markdown(fitted)
    assert "fitted from 400 production requests (tail: prod.log)" in text
    assert "as 0.5 to 2 of Cloudflare's" not in text
    assert "as 0.5 to 2 of Cloudflare's" in matrix_text.markdown(plain)
    assert max(map(len, matrix_text.terminal(fitted).splitlines())) <= 100


def test_a_known_factor_decides_what_the_range_left_open(run):
    """13 ms of a limit of 10: at 0.4 of it, it fits; at 6 times as much it does not."""
    open_ = row_of(matrix.document(run, [FREE]), "agent_multi")
    assert open_["confidence"] < 0.9
    said = {}
    for factor in (0.4, 6.0):
        fitted = Transfer(factor, factor / 1.05, factor * 1.05, 500, 0, "tail: x", "y")
        (run.path / NAME).write_bytes(json.dumps(fitted.as_row()).encode())
        row = row_of(matrix.document(run, [FREE]), "agent_multi")
        said[factor] = row["verdict"], row["confidence"]
        settings = [
            line["setting"]
            for line in matrix.document(run, [FREE])["sensitivity"]
            if line["parameter"] == "factor" and line["workload"] == "agent_multi"
        ]
        assert "0.5" not in settings
    assert said[0.4] == ("fits", 1.0)
    assert said[6.0][0] == "does not fit"


def test_sizes_flip_where_the_fitted_factor_says(tmp_path):
    fixtures = {
        f"{size}": (1 + size / 100_000, 1 + size / 100_000, size - 500)
        for size in (100_000, 300_000, 400_000)
    }
    costs = {"documents": {"native": fixtures}}
    run = made(tmp_path / "sizes", costs, extras=False, spread=0)
    for factor, size in ((1.0, 900_000), (2.0, 400_000)):
        fitted = Transfer(factor, factor, factor, 500, 0, "tail: x", "documents")
        (run.path / NAME).write_bytes(json.dumps(fitted.as_row()).encode())
        row = row_of(matrix.document(run, [FREE]), "documents")
        assert row["flips_at"]["payload"] == pytest.approx(size, rel=1e-3)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"{", ""),
        (b"[]", ""),
        (b"\xff", ""),
        (b'{"factor": "x"}', "factor"),
        (b'{"factor": 1.0}', "low"),
        (b'{"factor":1,"low":2,"high":3,"n":9,"censored":0,"source":"x",'
         b'"workload":"y"}', "factor"),
        (b'{"factor":1,"low":0,"high":3,"n":9,"censored":0,"source":"x",'
         b'"workload":"y"}', "factor"),
    ],
)  # fmt: skip
def test_a_damaged_factor_is_refused_by_name(run, data, field):
    (run.path / NAME).write_bytes(data)
    for act in (lambda: of_run(run.path), lambda: matrix.document(run, [FREE])):
        with pytest.raises(UserError) as refused:
            act()
        assert str(run.path / NAME) in str(refused.value)
        assert field in str(refused.value)


def test_a_run_keeps_its_factor_as_it_was_fitted(run, log):
    assert of_run(run.path) is None
    done = invoke("calibrate", log, "--run", run.path, "--json", "--quiet")
    document, kept = json.loads(done.stdout), of_run(run.path)
    assert kept.as_row() == {name: document[name] for name in kept.as_row()}


def test_the_observed_table_is_too_few_and_says_what_it_left_out(real, run):
    path = real / "workers" / "tail_cpu_wall_observed.csv"
    answer = invoke("calibrate", path, "--run", run.path)
    assert isinstance(answer.exception, InconclusiveError)
    assert "11 model durableObject" in answer.stdout
    assert "few requests: 4" in answer.stdout

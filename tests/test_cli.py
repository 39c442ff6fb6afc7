"""The command line is a contract: verbs, exit codes, one JSON document on stdout."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bench import cli
from bench.batch import NotebookResult
from bench.measure import selftest, sizes, stages
from bench.measure.sizes import PhaseSize, Size
from bench.measure.turns import Pace
from bench.runtimes import cpython
from bench.store import Run, list_runs

ROOT = Path(__file__).parents[1]
VERBS = cli.bench.list_commands(click.Context(cli.bench))


def invoke(*arguments):
    """Run a verb in this process; click's result, with stdout and stderr apart."""
    return CliRunner().invoke(cli.bench, [str(a) for a in arguments])


def strict(text):
    """JSON as the standard has it: NaN and Infinity are refused."""

    def refuse(word):
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


PACE = Pace(rounds=2, seconds=0.5, warm_seconds=0.05)
TINY = Size(
    warm=PhaseSize(0, 1e-9, 2, PACE),
    cold=PhaseSize(0, 1e-9, 2),
    alone=PhaseSize(0, 1e-9, 1, PACE),
    profile_seconds=0.1,
)
# The whole journey is measured in test_measure_stages; the command line needs a part.
PART = ("ingest",)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(sizes.SIZES, "quick", TINY)
    monkeypatch.setattr(stages, "JOURNEY", PART)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_option_has_help(verb):
    command = cli.bench.get_command(click.Context(cli.bench), verb)
    assert command.help
    for parameter in command.params:
        assert isinstance(parameter, click.Argument) or parameter.help
    options = {option for p in command.params for option in p.opts}
    assert {"--json", "--out", "--seed", "--quiet"} <= options


def test_help_names_every_verb_and_every_exit_code():
    shown = invoke("--help").stdout
    assert all(f"\n  {verb} " in shown for verb in VERBS)
    codes = re.findall(r"\b(\d+) [a-z]", shown[shown.index("Exit codes") :])
    assert {"0", "1", "2", "3", "4", "5", "6", "130"} <= set(codes)


def test_stages_give_the_contract_s_keys_and_a_sealed_run(tiny, tmp_path):
    own = tmp_path / "own-transcript.json"
    own.write_bytes((ROOT / "fixtures/transcript.json").read_bytes())
    out = tmp_path / "run"
    result = invoke(
        *("stages", "--phase", "warm", "--json", "--quiet"),
        *("--runtime", "cpython", "--transcript", own, "--out", out),
    )
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    document = strict(result.stdout)
    assert {"schema", "run", "machine"} <= set(document)
    row = {"runtime", "phase", "stage", "cpu_ms", "low", "high", "n"}
    total = {"runtime", "phase", "whole_cpu_ms", "floor_cpu_ms", "closure"}
    assert all(row <= set(each) for each in document["rows"])
    assert [total <= set(each) for each in document["totals"]] == [True]
    run = Run.open(out)
    assert run.sealed
    assert set(run.samples()["run"]) == {document["run"]} == {run.id}
    assert set(run.samples()["fixture"]) == {"own-transcript.json"}
    stored = strict((out / "stages.json").read_text())
    assert stored["rows"] == document["rows"]
    assert_names_no_folder(out, tmp_path)


def assert_names_no_folder(out, *others):
    """No file of a run tells where on this machine it was made."""
    places = [str(place).encode() for place in (ROOT, sys.prefix, *others)]
    for path in out.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert [place for place in places if place in data] == [], path.name


def test_a_cell_that_fails_is_exit_4_and_the_rest_is_printed(
    tiny, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(cpython.SETUPS, "alone", "no_such_setup")
    out = tmp_path / "run"
    monkeypatch.setattr(
        sys,
        "argv",
        [
            *("bench", "stages", "--runtime=cpython", "--phase=warm", "--json"),
            f"--out={out}",
        ],
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 4
    shown = capsys.readouterr()
    rows = strict(shown.out)["rows"]
    assert [row["stage"] for row in rows if row["error"]] == ["alone"]
    assert sum(row["error"] is None for row in rows) == 5
    assert "no_such_setup" in shown.err
    assert "Traceback" not in shown.err
    states = [cell["state"] for cell in Run.open(out).manifest["cells"].values()]
    assert sorted(states) == ["failed", "finished", "finished"]
    assert Run.open(out).manifest["status"] == "failed"


def test_a_notebook_that_fails_is_exit_4_and_stands_in_the_document(
    tmp_path, monkeypatch, capsys
):
    failed = NotebookResult("01_request_path", "failed", 1.5, None, "it broke")
    monkeypatch.setattr("bench.batch.run_batch", lambda *_, **__: [failed])
    argv = ["bench", "run", "--json", "--quiet", "--out", str(tmp_path / "run")]
    argv += ["-p", "seed", "7", "-p", "profile", "full"]
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    shown = capsys.readouterr()
    document = strict(shown.out)
    assert ended.value.code == 4
    assert shown.err == "error: 01_request_path: it broke\n"
    assert {"schema", "run", "machine", "report", "matrix"} <= set(document)
    assert document["notebooks"] == [
        {"name": "01_request_path", "status": "failed", "seconds": 1.5, "output": None}
    ]
    manifest = Run.open(tmp_path / "run").manifest
    assert manifest["status"] == "failed"
    # What a parameter says holds, also where an option has the same name.
    assert (manifest["seed"], manifest["profile"]) == (7, "full")


@pytest.mark.parametrize("wrote", [True, False])
def test_a_run_names_its_matrix_where_a_notebook_wrote_one(
    tmp_path, monkeypatch, wrote
):
    def batch(run, *_, **__):
        if wrote:
            run.save("matrix.json", b'{"schema": 1}')
        return []

    monkeypatch.setattr("bench.batch.run_batch", batch)
    result = invoke("run", "--json", "--quiet", "--out", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    named = strict(result.stdout)["matrix"]
    assert named == (str(tmp_path / "run" / "matrix.json") if wrote else None)
    assert named is None or Path(named).is_file()


def test_a_workload_that_is_none_is_refused_before_anything_starts(tmp_path):
    out = tmp_path / "run"
    result = invoke("run", "--out", out, "-p", "workloads", "webhook, nosuch")
    assert "'nosuch' is not a workload" in str(result.exception)
    assert not out.exists()


def test_a_fault_of_ours_is_exit_1_and_says_so(monkeypatch, capsys):
    monkeypatch.setattr("bench.machine.collect", lambda: 1 / 0)
    monkeypatch.setattr(sys, "argv", ["bench", "doctor", "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "ZeroDivisionError" in shown.err
    assert "a fault of bench" in shown.err


TYPED = """
    import sys
    sys.path.insert(0, {tests!r})
    from test_cli import PART, TINY
    from bench.measure import sizes, stages
    from bench import cli
    sizes.SIZES["quick"] = TINY
    stages.JOURNEY = PART
    sys.argv = ["bench", "stages", "--json", "--out", {out!r}]
    cli.main()
"""


@pytest.mark.parametrize(
    ("kill", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_interrupted_halfway_the_finished_cells_are_kept(tmp_path, kill, code):
    out = tmp_path / "run"
    script = tmp_path / "typed.py"
    tests = str(Path(__file__).parent)
    script.write_text(textwrap.dedent(TYPED).format(out=str(out), tests=tests))
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + 120
    while not (out.exists() and Run.open(out).manifest["cells"]):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)  # polls with a deadline; the cell decides when
    if kill == signal.SIGINT:
        os.killpg(process.pid, kill)
    else:
        process.kill()
    printed, _ = process.communicate(timeout=60)
    assert (process.returncode, printed) == (code, b"")
    [listed] = list_runs(tmp_path)
    assert listed.state == "interrupted"
    run = Run.open(out)
    finished = [c for c in run.manifest["cells"].values() if c["state"] == "finished"]
    assert len(finished) >= 1
    assert set(run.samples()["phase"]) >= {"cold"}
    while survivors := _of_group(process.pid):
        assert time.monotonic() < until, survivors
        time.sleep(0.05)


def _of_group(group: int) -> list[str]:
    """Command lines of what still lives in the session of a dead driver."""
    import psutil

    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        try:
            alive = process.info["status"] != psutil.STATUS_ZOMBIE
            if alive and os.getsid(process.pid) == group:
                found.append(" ".join(process.info["cmdline"] or []))
        except (psutil.Error, ProcessLookupError):
            continue
    return found


def test_a_resumed_run_measures_only_what_it_lacks(tiny, tmp_path, monkeypatch):
    """`bench run --resume`: the cells of the interrupted run are not made again."""
    from bench import transcript

    body = transcript.given(None)
    values = {"profile": "quick", "limits": "free", "seed": 1}
    described = {"argv": [], "seed": 1, "profile": "quick", "parameters": values}
    fixtures = {body.label: body.sha256}

    class Silent:
        def step(self, label):
            """Say nothing."""

    with Run.create(tmp_path / "run", fixtures=fixtures, **described) as run:
        stages.measure(
            run,
            transcript=body,
            runtimes=["cpython"],
            phases=["cold"],
            profile="quick",
            seed=1,
            progress=Silent(),
        )
        before = run.samples()
    seen = []

    def batch(run, parameters, **_):
        seen.append((parameters, len(run.samples())))
        return []

    monkeypatch.setattr("bench.batch.run_batch", batch)
    result = invoke("run", "--resume", tmp_path / "run", "--quiet", "--json")
    assert result.exit_code == 0, result.stderr
    assert seen == [(values, len(before))]
    assert Run.open(tmp_path / "run").sealed
    again = invoke("run", "--resume", tmp_path / "run")
    assert "is finished" in str(again.exception)
    other = tmp_path / "other.json"
    other.write_bytes(body.data.replace(b"the", b"teh", 1))
    wrong = invoke("run", "--resume", tmp_path / "run", "--transcript", other)
    assert "another transcript" in str(wrong.exception)


def test_selftest_in_miniature_reports_every_number(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.measure.footprint.peak_mib", lambda seed: 100.0)
    small = selftest.Size(2, seconds=1.0, duels=1, target_width=0.01)
    monkeypatch.setitem(selftest.SIZES, "quick", small)
    result = invoke("selftest", "--json", "--quiet", "--out", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    document = strict(result.stdout)
    for key in ("false_positive_rate", "power_2pct"):
        assert 0 <= document[key] <= 1
        assert document["pyperf"][key] in (0.0, 1.0)
    assert document["false_positive"]["n"] == document["comparisons"] == 2
    assert document["interval_width"] > 0
    assert document["floor_us"] > 0
    assert abs(document["closure"]) < 0.5
    assert document["help_seconds"] > 0
    kept = Run.open(tmp_path / "run").samples()
    assert set(kept["variant"]) >= {"workbench", "pyperf"}
    assert any("finds +2 %" in line for line in document["lines"])

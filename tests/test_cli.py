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
from test_measure_stages import TINY

from bench import cli
from bench.measure import selftest, sizes
from bench.runtimes import cpython
from bench.store import Run, list_runs

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
VERBS = sorted(cli.bench.commands)


def invoke(*arguments):
    """Run a verb in this process; click's result, with stdout and stderr apart."""
    return CliRunner().invoke(cli.bench, [str(a) for a in arguments])


def strict(text):
    """JSON as the standard has it: NaN and Infinity are refused."""

    def refuse(word):
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(sizes.SIZES, "quick", TINY)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_stands_in_the_readme(verb):
    command = cli.bench.commands[verb]
    assert command.help
    for parameter in command.params:
        documented = isinstance(parameter, click.Argument) or parameter.help
        assert documented or parameter.name in {"phase", "port"}
    assert f"`bench {verb}`" in README
    options = {option for p in command.params for option in p.opts}
    assert {"--json", "--out", "--seed", "--quiet"} <= options


def test_help_names_every_verb_and_every_exit_code():
    shown = invoke("--help").stdout
    assert all(f"\n  {verb} " in shown for verb in VERBS)
    codes = re.findall(r"\b(\d+) [a-z]", shown[shown.index("Exit codes") :])
    assert {"0", "1", "2", "3", "4", "5", "6", "130"} <= set(codes)


def test_the_readme_names_files_that_exist():
    for text, folder in (
        (README, ROOT),
        ((ROOT / "results/README.md").read_text(), ROOT / "results"),
    ):
        links = re.findall(r"\]\(([^)#]+)\)", text)
        assert [link for link in links if not (folder / link).exists()] == []


@pytest.mark.parametrize(
    "what", ["runs", "fixtures", "stages", "runtimes", "notebooks", "limits"]
)
def test_lists_are_one_json_document(what):
    result = invoke("list", what, "--json")
    assert result.exit_code == 0
    document = strict(result.stdout)
    assert document["schema"] == 1
    assert isinstance(document["rows"], list)
    assert invoke("list", what).exit_code == 0


def test_fixtures_are_checked_and_made(tmp_path):
    checked = strict(invoke("fixtures", "--check", "--json").stdout)
    assert all(row["ok"] for row in checked["rows"])
    made = tmp_path / "made.json"
    result = invoke(
        "fixtures", "--kind", "deepgram", "-p", "size", 30_000, "--out", made
    )
    assert result.exit_code == 0
    assert made.stat().st_size == pytest.approx(30_000, rel=0.05)
    whole = tmp_path / "set"
    assert invoke("fixtures", "--out", whole).exit_code == 0
    for path in whole.glob("*.json"):
        assert path.read_bytes() == (ROOT / "fixtures" / path.name).read_bytes()


def test_doctor_says_what_it_saw():
    document = strict(invoke("doctor", "--json").stdout)
    assert {"check", "ok", "detail", "remedy"} == set(document["checks"][0])
    assert document["machine"]["host"]


def test_stages_give_the_contract_s_keys_and_a_sealed_run(tiny, tmp_path):
    out = tmp_path / "run"
    result = invoke("stages", "--phase", "cold", "--json", "--quiet", "--out", out)
    assert result.exit_code == 0, result.stderr
    document = strict(result.stdout)
    assert {"schema", "run", "machine", "rows", "totals"} <= set(document)
    row = {"runtime", "phase", "stage", "cpu_ms", "low", "high", "n"}
    total = {"runtime", "phase", "whole_cpu_ms", "floor_cpu_ms", "closure"}
    assert all(row <= set(each) for each in document["rows"])
    assert [total <= set(each) for each in document["totals"]] == [True]
    assert result.stderr == ""
    run = Run.open(out)
    assert run.sealed
    assert set(run.samples()["run"]) == {document["run"]} == {run.id}
    stored = strict((out / "stages.json").read_text())
    assert stored["rows"] == document["rows"]


def test_no_file_of_a_run_names_a_folder_of_this_machine(tiny, tmp_path):
    own = tmp_path / "own-transcript.json"
    own.write_bytes((ROOT / "fixtures/transcript.json").read_bytes())
    out = tmp_path / "run"
    code = invoke(
        *("stages", "--phase", "warm", "--quiet", "--transcript", own, "--out", out)
    ).exit_code
    assert code == 0
    places = [str(tmp_path).encode(), str(ROOT).encode(), sys.prefix.encode()]
    for path in out.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert [place for place in places if place in data] == [], path.name
    assert set(Run.open(out).samples()["fixture"]) == {"own-transcript.json"}


def test_a_cell_that_fails_is_exit_4_and_the_rest_is_printed(
    tiny, tmp_path, monkeypatch
):
    monkeypatch.setitem(cpython.SETUPS, "alone", "no_such_setup")
    out = tmp_path / "run"
    monkeypatch.setattr(
        sys, "argv", ["bench", "stages", "--phase", "warm", "--json", f"--out={out}"]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 4
    states = [cell["state"] for cell in Run.open(out).manifest["cells"].values()]
    assert sorted(states) == ["failed", "finished", "finished"]
    assert Run.open(out).manifest["status"] == "failed"


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
    from test_measure_stages import TINY
    from bench.measure import sizes
    from bench import cli
    sizes.SIZES["quick"] = TINY
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
    from bench.measure import stages

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


def test_lab_keeps_its_token_and_binds_to_loopback(monkeypatch):
    started = []
    monkeypatch.setattr("os.execv", lambda path, arguments: started.extend(arguments))
    assert invoke("lab", "--no-browser", "--port", 18999).exit_code == 0
    assert "--ServerApp.ip=127.0.0.1" in started
    assert "--ServerApp.open_browser=False" in started
    assert not any("token" in a or "password" in a for a in started)


def test_selftest_in_miniature_reports_every_number(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.measure.footprint.peak_mib", lambda seed: 100.0)
    small = selftest.Size(comparisons=2, seconds=1.0, duels=1)
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

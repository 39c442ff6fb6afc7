"""What verbs print, and where: one JSON document, a file, a pipe, or a reason."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import cli
from bench.store import Run

ROOT = Path(__file__).parents[1]


def invoke(*arguments):
    """Run a verb in this process; click's result, with stdout and stderr apart."""
    return CliRunner().invoke(cli.bench, [str(a) for a in arguments])


def strict(text):
    """JSON as the standard has it: NaN and Infinity are refused."""

    def refuse(word):
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


def assert_headed(document):
    """What every document has, whatever the verb."""
    assert document["schema"] == 1
    assert document["run"] is None or isinstance(document["run"], str)
    assert document["machine"]["host"]


@pytest.mark.parametrize(
    "what", ["runs", "fixtures", "stages", "runtimes", "notebooks", "limits"]
)
def test_lists_are_one_json_document(what):
    result = invoke("list", what, "--json")
    assert result.exit_code == 0
    document = strict(result.stdout)
    assert_headed(document)
    assert isinstance(document["rows"], list)
    assert invoke("list", what).exit_code == 0


def test_lists_can_go_to_a_file(tmp_path):
    out = tmp_path / "limits.json"
    shown = invoke("list", "limits", "--out", out).stdout
    document = strict(out.read_text())
    assert_headed(document)
    assert all(row["profile"] in shown for row in document["rows"])


def test_runs_are_listed_in_every_state(tmp_path, monkeypatch):
    folder = tmp_path / "results"
    monkeypatch.setattr("bench.store.RESULTS", folder)
    described = {"argv": [], "profile": "quick", "parameters": {}, "fixtures": {}}

    def listed():
        rows = strict(invoke("list", "runs", "--json").stdout)["rows"]
        return {row["folder"]: row["state"] for row in rows}

    assert listed() == {}
    folder.mkdir()
    assert listed() == {}
    assert invoke("list", "runs").stderr == "no runs yet\n"
    with Run.create(folder / "whole", seed=1, **described) as run:
        run.seal()
    with Run.create(folder / "cut", seed=1, **described):
        assert listed()["cut"] == "running"
    for name, data in (("broken", b'{"sch'), ("binary", b"\xff\x00"), ("list", b"[]")):
        (folder / name).mkdir()
        (folder / name / "manifest.json").write_bytes(data)
    (folder / "no-run").mkdir()
    (folder / "README.md").touch()
    assert listed() == {
        "whole": "finished",
        "cut": "interrupted",
        "broken": "unreadable",
        "binary": "unreadable",
        "list": "unreadable",
    }
    text = invoke("list", "runs").stdout
    assert all(word in text for word in ("finished", "interrupted", "unreadable"))


def test_fixtures_are_checked_and_made(tmp_path):
    checked = strict(invoke("fixtures", "--check", "--json").stdout)
    assert_headed(checked)
    assert all(row["ok"] for row in checked["rows"])
    made = tmp_path / "made.json"
    result = invoke(
        *("fixtures", "--kind", "deepgram", "-p", "size", 30_000),
        *("-p", "pretty", "false", "-p", "confidence", "f32", "--json", "--out", made),
    )
    assert result.exit_code == 0
    [row] = strict(result.stdout)["rows"]
    assert row["bytes"] == made.stat().st_size
    assert row["sha256"] == hashlib.sha256(made.read_bytes()).hexdigest()
    assert made.stat().st_size == pytest.approx(30_000, rel=0.05)
    whole = tmp_path / "set"
    assert invoke("fixtures", "--out", whole).exit_code == 0
    for path in whole.glob("*.json"):
        assert path.read_bytes() == (ROOT / "fixtures" / path.name).read_bytes()


def test_doctor_says_what_it_saw():
    document = strict(invoke("doctor", "--json").stdout)
    assert {"check", "ok", "detail", "remedy"} == set(document["checks"][0])
    assert_headed(document)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def oh no:", ("broken.py:1", "is not Python")),
        ("import no_such_library", ("broken.py", "No module named 'no_such_library'")),
        ("ORDER = 1", ("broken.py", "must define command")),
    ],
)
def test_a_broken_plug_in_is_named(monkeypatch, tmp_path, capsys, source, words):
    from bench import verbs

    (tmp_path / "broken.py").write_text(source)
    monkeypatch.setattr(verbs, "__path__", [str(tmp_path)])
    monkeypatch.setattr(sys, "argv", ["bench", "list", "limits"])
    cli._verbs.cache_clear()
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        cli._verbs.cache_clear()
        sys.modules.pop("bench.verbs.broken", None)
    shown = capsys.readouterr()
    assert (ended.value.code, shown.out) == (1, "")
    assert all(word in shown.err for word in words)
    assert "Traceback" not in shown.err


def typed(*arguments, **options):
    """Run a verb as a user does, in a process of its own."""
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(
        command, cwd=ROOT, text=True, stderr=subprocess.PIPE, timeout=60, **options
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize("how", [(), ("--json",)])
def test_results_that_cannot_be_printed_are_exit_2(how):
    with Path("/dev/full").open("w") as full:
        done = typed("list", "limits", *how, stdout=full)
    assert done.returncode == 2
    assert done.stderr.startswith("error: standard output: no space is left")


def test_a_reader_that_has_gone_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        done = typed("list", "stages", stdout=pipe)
    assert (done.returncode, done.stderr) == (0, "")


def test_services_say_where_they_listen_and_end_with_ctrl_c(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("signal.pause", interrupted)
    monkeypatch.setattr(sys, "argv", ["bench", "services", "--json", "--quiet"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    shown = capsys.readouterr()
    document = strict(shown.out)
    assert ended.value.code == 130
    assert_headed(document)
    assert len(document["endpoints"]) > 5
    assert all(
        url.startswith("http://127.0.0.1:") for url in document["endpoints"].values()
    )
    assert "Ctrl-C" not in shown.err


@pytest.fixture
def lab(monkeypatch):
    """``bench lab`` up to where the server would start; its result and arguments."""
    started = []
    monkeypatch.setattr("os.execv", lambda path, arguments: started.extend(arguments))

    def run(*arguments):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        return invoke("lab", "--port", port, *arguments), port, started

    return run


@pytest.mark.parametrize("options", [(), ("--no-browser",), ("--quiet", "--json")])
def test_lab_keeps_its_token_and_binds_to_loopback(lab, options):
    result, port, started = lab(*options)
    assert result.exit_code == 0, result.output
    assert started[1:3] == ["-m", "jupyterlab"]
    assert "--ServerApp.ip=127.0.0.1" in started
    assert f"--ServerApp.port={port}" in started
    # Another port than the one that was named would be a surprise.
    assert "--ServerApp.port_retries=0" in started
    assert f"--ServerApp.root_dir={ROOT}" in started
    # click's runner is no terminal, where no browser can be expected either.
    assert "--ServerApp.open_browser=False" in started
    never = re.compile("token|password|allow_origin|allow_remote|disable_check_xsrf")
    assert [argument for argument in started if never.search(argument)] == []


def test_lab_says_where_it_will_listen(lab):
    result, port, _ = lab("--json")
    document = strict(result.stdout)
    assert_headed(document)
    assert document["url"] == f"http://127.0.0.1:{port}/lab"
    assert lab()[0].stdout == ""

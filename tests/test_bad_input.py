"""What users get wrong ends with exit 2, a message that helps, and leaves nothing."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest

from bench import cli, fixture_set
from bench.measure import stages
from bench.store import RESULTS, Run, list_runs

GOOD = fixture_set.read("transcript.json")


@pytest.fixture
def bench(monkeypatch, capfd):
    """Run ``bench`` in this process: exit code, stdout, stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capfd.readouterr()

    return run


@pytest.fixture(autouse=True)
def nothing_is_left_in_results():
    before = set(RESULTS.iterdir())
    yield
    assert set(RESULTS.iterdir()) == before


def refused(answer, *words):
    """Exit 2, nothing on stdout, and an error that holds ``words`` and a remedy."""
    code, out, err = answer
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert "\n  remedy: " in err
    assert "Traceback" not in err
    for word in words:
        assert word in err


BAD = {
    "empty": (b"", "is empty"),
    "truncated": (GOOD[:9000], "truncated"),
    "nested": (b"[" * 100_000 + b"]" * 100_000, "nested"),
    "duplicate-key": (
        GOOD.replace(b'"results":', b'"metadata":{},"results":', 1),
        "metadata: occurs twice",
    ),
    "not-utf8": (GOOD[:500] + b"\xff" + GOOD[500:], "byte 500"),
    "bom": (b"\xef\xbb\xbf" + GOOD, "byte order mark"),
    "nan": (GOOD.replace(b'"channels":1', b'"channels":NaN', 1), "metadata.channels"),
    "huge": (
        GOOD.replace(b'"channels":1', b'"channels":1e999', 1),
        "metadata.channels",
    ),
    "no-transcript": (b'{"models": []}', "results"),
}


@pytest.mark.parametrize("verb", ["stages", "run"])
@pytest.mark.parametrize("name", BAD)
def test_a_transcript_that_is_none(bench, tmp_path, verb, name):
    body, word = BAD[name]
    path = tmp_path / f"{name}.json"
    path.write_bytes(body)
    out = tmp_path / "out"
    answer = bench(verb, "--transcript", path, "--out", out, "--json")
    refused(answer, str(path), word)
    assert not out.exists()


def test_a_transcript_that_is_missing_a_folder_or_far_too_large(bench, tmp_path):
    refused(bench("stages", "--transcript", tmp_path / "no.json"), "no.json", "exist")
    refused(bench("stages", "--transcript", tmp_path), str(tmp_path), "folder")
    refused(bench("stages", "--transcript", "/dev/null"), "not a regular file")
    refused(bench("stages", "--transcript", "x" * 300), "cannot be read")
    sparse = tmp_path / "large.json"
    with sparse.open("wb") as file:
        file.truncate(200 * 2**20)
    refused(bench("stages", "--transcript", sparse), "209,715,200 bytes", "64 MiB")


def test_another_api_s_body_is_refused_by_the_field_that_it_lacks(bench, real):
    path = real / "deepgram" / "models_list_180586.json"
    refused(bench("stages", "--transcript", path), str(path), "results")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-p", "nosuch", "1"), ("nosuch", "transcript")),
        (("-p", "profil", "quick"), ("did you mean profile",)),
        (("-p", "seed", "abc"), ("seed", "type int")),
        (("-p", "seed", "-1"), ("seed", "range")),
        (("-p", "seed", str(2**70)), ("seed", "range")),
        (("-p", "profile", "nosuch"), ("profile", "quick, full")),
        (("-p", "limits", "nosuch"), ("limits", "paid-default")),
        (("-p", "phases", "7"), ("phases", "type list")),
        (("-p", "phases", '["hot"]'), ("phases", "'hot' is not a phase")),
        (("-p", "runtimes", "nosuch"), ("runtimes", "cpython")),
        (("--limits", "nosuch"), ("limits", "paid-default")),
        (("--limits", "custom:cpu_ms=-1"), ("limits", "positive")),
        (("--notebook", "nosuch"), ("nosuch", "01_request_path")),
        (("--resume", "nosuch"), ("nosuch",)),
    ],
)
def test_parameters_are_checked_before_anything_starts(bench, arguments, words):
    refused(bench("run", *arguments), *words)


def test_an_unknown_runtime_is_refused_with_the_known_ones(bench):
    refused(bench("stages", "--runtime", "nosuch"), "'nosuch'", "cpython")


@pytest.mark.parametrize(
    "verb",
    [
        ("run",),
        ("stages",),
        ("selftest",),
        ("services",),
        ("lab",),
        ("doctor",),
        ("list", "limits"),
        ("fixtures",),
        ("fixtures", "--kind", "sessions"),
    ],
    ids=" ".join,
)
def test_a_place_for_results_that_cannot_be(bench, tmp_path, verb):
    taken, dangling = tmp_path / "file", tmp_path / "link"
    taken.touch()
    dangling.symlink_to(tmp_path / "nowhere")
    below = tmp_path / "missing" / "x"
    for out in (tmp_path, taken, dangling, taken / "x", taken / "x" / "y", below):
        refused(bench(*verb, "--json", "--out", out), str(out), "--out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]
    assert taken.read_bytes() == b""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux")
@pytest.mark.parametrize(
    "verb", [("run",), ("stages",), ("list", "limits"), ("fixtures",)], ids=" ".join
)
def test_a_place_where_nothing_can_be_written(bench, verb):
    refused(bench(*verb, "--out", "/proc/made"), "/proc/made", "cannot be written")


@contextmanager
def mounted(folder, options):
    """An own small file system on ``folder``; skips where none can be mounted."""
    folder.mkdir()
    if sys.platform != "linux" or shutil.which("mount") is None:
        pytest.skip("only Linux has tmpfs")
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S607


@pytest.mark.parametrize("verb", ["run", "stages", "selftest", "fixtures"])
def test_a_file_system_that_is_read_only(bench, tmp_path, verb):
    with mounted(tmp_path / "disk", "size=64k,ro") as disk:
        refused(bench(verb, "--out", disk / "made"), str(disk), "read-only", "--out")


@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write")
def test_a_folder_without_permission(bench, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    refused(bench("stages", "--out", tmp_path / "closed" / "x"), "permission denied")


def test_a_disk_that_fills_while_fixtures_are_written(bench, tmp_path):
    with mounted(tmp_path / "disk", "size=256k") as disk:
        refused(bench("fixtures", "--out", disk / "set"), "no space is left")
        made = ("fixtures", "--kind", "deepgram", "-p", "size", "400000", "--out")
        refused(bench(*made, disk / "call.json"), "call.json", "no space is left")
        assert list(disk.iterdir()) == []


def test_a_disk_that_is_full_from_the_start(bench, tmp_path):
    with mounted(tmp_path / "disk", "size=64k") as disk:
        fill(disk)
        for verb in ("run", "stages", "selftest"):
            refused(bench(verb, "--out", disk / "run"), "no space is left")
        assert [path.name for path in disk.iterdir()] == ["filler"]


def fill(folder):
    """Write until the disk of ``folder`` takes not one byte more."""
    with (folder / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(bytes(4096)):
            pass


@pytest.mark.parametrize("verb", ["lab", "services"])
def test_a_port_that_is_in_use(bench, verb):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(bench(verb, "--port", port), str(port), "name another")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--kind", "nosuch"), "deepgram"),
        (("--kind", "deepgram", "-p", "nosuch", "1"), "nosuch"),
        (("--kind", "deepgram", "-p", "size", "-5"), "size"),
        (("--kind", "deepgram", "-p", "size", "abc"), "size: 'abc'"),
        (("--kind", "deepgram", "-p", "pretty", "yes"), "pretty: 'yes'"),
        (("--kind", "embedding", "-p", "dims", "NaN"), "dims: 'NaN'"),
        (("--kind", "embedding", "-p", "seed", "2"), "dims"),
        (("--check",), "--check"),
        (("-p", "size", "5"), "--kind"),
    ],
)
def test_fixtures_that_cannot_be_made(bench, tmp_path, arguments, word):
    out = tmp_path / "made.json"
    refused(bench("fixtures", *arguments, "--out", out), word)
    assert not out.exists()


def test_fixtures_never_overwrite(bench, tmp_path):
    out = tmp_path / "kept.json"
    out.write_text("mine")
    refused(bench("fixtures", "--kind", "sessions", "--out", out), str(out), "exists")
    assert out.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nosuch",), ("'nosuch'", "`bench --help`")),
        (("--nosuch",), ("--nosuch", "`bench --help`")),
        (("list",), ("runs, fixtures", "`bench list --help`")),
        (("stages", "--phase", "hot"), ("--phase", "'hot'", "`bench stages --help`")),
        (("stages", "--profile", "x"), ("--profile", "'quick'")),
        (("stages", "--phas", "hot"), ("--phas", "--phase")),
        (("stages", "--seed", "-1"), ("--seed", "-1")),
        (("stages", "--seed", str(2**70)), ("--seed",)),
        (("run", "-p", "seed"), ("-p", "2 arguments")),
        (("lab", "--port", "80"), ("--port", "1024")),
        (("services", "--port", "x"), ("--port", "x")),
    ],
)
def test_usage_is_exit_2_too(bench, arguments, words):
    refused(bench(*arguments), *words)


def test_no_verb_is_answered_by_the_help(bench):
    code, out, err = bench()
    assert (code, out) == (2, "")
    assert "Commands:" in err


def test_a_full_disk_keeps_what_had_finished(bench, tmp_path, monkeypatch):
    with mounted(tmp_path / "disk", "size=512k") as disk:

        def measured(run, **_):
            with run.cell({"runtime": "cpython", "phase": "cold"}) as cell:
                cell.add([{"metric": "cpu", "unit": "ms", "value": 1.0}])
            fill(disk)
            with run.cell({"runtime": "cpython", "phase": "warm"}) as cell:
                cell.add([{"metric": "cpu", "unit": "ms", "value": 2.0}])

        monkeypatch.setattr(stages, "measure", measured)
        answer = bench("stages", "--json", "--out", disk / "run", "--quiet")
        refused(answer, "no space is left", "--out")
        assert (disk / "filler").stat().st_size > 0
        run = Run.open(disk / "run")
        assert run.samples()["value"].tolist() == [1.0]
        assert [c["state"] for c in run.manifest["cells"].values()] == ["finished"]
        assert [run.state for run in list_runs(disk)] == ["interrupted"]


def test_a_disk_that_refuses_to_sync_keeps_what_had_finished(
    bench, tmp_path, monkeypatch
):
    def measured(run, **_):
        with run.cell({"runtime": "cpython", "phase": "cold"}) as cell:
            cell.add([{"metric": "cpu", "unit": "ms", "value": 1.0}])

        def refuse(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("os.fsync", refuse)
        with run.cell({"runtime": "cpython", "phase": "warm"}) as cell:
            cell.add([{"metric": "cpu", "unit": "ms", "value": 2.0}])

    monkeypatch.setattr(stages, "measure", measured)
    out = tmp_path / "run"
    refused(bench("stages", "--out", out, "--quiet"), "no space is left", "--out")
    monkeypatch.undo()
    run = Run.open(out)
    assert run.samples()["value"].tolist() == [1.0]
    assert [c["state"] for c in run.manifest["cells"].values()] == ["finished"]


def test_errors_hold_no_number_of_json(bench, tmp_path):
    """--json prints a document or nothing: an error never looks like a result."""
    code, out, _ = bench("stages", "--json", "--transcript", tmp_path / "no.json")
    assert (code, out) == (2, "")
    code, out, _ = bench("list", "limits", "--json")
    assert code == 0
    assert json.loads(out)["rows"]


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("nosuch=1", "'nosuch' is no option of the path"),
        ("rerank=sideways", "'sideways' is not a variant"),
        ("top_k=many", "'many' is not a number"),
        ("rerank", "'' is not a variant"),
    ],
)
def test_an_option_of_the_path_is_refused_before_anything_is_made(bench, option, says):
    refused(bench("stages", "--option", option), says, "remedy")

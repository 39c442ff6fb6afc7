"""When a fork server may serve, when it ends, and what there is without one."""

from __future__ import annotations

import sys
import threading

import pytest

from bench.batch import notebooks
from bench.batch.parameters import START, measures, select
from bench.errors import BenchError
from bench.kernels import _folder, _key, client, compare, install, provisioner
from bench.kernels.server import Server

linux = pytest.mark.skipif(sys.platform != "linux", reason="forks need Linux")


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A private folder of the test's own, under a path too long for a socket's."""
    place = tmp_path / ("long" * 30) / "kernels"
    place.parent.mkdir()
    monkeypatch.setattr(_folder, "FOLDER", place)
    monkeypatch.setattr("bench.kernels.server.TICK_S", 0.02)
    return place


@linux
def test_a_server_whose_key_has_changed_stops(folder, monkeypatch):
    keys = ["first"]
    monkeypatch.setattr(_key, "key", lambda environment: keys[-1])
    server = Server("first")
    thread = threading.Thread(target=server.serve)
    thread.start()
    assert _folder.place("first") is not None
    keys.append("second")
    thread.join(30)
    assert not thread.is_alive()
    assert _folder.place("first") is None


@linux
def test_a_server_that_nobody_uses_stops(folder, monkeypatch):
    monkeypatch.setattr(_key, "key", lambda environment: "mine")
    monkeypatch.setattr("bench.kernels.server.IDLE_S", 0.0)
    assert Server("mine").serve() is None
    assert list(folder.iterdir()) == []


@linux
def test_a_server_whose_socket_is_gone_stops_and_leaves_its_successor(
    folder, monkeypatch
):
    monkeypatch.setattr(_key, "key", lambda environment: "mine")
    first = Server("mine")
    second = _folder.listen("mine")
    assert first.serve() is None
    assert _folder.place("mine") is not None
    second.close()


@linux
def test_the_key_is_of_code_lock_and_what_decides_how_a_process_starts(
    monkeypatch, tmp_path
):
    for name in ("bench", "fixtures", "worker/src"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "worker" / "schema.sql").touch()
    (tmp_path / "requirements.lock").write_text("one")
    monkeypatch.setattr(_key, "ROOT", tmp_path)
    keys = [_key.key({})]
    assert _key.key({"SECRET": "x", "PATH": "y"}) == keys[0]
    (tmp_path / "bench" / "new.py").write_text("x = 1")
    keys.append(_key.key({}))
    (tmp_path / "requirements.lock").write_text("two!")
    keys.append(_key.key({}))
    keys += [_key.key({name: "1"}) for name in ("PYTHONHASHSEED", "OMP_NUM_THREADS")]
    assert len(set(keys)) == len(keys)
    assert _key.early({"SECRET": "x", "TZ": "UTC"}) == {"TZ": "UTC"}


@linux
def test_a_folder_that_others_can_open_is_refused(folder):
    folder.mkdir(mode=0o755)
    with pytest.raises(PermissionError, match="not private"), _folder.opened():
        pass
    wanted = client.request("papermill", [], environment={})
    with pytest.raises(client.Unavailable, match="not private"):
        client.start(wanted)
    folder.rmdir()
    folder.symlink_to(folder.parent)
    with pytest.raises(OSError, match="kernels"), _folder.opened():
        pass


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_without_linux_nothing_is_forked(monkeypatch, platform):
    monkeypatch.setattr(client.sys, "platform", platform)
    with pytest.raises(client.Unavailable, match=platform):
        client.request("kernel", [], environment={})


def test_a_user_can_ask_for_ordinary_kernels(monkeypatch):
    monkeypatch.setenv(client.VARIABLE, client.PLAIN)
    with pytest.raises(client.Unavailable, match="plain"):
        client.request("kernel", [], environment={})


OURS = [sys.executable, "-m", "ipykernel_launcher", "-f", "x.json"]


@pytest.mark.parametrize(
    ("command", "options", "can"),
    [
        (OURS, {"env": {}, "cwd": "."}, True),
        ([*OURS, "--debug"], {"stdout": 2}, True),
        (["/another/python", *OURS[1:]], {}, False),
        ([sys.executable, "-m", "another_kernel"], {}, False),
        (OURS, {"independent": True}, False),
        (OURS, {"stdout": -1}, False),
        (OURS, {"preexec_fn": print}, False),
    ],
    ids=["ours", "options", "interpreter", "kernel", "independent", "pipe", "unknown"],
)
def test_only_a_kernel_that_would_be_the_same_is_forked(command, options, can):
    assert provisioner._can_fork(command, options) == can


def test_the_spec_is_ipykernels_with_who_starts_it():
    plain, ours = install.spec(forked=False), install.spec()
    named = ours["metadata"].pop("kernel_provisioner")
    assert named == {"provisioner_name": provisioner.NAME}
    assert ours == plain
    assert plain["argv"][0] == "python"


def test_notebooks_that_read_a_run_measure_nothing():
    measuring = [path.stem[:2] for path in notebooks() if measures(path, {})]
    assert measuring == ["01", "02", "03", "04"]
    for path in notebooks():
        assert not measures(path, {"run": "results/reference"})


def test_a_batch_leaves_the_start_out_unless_it_is_named():
    assert START not in [path.stem for path in select(None)]
    assert [path.stem for path in select([START])] == [START]


def test_ways_are_compared_by_time_and_by_what_cells_put_out(monkeypatch):
    times = {"papermill": 4.0}
    outputs = iter(range(100))

    def execute(command, notebook, output, count, given):
        forked = command[-2:] == ["bench.kernels", "papermill"]
        plain = given.get(client.VARIABLE) == client.PLAIN
        return (1.0 if forked else times["papermill"] if plain else 2.0), ["same"]

    monkeypatch.setattr(compare, "_execute", execute)
    monkeypatch.setattr("bench.machine.collect", lambda: {"host": "some-2c-000000"})
    found = compare.compare(3)
    assert [(way["way"], way["ratio"]) for way in found["ways"]] == [
        ("plain", 1.0), ("kernel", 2.0), ("both", 4.0),
    ]  # fmt: skip
    assert "both" in compare.text(found)
    assert "4.0 times as fast" in compare.text(found)
    monkeypatch.setattr(compare, "_execute", lambda *_: (1.0, [next(outputs)]))
    with pytest.raises(BenchError, match="something else"):
        compare.compare(1)


def test_the_environment_names_the_provisioner():
    from jupyter_client.provisioning.factory import KernelProvisionerFactory

    found = KernelProvisionerFactory.instance().get_provisioner_entries()
    assert found[provisioner.NAME] == "bench.kernels.provisioner:ForkProvisioner"

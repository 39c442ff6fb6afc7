"""workerd as a process: started, asked, measured from outside, ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from workerd_support import needs_workerd, scene_of

from bench.errors import BenchError
from bench.path.http import Request
from bench.workerd import process, project, tools
from bench.workerd.fleet import Fleet, secrets, variables, write
from bench.workerd.inspector import ARGUMENT, Inspector
from bench.workerd.process import Workerd, WorkerdError
from bench.workerd.threads import Threads

SLEEP = "import time; time.sleep(60)"
BURN = "import sys, time\nwhile time.process_time() < 0.3: pass\nprint(1, flush=True)\n"


@pytest.fixture(scope="module")
def scene(services, built):
    with scene_of(services, built) as staged:
        yield staged


@pytest.fixture(scope="module")
def fleet(scene):
    with Fleet(scene, ["whole", "measured"], trace=True, measured=False) as running:
        yield running


def test_a_request_costs_cpu_that_fits_into_its_wall_clock(fleet, scene):
    for name, request in scene.world.requests.items():
        cost, (status, _) = fleet.cost(0, request)
        assert status == scene.expected[name][0] or name == "consume"
        assert 50_000 < cost.cpu < 10 * cost.wall
        assert 0 < cost.locked < cost.wall
        assert sum(cost.operations.values()) == cost.locked


def test_the_trace_tells_what_resumed_the_isolate(fleet, scene):
    cost, _ = fleet.cost(0, scene.world.requests["chat"])
    assert {"kv_get", "fetch"} <= set(cost.operations)
    assert all(spent >= 0 for spent in cost.operations.values())


def test_isolates_of_one_process_are_told_apart(fleet, scene):
    request = scene.world.requests["chat"]
    ended = replace(request, headers={**request.headers, "x-cut": "0"})
    whole, empty = fleet.cost(1, request)[0], fleet.cost(1, ended)[0]
    assert empty.locked < whole.locked
    # The Worker as it is knows nothing of being ended early.
    assert fleet.ask(0, ended) == scene.expected["chat"]


def test_a_connection_that_has_rested_is_opened_again(fleet, scene, monkeypatch):
    request = scene.world.requests["chat"]
    assert fleet.ask(0, request) == scene.expected["chat"]
    connection, _ = fleet._workerd._connections["0"]
    # As workerd does with one that nobody uses for 5 s.
    connection.sock.shutdown(socket.SHUT_RDWR)
    with pytest.raises(WorkerdError, match="no answer"):
        fleet.ask(0, request)
    assert fleet.ask(0, request) == scene.expected["chat"]
    connection, _ = fleet._workerd._connections["0"]
    connection.sock.shutdown(socket.SHUT_RDWR)
    monkeypatch.setattr(process, "IDLE_S", 0.0)
    assert fleet.ask(0, request) == scene.expected["chat"]


def test_nothing_but_loopback_is_listened_on_or_spoken_to(fleet):
    connections = psutil.Process(fleet.pid).net_connections("inet")
    assert connections
    ends = {end.ip for c in connections for end in (c.laddr, c.raddr) if end}
    assert ends == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("number", "says"),
    [(signal.SIGKILL, "SIGKILL"), (signal.SIGSEGV, "Segmentation fault")],
)
def test_a_process_that_dies_says_how(scene, number, says):
    with Fleet(scene, ["whole"], measured=False) as running:
        os.kill(running.pid, number)
        with pytest.raises(WorkerdError, match=says) as caught:
            running.cost(0, scene.world.requests["chat"])
    assert str(tools.MODULES) not in str(caught.value)


def test_a_bad_configuration_is_an_error_with_workerd_s_own_words(scene, monkeypatch):
    bad = replace(project.load(tools.PROJECT), compatibility_date="3000-01-01")
    monkeypatch.setattr(project, "load", lambda folder: bad)
    broken = Fleet(scene, ["whole"], measured=False)
    with pytest.raises(WorkerdError, match="3000-01-01"):
        broken.ready()
    broken.close()


def test_secrets_and_options_arrive_whatever_is_in_them(scene, tmp_path):
    """Quotes, newlines, backslashes and any language: capnp text is not JSON quite."""
    strange = 'a"b\\c\nd\te $ { } é 語 🙂 \x7f'
    given = replace(scene.world.secrets, webhook_secret=strange)
    world = replace(scene.world, secrets=given)
    folder = write(replace(scene, world=world), ["whole"])
    text = (folder / "config.capnp").read_text()
    (folder / "worker.mjs").write_text(
        "export default { fetch: (r, env) => Response.json([env.WEBHOOK_SECRET]) }"
    )
    text = text.replace('embed "whole.mjs"', 'embed "worker.mjs"')
    (folder / "config.capnp").write_text(text)
    with Workerd(folder, measured=False) as running:
        running.ready(2)
        _, body = running.ask(0, Request("GET", "/", {}, b""))
    assert json.loads(body) == [strange]


def test_every_option_and_secret_has_a_name_in_the_worker(scene):
    declared = project.load(tools.PROJECT).variables
    assert set(variables(scene.world.options)) == set(declared)
    assert set(secrets(scene.world)) == {
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "WEBHOOK_SECRET",
    }


def test_the_inspector_answers_for_each_isolate(scene):
    with (
        Fleet(scene, ["whole"], arguments=[ARGUMENT], measured=False) as running,
        Inspector(running.inspector_port) as inspector,
    ):
        assert inspector.call("Runtime.getHeapUsage")["usedSize"] > 100_000
        with pytest.raises(BenchError, match="NoSuch"):
            inspector.call("NoSuch.method")
        with pytest.raises(BenchError, match="not 7"):
            Inspector(running.inspector_port, 7)


def test_workerd_ends_with_its_parent(tmp_path):
    needs_workerd()
    if sys.platform != "linux":
        pytest.skip("needs a signal at the parent's death, which Linux has")
    worker = "export default { fetch: () => new Response('') }"
    (tmp_path / "w.mjs").write_text(worker)
    (tmp_path / "config.capnp").write_text(
        'using Workerd = import "/workerd/workerd.capnp";\n'
        'const config :Workerd.Config = (services = [(name = "0", worker = .w)], '
        'sockets = [(name = "0", address = "127.0.0.1:0", http = (), service = "0")]);'
        '\nconst w :Workerd.Worker = (compatibilityDate = "2026-01-01", '
        'modules = [(name = "w", esModule = embed "w.mjs")]);\n'
    )
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from bench.workerd.process import Workerd\n"
        "w = Workerd(Path(sys.argv[1]), measured=False)\nw.ready(1)\n"
        "print(w.pid, flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert child.wait(10) is None or not child.is_running()


def test_threads_count_what_was_burnt_and_wait_until_it_sleeps():
    code = BURN + "sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        threads = Threads(child.pid)
        child.stdout.readline()
        settled = threads.settled()
        assert settled.cpu > 300_000_000
        time.sleep(0.02)
        assert threads.now().cpu == settled.cpu
        child.stdin.close()
        child.wait()
    with pytest.raises(ProcessLookupError):
        threads.settled()

"""The process of the services: ports, CPUs, its end, and the handle on it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import numpy as np
import psutil
import pytest

from bench.errors import BenchError, UserError
from bench.services import Services, start

DEADLINE_S = 20.0


@pytest.fixture
def taken():
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    numbers = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return numbers


def gone(pid):
    if not psutil.pid_exists(pid):
        return True
    return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def wait_until(condition):
    limit = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_a_port_in_use_is_the_users_error(taken):
    with pytest.raises(UserError, match=str(taken)) as caught:
        start(ports={"kv": taken})
    assert caught.value.exit_code == 2
    assert "for kv" in str(caught.value)
    assert caught.value.field == "ports"
    assert caught.value.remedy
    with pytest.raises(UserError, match=str(taken)):
        start(ports=taken)


@pytest.mark.parametrize(
    ("ports", "text"),
    [({"nope": 1}, "no service 'nope'"), ({"kv": 70_000}, "70000"), (65_530, "65536")],
)
def test_ports_that_cannot_be(ports, text):
    with pytest.raises(UserError, match=text):
        start(ports=ports)


def test_ports_can_be_chosen_and_used_again_at_once():
    kv, control = free_ports(2)
    for _ in range(2):
        with start(ports={"kv": kv, "control": control}) as services:
            assert services.endpoints["kv"] == f"http://127.0.0.1:{kv}"
            assert httpx.get(services.endpoints["kv"] + "/x").status_code == 404


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can pin here")
def test_the_process_is_pinned():
    cpu = min(os.sched_getaffinity(0))
    with start(cpus={cpu}) as services:
        assert services.cpus == {cpu}
        assert psutil.Process(services.pid).cpu_affinity() == [cpu]
    with pytest.raises(UserError, match="CPU 999") as caught:
        start(cpus={999})
    assert str(cpu) in caught.value.remedy


def test_stop_ends_the_process_and_can_be_repeated():
    services = start()
    services.stop()
    services.stop()
    assert gone(services.pid)
    with pytest.raises(BenchError, match="exit code 0"):
        services.stats()


PARENT = """
import os, sys, time
from bench.services import start
services = start()
if sys.argv[1] == "fork" and os.fork() == 0:
    time.sleep(60)  # keeps the pipe to the services open
print(services.pid, os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["alone", "fork"])
def test_the_process_dies_with_a_parent_that_is_killed(how):
    if how == "fork" and sys.platform != "linux":
        pytest.skip("only Linux tells a process of its parent's end")
    parent = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PARENT, how],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        child = int(parent.stdout.readline().split()[0])
        assert not gone(child)
        parent.kill()
        parent.wait()
        wait_until(lambda: gone(child))
    finally:
        parent.stdout.close()
        os.killpg(parent.pid, signal.SIGKILL) if how == "fork" else None
        parent.wait()


def test_the_process_outlives_the_thread_that_started_it():
    started: list[Services] = []
    thread = threading.Thread(target=lambda: started.append(start()))
    thread.start()
    thread.join()
    (services,) = started
    with services:
        for _ in range(20):
            assert services.stats()["kv"]["requests"] == 0


def test_an_interrupt_is_left_to_the_parent():
    with start() as services:
        os.kill(services.pid, signal.SIGINT)
        assert services.stats()["kv"]["requests"] == 0


def test_any_working_folder_will_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with start() as services:
        assert services.dump("kv") == {}
    assert list(tmp_path.iterdir()) == []


def test_numpy_arrays_can_be_put():
    with start() as services:
        values = np.linspace(0, 1, 1536, dtype=np.float32)
        services.put("vectorize", {"vectors": [{"id": "a", "values": values}]})
        (item,) = services.dump("vectorize")
        assert item["values"] == [float(value) for value in values]
        with pytest.raises(UserError, match="complex"):
            services.put("kv", {"k": 1j})
        with pytest.raises(UserError, match="cannot take"):
            services.take("kv")


def test_two_sets_of_services_share_nothing():
    with start() as one, start() as two:
        one.put("kv", {"k": "v"})
        assert two.dump("kv") == {}
        assert not set(one.endpoints.values()) & set(two.endpoints.values())

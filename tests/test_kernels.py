"""Kernels by fork: what an ordinary kernel is, and nobody else's."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import psutil
import pytest
from jupyter_client import KernelManager
from kernel_support import environment, gone, kernel, parent, specs, wait_for
from nbformat import v4

from bench.batch import run_batch
from bench.kernels import client, install
from bench.paths import ROOT
from bench.progress import Progress
from bench.store import Run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks need Linux")

# All that code in a kernel can tell of the process that it runs in, and of its child.
FACTS = """
import json, os, signal, subprocess, sys
import matplotlib
child = '''
import json, os, signal
lines = open("/proc/self/status").read().splitlines()
told = ("Umask", "Sig", "Cap", "Cpus_allowed", "NoNewPrivs", "Seccomp", "THP")
print(json.dumps([
    [line for line in lines if line.startswith(told) and not line.startswith("SigQ")],
    open("/proc/self/limits").read(), open("/proc/self/personality").read(),
    open("/proc/self/cgroup").read(), open("/proc/self/oom_score_adj").read(),
    os.listdir("/proc/self/fd"), dict(os.environ), os.getcwd(), os.nice(0),
    os.sched_getscheduler(0),
]))'''
print(json.dumps({
    "child": json.loads(subprocess.check_output([sys.executable, "-c", child])),
    "path": sys.path, "argv": sys.argv[:2], "flags": repr(sys.flags),
    "executable": sys.executable, "cwd": os.getcwd(), "environ": dict(os.environ),
    "signals": [repr(signal.getsignal(s)).split(" at ")[0] for s in signal.Signals],
    "leader": os.getsid(0) == os.getpid() == os.getpgrp(),
    "backend": matplotlib.get_backend(), "encoding": [sys.stdout.encoding,
    sys.getfilesystemencoding()], "main": sys.modules["__main__"].__name__,
    "hash": sys.flags.hash_randomization,
    "stdin": os.readlink("/proc/self/fd/0").partition(":")[0] in ("pipe", "/dev/null"),
}))
"""
CELLS = (
    "print('text'); 1 + 1",
    "import pandas as pd\npd.DataFrame({'x': [1, 2], 'y': ['a', None]})",
    "import matplotlib.pyplot as plt\n_ = plt.plot([1, 3, 2])",
    "import os; _ = os.system('echo from a child')",
    "import sys; print('to stderr', file=sys.stderr)",
    "%config InlineBackend.figure_format",
    "1 / 0",
    "undefined",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder, with the variables that give its tests a server of their own."""
    folder = tmp_path_factory.mktemp("kernels")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(client.VARIABLE, raising=False)
        for name, value in environment(folder).items():
            patch.setenv(name, value)
        yield folder
        pid = client.server(os.environ)
        if pid is not None:
            os.kill(pid, signal.SIGTERM)


@pytest.fixture(scope="module")
def manager(place):
    return specs(place / "specs")


@pytest.fixture(scope="module")
def server(place):
    """The process of the server, which several callers wanted to start at once."""
    started = []

    def start():
        with Path(os.devnull).open("r+b") as nothing:
            streams = [nothing.fileno()] * 3
            wanted = client.request("papermill", ["--version"], environment=os.environ)
            started.append(client.start(wanted, streams).wait(60))

    callers = [threading.Thread(target=start) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert started == [0, 0, 0]
    found = client.server(os.environ)
    name = psutil.Process(found).cmdline()[-1]
    named = {
        process.pid: process.info["ppid"]
        for process in psutil.process_iter(["cmdline", "ppid"])
        if name in (process.info["cmdline"] or ())
    }
    # Asking for the server has made it fork, and that fork may not have ended yet.
    assert [pid for pid, above in named.items() if above != found] == [found]
    return found


def test_callers_that_race_start_one_server(server):
    assert psutil.Process(server).num_fds() < 10


def test_a_cell_puts_out_what_it_does_in_an_ordinary_kernel(server, manager):
    told = []
    for name in ("plain", "forked"):
        with kernel(manager, name) as started:
            told.append([started.run(code) for code in CELLS])
            assert (parent(started.pid) == server) == (name == "forked")
    plain, forked = told
    for code, ours, theirs in zip(CELLS, forked, plain, strict=True):
        assert json.dumps(ours) == json.dumps(theirs), code
    assert any("image/png" in content["data"] for _, content in forked[2])


def test_a_kernel_listens_when_it_has_started(server, manager):
    started = KernelManager(kernel_name="forked", kernel_spec_manager=manager)
    started.start_kernel()
    try:
        socket.create_connection((started.ip, started.hb_port)).close()
    finally:
        started.shutdown_kernel(now=True)


def test_that_a_kernel_has_ended_is_seen_before_its_exit_code_is_taken(server, manager):
    with kernel(manager) as started:
        forked = started.manager.provisioner.process
        assert not forked.ended(0)
        started.manager.request_shutdown()
        assert forked.ended(60)
        assert forked.returncode is None
        assert forked.wait(60) == 0


@pytest.fixture
def unusual():
    """The test's own process with limits and masks that a server does not have."""
    cores, mask = os.sched_getaffinity(0), os.umask(0o027)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.sched_setaffinity(0, {min(cores)})
    resource.setrlimit(resource.RLIMIT_NOFILE, (777, limit[1]))
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    os.sched_setaffinity(0, cores)
    os.umask(mask)


def test_a_kernel_and_its_child_have_what_an_ordinary_one_has(
    server, manager, unusual, tmp_path
):
    told = {}
    for name in ("plain", "forked"):
        given = os.environ | {"TOKEN": "of this caller"}
        with kernel(manager, name, cwd=str(tmp_path), env=given) as started:
            told[name] = json.loads(started.text(FACTS))
    assert told["forked"] == told["plain"]
    child = json.dumps(told["forked"]["child"])
    assert "Umask:\\t0027" in child
    assert "777" in child
    assert "of this caller" in child
    assert "PYTHONHASHSEED" not in child


def test_kernels_are_processes_of_their_own(server, manager):
    code = "import os, random, numpy; print(os.getpid(), random.random(), "
    code += "numpy.random.random())"
    with kernel(manager) as first, kernel(manager) as second:
        told = [each.text(code).split() for each in (first, second)]
        assert all(one != other for one, other in zip(*told, strict=True))
        assert [pid for pid, *_ in told] == [str(first.pid), str(second.pid)]
        first.client.execute("import os; os._exit(7)")
        wait_for(lambda: not first.manager.is_alive())
        assert second.text("print('unharmed')") == "unharmed\n"
        assert first.manager.provisioner.process.returncode == 7


def test_an_interrupt_ends_a_cell_and_not_the_kernel(server, manager):
    with kernel(manager) as started:

        def interrupt(kind, content):
            if kind == "stream":
                started.manager.interrupt_kernel()

        [_, (kind, error)] = started.run(
            "import time; print('begun', flush=True); time.sleep(60)", interrupt
        )
        assert (kind, error["ename"]) == ("error", "KeyboardInterrupt")
        assert started.text("print('on')") == "on\n"
        started.manager.restart_kernel(now=True)
        started.client.wait_for_ready(timeout=60)
        assert parent(started.pid) == server


def test_nothing_of_one_callers_environment_reaches_another(server, manager):
    look = "import os; print([k for k in os.environ if 'SECRET' in k])\n"
    look += "print(b'SECRET' in open(f'/proc/{os.getpid()}/environ', 'rb').read())"
    secret = os.environ | {"SECRET_OF_MINE": "x"}
    with kernel(manager, env=secret) as one, kernel(manager) as other:
        assert one.text(look) == "['SECRET_OF_MINE']\nFalse\n"
        assert other.text(look) == "[]\nFalse\n"
    assert not any("SECRET" in name for name in psutil.Process(server).environ())


CALLER = """
import os, sys
sys.path.insert(0, "tests")
from pathlib import Path
from kernel_support import Kernel, specs
started = Kernel(specs(Path(sys.argv[1])), "forked")
print(started.pid, flush=True)
sys.stdin.read()
"""


def test_a_kernel_ends_with_the_process_that_started_it(server, tmp_path):
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with caller:
        pid = int(caller.stdout.readline())
        assert parent(pid) == server
        caller.kill()
        wait_for(lambda: gone(pid))


def write(path, *cells):
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = v4.new_notebook(
        metadata={"kernelspec": spec},
        cells=[
            v4.new_code_cell(
                'run: str = ""  # what is read\nseed: int = 1  # of nothing',
                metadata={"tags": ["parameters"]},
            ),
            *map(v4.new_code_cell, cells),
        ],
    )
    nbformat.write(book, path)


def test_papermill_is_forked_with_its_options_and_its_exit_code(server, tmp_path):
    install.write(tmp_path / "kernels" / "python3")
    given = os.environ | {
        "JUPYTER_DATA_DIR": str(tmp_path),
        "JUPYTER_PREFER_ENV_PATH": "0",
    }
    write(tmp_path / "good.ipynb", "print(run)", "import os; print(os.getppid())")
    write(tmp_path / "bad.ipynb", "1 / 0")

    def papermill(name, *options):
        command = [sys.executable, "-m", "bench.kernels", "papermill"]
        return subprocess.run(
            [*command, f"{name}.ipynb", f"{name}-out.ipynb", *options],
            cwd=tmp_path,
            env=given,
            capture_output=True,
            text=True,
            check=False,
        )

    assert papermill("good", "-p", "run", "this").returncode == 0
    cells = nbformat.read(tmp_path / "good-out.ipynb", as_version=4).cells
    assert [cell.outputs[0].text for cell in cells[2:]] == ["this\n", f"{server}\n"]
    failed = papermill("bad")
    assert failed.returncode == 1
    assert "ZeroDivisionError" in failed.stderr
    assert "no such option" in papermill("good", "--nosuch").stderr.lower()


def test_a_batch_forks_what_measures_nothing(server, tmp_path):
    write(tmp_path / "reads.ipynb", "import os; print(os.getppid(), os.getcwd())")
    described = {"argv": [], "seed": 1, "profile": "none", "parameters": {}}
    with (
        Run.create(tmp_path / "run", fixtures={}, **described) as run,
        Progress(quiet=True) as progress,
    ):
        [result] = run_batch(run, {}, progress=progress, folder=tmp_path)
        assert (result.status, result.error) == ("ok", None)
        book = nbformat.read(run.path / result.output, as_version=4)
    assert book.cells[1].outputs[0].text == f"{server} .\n"


def test_a_server_that_is_killed_takes_no_kernel_along_and_is_replaced(server, manager):
    with kernel(manager) as before:
        os.kill(server, signal.SIGKILL)
        wait_for(lambda: gone(server))
        assert before.text("print('on')") == "on\n"
        with kernel(manager) as after:
            assert after.text("print('new')") == "new\n"
            assert parent(after.pid) == client.server(os.environ) != server
        before.client.execute("import os; os._exit(7)")
        wait_for(lambda: not before.manager.is_alive())

"""Kernels for tests: of both specs, in an environment that has a server of its own."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress

import psutil
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager

from bench.kernels import install
from bench.paths import ROOT


def environment(folder):
    """Variables with which a batch, and all else in a test, is served by one server.

    The folder for temporary files is among what decides which server that is.
    """
    return {
        "TMPDIR": str(folder),
        "MPLCONFIGDIR": str(ROOT / ".cache" / "matplotlib"),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }


def specs(folder):
    """A manager that knows the kernels ``forked`` and ``plain``."""
    install.write(folder / "forked")
    install.write(folder / "plain", forked=False)
    return KernelSpecManager(kernel_dirs=[str(folder)], ensure_native_kernel=False)


class Kernel:
    """A running kernel."""

    def __init__(self, manager, name, **options):
        self.manager = KernelManager(kernel_name=name, kernel_spec_manager=manager)
        self.manager.start_kernel(**options)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code, seen=None):
        """What a cell puts out, as messages; ``seen`` is called with each."""
        outputs = []

        def keep(message):
            kind, content = message["msg_type"], message["content"]
            if kind in {"stream", "display_data", "execute_result", "error"}:
                outputs.append((kind, content))
            if seen is not None:
                seen(kind, content)

        self.client.execute_interactive(code, output_hook=keep, timeout=60)
        return outputs

    def text(self, code):
        """What a cell prints."""
        return "".join(content["text"] for _, content in self.run(code))

    @property
    def pid(self):
        return self.manager.provisioner.pid

    def end(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@contextmanager
def kernel(manager, name="forked", **options):
    """A kernel that is ended."""
    started = Kernel(manager, name, **options)
    try:
        yield started
    finally:
        started.end()


def wait_for(condition, seconds=60):
    """Return once ``condition`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def gone(pid):
    """Whether a process has ended."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def parent(pid):
    return psutil.Process(pid).ppid()

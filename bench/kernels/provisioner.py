"""What Jupyter asks for a kernel: a fork of the warm server, or a usual process.

The kernel spec names it as ``workbench-fork`` (``bench.kernels.install``), so that
papermill, nbclient and JupyterLab use it without knowing. All that it does not do
itself it leaves to jupyter_client's own provisioner: ports, connection file, and every
kernel that the server cannot fork.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from bench.kernels import client

NAME = "workbench-fork"
_LAUNCHER = ["-m", "ipykernel_launcher"]
_STREAMS = ("stdin", "stdout", "stderr")
_KNOWN = {"env", "cwd", "kernel_id", "extra_arguments", "independent", *_STREAMS}


class ForkProvisioner(LocalProvisioner):
    """Starts kernels by fork; how they are watched and ended is inherited."""

    async def launch_kernel(
        self, cmd: list[str], **kwargs: Any
    ) -> KernelConnectionInfo:
        """Start the kernel of ``cmd`` and return how to connect to it."""
        forked = await self._forked(cmd, kwargs)
        if forked is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process = forked  # type: ignore[assignment]
        # A fork is the leader of its session, and so of its process group.
        self.pid = self.pgid = forked.pid
        self.cwd = kwargs.get("cwd") or Path.cwd()
        return self.connection_info

    async def _forked(
        self, cmd: list[str], kwargs: dict[str, Any]
    ) -> client.Forked | None:
        """The kernel, None where it must be started in the usual way."""
        if not _can_fork(cmd, kwargs):
            return None
        environment = kwargs["env"] | {"JPY_PARENT_PID": str(os.getpid())}
        cwd = kwargs.get("cwd") or "."
        with Path(os.devnull).open("rb") as nothing:
            usual = (nothing.fileno(), 1, 2)
            streams = [
                _number(kwargs.get(name), number)
                for name, number in zip(_STREAMS, usual, strict=True)
            ]
            try:
                wanted = client.request(
                    "kernel", cmd[3:], environment=environment, cwd=cwd
                )
                # Where the server has to be started, that takes as long as a kernel.
                return await asyncio.to_thread(client.start, wanted, streams)
            except OSError as error:
                self.log.debug("no fork for this kernel: %s", error)
                return None


def _can_fork(cmd: list[str], kwargs: dict[str, Any]) -> bool:
    """Whether a fork would be the same kernel: our interpreter, nothing unusual."""
    return (
        cmd[:3] == [sys.executable, *_LAUNCHER]
        and set(kwargs) <= _KNOWN
        and not kwargs.get("independent")
        # PIPE and its like are wishes that only Popen can fulfil.
        and all(_number(kwargs.get(name), 0) >= 0 for name in _STREAMS)
    )


def _number(stream: Any, usual: int) -> int:
    if stream is None:
        return usual
    return int(stream.fileno() if hasattr(stream, "fileno") else stream)

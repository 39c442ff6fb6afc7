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
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from bench.kernels import client

NAME = "workbench-fork"
_LAUNCHER = ["-m", "ipykernel_launcher"]
_STREAMS = ("stdin", "stdout", "stderr")
# jupyter_client looks every 100 ms whether a kernel has ended.
_LOOK_S = 0.1
# A fork listens after some 60 ms.
_LISTEN_S, _TRY_S = 5.0, 0.005
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
        await self._listening(forked)
        return self.connection_info

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Come back as soon as the kernel has ended, or has taken as long as a look.

        The manager looks at once after this and then every 100 ms, and a fork ends
        sooner than that.
        """
        process: Any = self.process
        if isinstance(process, client.Forked):
            await asyncio.to_thread(process.ended, _LOOK_S)

    async def _listening(self, forked: client.Forked) -> None:
        """Come back when the kernel listens, or has ended, or after some seconds.

        A client that connects before finds the port closed, and ZeroMQ lets it wait
        100 ms and more before it tries again. Of the kernel's ports the heartbeat's is
        the last.
        """
        info = self.connection_info
        if info.get("transport") != "tcp":
            return
        for _ in range(round(_LISTEN_S / _TRY_S)):
            with suppress(OSError):
                _, writer = await asyncio.open_connection(info["ip"], info["hb_port"])
                writer.close()
                return
            if forked.ended(0):
                return
            await asyncio.sleep(_TRY_S)

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

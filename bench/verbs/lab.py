"""``bench lab``: open JupyterLab on this folder, token on, loopback only."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import click

from bench.errors import UserError, writing
from bench.files import write_whole
from bench.verbs import _options, _output

_DEFAULTS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    }
}


@click.command("lab")
@click.option(
    "--port",
    type=click.IntRange(1024, 65535),
    default=8888,
    show_default=True,
    help="Port of 127.0.0.1 to listen on.",
)
@click.option("--no-browser", is_flag=True, help="Print the address only.")
@_options.common
def command(
    port: int,
    no_browser: bool,
    as_json: bool,
    out: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Open JupyterLab with its token on."""
    root = Path(__file__).parents[2]
    _refuse_taken(port)
    arguments = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root}",
        "--LabApp.default_url=/lab/tree/notebooks/00_start.ipynb",
        f"--LabApp.app_settings_dir={_defaults(root)}",
        # Without these it asks servers on the network for news and for extensions.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # In a container there is often only root; the token and loopback still hold.
        arguments.append("--allow-root")
    if no_browser or not sys.stdout.isatty():
        arguments.append("--ServerApp.open_browser=False")
    if quiet:
        # The address with its token is shown all the same.
        arguments.append("--ServerApp.log_level=WARN")
    _output.emit({"url": f"http://127.0.0.1:{port}/lab"}, as_json=as_json, out=out)
    os.execv(sys.executable, arguments)  # noqa: S606 - the user asked for this server


def _defaults(root: Path) -> Path:
    """A folder with the defaults that keep JupyterLab from offering its news."""
    import orjson

    folder = root / ".cache" / "jupyter" / "lab" / "defaults"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "overrides.json", orjson.dumps(_DEFAULTS))
    return folder


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UserError(
                f"port {port} is in use",
                field="--port",
                remedy=f"name another, such as --port {port + 1}",
            ) from error

"""``bench services``: serve the loopback services for exploration by hand."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from bench.verbs import _options, _output


@click.command("services")
@click.option(
    "--port",
    type=click.IntRange(1024, 65000),
    help="First of consecutive ports; free ones are taken by default.",
)
@_options.common
def command(
    port: int | None, as_json: bool, out: Path | None, seed: int, quiet: bool
) -> None:
    """Serve KV, D1, Vectorize, R2, Queue and the models on loopback until Ctrl-C."""
    from bench import services

    with services.start(seed=seed, ports=port) as running:
        # The last serves all of them by the host that a request names.
        endpoints = running.endpoints | {"outbound": running.outbound}
        if not _output.emit({"endpoints": endpoints}, as_json=as_json, out=out):
            _output.emit_table(("service", "url"), list(endpoints.items()))
        if not quiet:
            _output.note("serving; Ctrl-C ends it")
        signal.pause()

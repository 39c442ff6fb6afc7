"""``bench doctor``: what is wrong with this machine."""

from __future__ import annotations

from pathlib import Path

import click

from bench.errors import GateViolatedError
from bench.verbs import _options, _output


@click.command("doctor")
@click.option("--strict", is_flag=True, help="Exit with 5 when a check fails.")
@_options.common
def command(
    strict: bool, as_json: bool, out: Path | None, seed: int, quiet: bool
) -> None:
    """Say what is wrong with this machine, and what to type."""
    from bench import doctor, machine

    checks = doctor.doctor()
    if as_json:
        facts = machine.collect()
        _output.emit_json({"schema": 1, "machine": facts, "checks": checks})
    else:
        for check in checks:
            mark = "ok  " if check["ok"] else "BAD "
            click.echo(f"{mark} {check['check']}: {check['detail']}")
            if not check["ok"]:
                click.echo(f"     remedy: {check['remedy']}")
    failed = [check["check"] for check in checks if not check["ok"]]
    if strict and failed:
        raise GateViolatedError(f"checks that failed: {', '.join(failed)}")

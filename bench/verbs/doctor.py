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
    from bench import doctor

    checks = doctor.doctor()
    if not _output.emit({"checks": checks}, as_json=as_json, out=out):
        for check in checks:
            mark = "ok  " if check["ok"] else "BAD "
            _output.say(f"{mark} {check['check']}: {check['detail']}")
            if not check["ok"]:
                _output.say(f"     remedy: {check['remedy']}")
    failed = [check["check"] for check in checks if not check["ok"]]
    if strict and failed:
        raise GateViolatedError(f"checks that failed: {', '.join(failed)}")

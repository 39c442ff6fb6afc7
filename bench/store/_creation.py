"""A new run directory: it appears complete or not at all.

Everything that can be wrong with the place is found before anything is measured, and a
folder that exists is never touched, whatever it holds.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from bench.errors import UserError, writing
from bench.files import check_free, write_whole
from bench.paths import ROOT, private_values
from bench.store import _manifest, _samples
from bench.store._holding import Holding

RESULTS = ROOT / "results"
MACHINE = "machine.json"
ERRORS = "errors.jsonl"
FOLDERS = ("profiles", "figures", "notebooks")
_NAME = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{6}")


def create(
    out: Path | None,
    *,
    argv: list[str],
    seed: int,
    profile: str,
    parameters: dict[str, Any],
    fixtures: dict[str, str],
    program: str,
) -> tuple[Path, Holding]:
    """Make the folder of a run and hold it; see ``bench.store.Run.create``."""
    from bench import machine

    now = datetime.now(UTC)
    name = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    if out is None:
        with writing(RESULTS):
            RESULTS.mkdir(exist_ok=True)
    path = RESULTS / name if out is None else out.absolute()
    check_free(path)
    facts = machine.collect()
    manifest: _manifest.Manifest = {
        "schema": _manifest.SCHEMA,
        "run": name,
        "created": now.isoformat(timespec="seconds"),
        "after": _after(path.parent, name),
        "finished": None,
        "status": _manifest.UNFINISHED,
        "command": shlex.join([program, *private_values(argv)]),
        "argv": private_values(argv),
        "seed": seed,
        "profile": profile,
        "parameters": private_values(parameters),
        "host": facts["host"],
        **_manifest.provenance(),
        "fixtures": fixtures,
        "bytes": {_samples.LINES: 0, ERRORS: 0},
        "order": [],
        "cells": {},
        "notebooks": {},
    }
    return path, _appear(path, manifest, facts)


def _after(folder: Path, name: str) -> str | None:
    """When the latest run in ``folder`` was made, where the clock has been set back
    since; None where it has not.

    Names of runs begin with their time, so that one manifest is read at most.
    """
    try:
        matches = [_NAME.match(each) for each in os.listdir(folder)]  # noqa: PTH208
        found = {match[1]: match.string for match in matches if match}
        if not found or max(found) <= name:
            return None
        manifest = _manifest.read(folder / found[max(found)])
        return str(manifest.get("after") or manifest["created"])
    # A folder that may not be listed, a run that cannot be read: nothing is known.
    except (OSError, UserError, KeyError):
        return None


def _appear(path: Path, manifest: _manifest.Manifest, facts: dict[str, Any]) -> Holding:
    """Build the folder beside its place, hold it, and rename it there."""
    with writing(path):
        hidden = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            hidden.chmod(0o755)
            for folder in FOLDERS:
                (hidden / folder).mkdir()
            (hidden / ERRORS).touch()
            indented = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
            write_whole(hidden / MACHINE, orjson.dumps(facts, option=indented))
            _manifest.write(hidden, manifest)
            holding = Holding.take(hidden)
            hidden.rename(path)
        except BaseException:
            shutil.rmtree(hidden, ignore_errors=True)
            raise
    return holding

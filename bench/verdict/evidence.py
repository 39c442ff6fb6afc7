"""What a verdict rests on: names of rows in the samples of a run, and the run itself.

An id is ``runtime/phase/invocation/stage/variant/fixture`` with missing parts empty.
It names the raw rows of one thing that was measured, in whatever cells they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from bench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from bench.store import Run

PARTS = ("runtime", "phase", "invocation", "stage", "variant", "fixture")
REFERENCE = "reference"


def ident(row: Mapping[str, Any]) -> str:
    """The id of a row of samples; a slash inside a part becomes ``%2F``."""
    parts = (str(row.get(name) or "") for name in PARTS)
    return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)


def first_ident(rows: pd.DataFrame) -> str:
    """The id of the first of ``rows``."""
    return ident({name: rows[name].iloc[0] for name in PARTS})


def parts(found: str) -> dict[str, str]:
    """The parts of an id by name. Raises ValueError for text that is not one."""
    values = found.split("/")
    if len(values) != len(PARTS):
        raise ValueError(f"{found!r} is not {'/'.join(PARTS)}")
    plain = (value.replace("%2F", "/").replace("%25", "%") for value in values)
    return dict(zip(PARTS, plain, strict=True))


def find(samples: pd.DataFrame, found: str) -> pd.DataFrame:
    """The rows of ``samples`` that an id names; none where it leads nowhere."""
    import pandas as pd

    wanted = pd.Series(data=True, index=samples.index)
    for name, value in parts(found).items():
        wanted &= samples[name].fillna("").astype(str) == value
    return samples[wanted]


def chosen(path: Path | None, wanted: str = "workload") -> Run:
    """The run to read: ``path``, else the latest finished one in ``results/`` that has
    cells of ``wanted``, any at all where that is blank, else the reference run.

    Raises UserError where ``path`` is no run, or there is none at all.
    """
    from bench.store import Run, _creation, list_runs

    if path is not None:
        return Run.open(path)
    results = _creation.RESULTS
    for run in reversed(list_runs(results)):
        folder = results / run.folder
        if run.state != "finished" or run.folder == REFERENCE:
            continue
        if _has(folder, wanted) if wanted else run.cells_finished:
            return Run.open(folder)
    if not (results / REFERENCE).is_dir():
        raise UserError(
            f"no finished run has a {wanted or 'cell'}",
            file=results,
            remedy="measure one with `bench run`",
        )
    return Run.open(results / REFERENCE)


def _has(folder: Path, wanted: str) -> bool:
    # A listing has no keys of cells, and a manifest that it could read is readable.
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    return any(
        wanted in cell["key"] and cell["state"] == "finished"
        for cell in manifest["cells"].values()
    )

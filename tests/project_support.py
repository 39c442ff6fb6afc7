"""What the tests of somebody's own Worker share: a project on the disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from workload_support import FREE, new_run

from bench.measure import project as measured
from bench.measure.sizes import PhaseSize
from bench.measure.turns import Pace
from bench.project import _bundle, requests
from bench.project._bundle import Bundle, Module
from bench.project.subjects import WarmUp
from bench.store import Run
from bench.workerd.bundle import Size

DATE = "2026-11-01"
HELLO = 'export default { fetch() { return new Response("hello"); } };\n'
# What stands for < and > in a name that is shown.
LEFT = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"
RIGHT = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
SECRET = "sk-never-to-be-seen-123"


def needs_wrangler() -> None:
    """Skip, saying why, where nothing can be bundled or run."""
    reason = _bundle.unavailable()
    if reason is not None:
        pytest.skip(reason)


def project(folder: Path, config: dict[str, Any] | None = None, source=HELLO) -> Path:
    """A project with ``config`` added to the least that one needs."""
    folder.mkdir(exist_ok=True)
    whole = {"name": "mine", "main": "index.js", "compatibility_date": DATE}
    whole |= config or {}
    (folder / "wrangler.json").write_text(json.dumps(whole))
    (folder / "index.js").write_text(source)
    return folder


def error_of(raised) -> str:
    """The whole text of an error, which must not lose its remedy."""
    text = str(raised.value)
    assert "remedy: " in text
    return text


TINY = measured.Size(
    cold=PhaseSize(0, 1e-9, 2),
    warm=PhaseSize(0, 1e-9, 2, Pace(rounds=2, seconds=1, warm_seconds=0.0, least=1)),
    warm_up=WarmUp(4, 1.0),
    profile_seconds=0.4,
)


class Heard:
    """A reporter that remembers."""

    def __init__(self):
        self.said = []

    def step(self, label):
        self.said.append(label)


@pytest.fixture
def as_it_is(monkeypatch):
    """A Worker of one module needs no bundling, which takes seconds."""
    needs_wrangler()

    def bundle(own, _):
        return Bundle([Module("index.js", "esModule", own.main)], None, Size(1, 1))

    monkeypatch.setattr(_bundle, "build", bundle)


def mix_of(*asked):
    """The mix of these requests."""
    return requests.mix(list(asked), {}, {"format": "test"}, 1)


def measure(path, own, mix, *, resumes=False, **more):
    """A tiny measurement in a new run, or in one that was begun before."""
    heard = Heard()
    given = {"seeds": {}, "outbound": None, "profile": "quick", "limits": FREE}
    with Run.resume(path) if resumes else new_run(path) as run:
        document = measured.measure(
            run, project=own, mix=mix, seed=1, progress=heard, size=TINY,
            **given | more,
        )  # fmt: skip
    return document, heard, run

"""The figures of a run as its page shows them, with the caption of its document."""

from __future__ import annotations

import base64
from typing import Any

from bench.figures import caption, load, source
from bench.report._run import Picture, RunFolder

_MIME = {".svg": "image/svg+xml", ".png": "image/png"}
_FIRST = (
    "budget", "stages", "article", "warming", "ecdf", "run_order", "parsers_ratios",
    "parsers_cost", "parsers_correctness", "rerank_options", "rerank_map",
    "rerank_ratios", "rerank_scaling", "matrix", "workloads", "remedies", "claims",
    "capacity_curve", "capacity_limits", "capacity_hours", "capacity_tornado",
)  # fmt: skip


def figures(run: RunFolder) -> list[dict[str, Any]]:
    """Title, picture as data, words, caption and link of each figure of the run."""
    return [_figure(run, picture) for picture in _sorted(run.pictures)]


def _sorted(pictures: list[Picture]) -> list[Picture]:
    def place(picture: Picture) -> int:
        known = picture.name in _FIRST
        return _FIRST.index(picture.name) if known else len(_FIRST)

    return sorted(pictures, key=place)


def _figure(run: RunFolder, picture: Picture) -> dict[str, Any]:
    module = load().get(picture.name)
    document = run.compared.get(source(module), {}) if module else {}
    data = base64.b64encode(picture.file.read_bytes()).decode()
    return {
        "title": module.TITLE if module else picture.name.replace("_", " "),
        "caption": caption(document or run.document),
        "alt": picture.alt,
        "source": f"data:{_MIME[picture.file.suffix]};base64,{data}",
        "data": picture.data,
    }

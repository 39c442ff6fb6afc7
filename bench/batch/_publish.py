"""The executed copy of a notebook as it is kept: without this machine's folders, and
as HTML that opens offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.paths import folders_of, private

if TYPE_CHECKING:
    from bench.store import Run

_IMAGES = ("image/png", "image/jpeg")
# Addresses that nbconvert's template loads scripts from; an empty one is left out.
_OFFLINE = dict.fromkeys(
    (
        "mathjax_url",
        "require_js_url",
        "jquery_url",
        "mermaid_js_url",
        "mermaid_layout_elk_js_url",
    ),
    "",
)


def publish(
    run: Run, name: str, executed: Path, parameters: dict[str, Any], error: str
) -> str:
    """Save the copy and its HTML in the run; the copy's path relative to it.

    Folders of absolute paths among ``parameters`` are hidden in both. An ``error``
    is put at the top, because what ended a notebook may not show in any of its cells.
    """
    place = f"notebooks/{name}.ipynb"
    notebook = json.loads(executed.read_bytes())
    notebook["metadata"]["papermill"]["output_path"] = place
    if error:
        notebook["cells"].insert(0, _banner(error))
    clean = _private(notebook, folders_of(parameters))
    text = json.dumps(clean, indent=1, ensure_ascii=False) + "\n"
    run.save(place, text.encode())
    run.save(f"notebooks/{name}.html", to_html(text).encode())
    return place


def to_html(notebook: str) -> str:
    """One HTML file with all that it shows; nothing in it is loaded from a network."""
    import nbformat
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(embed_images=True, **_OFFLINE)  # type: ignore[no-untyped-call]
    node = nbformat.reads(notebook, as_version=4)  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(node)
    return str(body)


def _banner(error: str) -> dict[str, Any]:
    text = f"**This notebook did not run to its end.**\n\n```text\n{error}\n```"
    return {"cell_type": "markdown", "id": "ended", "metadata": {}, "source": text}


def _private(value: Any, hide: list[str]) -> Any:
    if isinstance(value, dict):
        # Base64 may hold anything, a folder's name included.
        return {
            key: item if key in _IMAGES else _private(item, hide)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_private(item, hide) for item in value]
    return private(value, hide=hide) if isinstance(value, str) else value

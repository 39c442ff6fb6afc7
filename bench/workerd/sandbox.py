"""Isolates for a question of their own: no bindings but data, and hosts to reach.

A parser or a re-ranker is measured by itself, in the runtime and with the compatibility
date of the Worker under test, on bytes that are embedded in its configuration.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.workerd import bundle, config, project, tools

_MODULE, _CONFIG, _ENTRY = "entry.mjs", "config.capnp", "entry.ts"


def bundled(source: str, folder: Path) -> Path:
    """The module that the TypeScript ``source`` makes, in ``folder``.

    It may import what lies beside ``bench/workerd/entries/looped.ts`` as
    ``entries/<name>``, and the Worker's own files as ``worker/<name>``. Raises
    BenchError with what esbuild says when it does not compile.
    """
    entry = folder / _ENTRY
    entry.write_text(source, encoding="utf-8")
    own = project.load(tools.PROJECT)
    return bundle.build(own, entry, folder / _MODULE)


def write(
    module: Path,
    count: int = 1,
    *,
    data: Mapping[str, bytes] | None = None,
    endpoints: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    v8_flags: Sequence[str] = (),
    wasm: Mapping[str, bytes] | None = None,
) -> Path:
    """A folder with ``count`` isolates of ``module``, for `bench.workerd.isolates`.

    ``data`` are bindings of bytes (ArrayBuffer), ``variables`` of text. ``endpoints``
    are base URLs by service; the one called ``outbound`` serves every ``fetch``.
    ``wasm`` are WebAssembly modules by the name that ``module`` imports them by, such
    as ``kernel.wasm``: an isolate may not compile bytes that it finds at run time.
    """
    folder = Path(tempfile.mkdtemp(prefix="workbench-"))
    shutil.copy(module, folder / _MODULE)
    extra = {}
    for number, (name, body) in enumerate((data or {}).items()):
        file = f"data{number}"
        (folder / file).write_bytes(body)
        extra[name] = f"data = embed {config.text(file)}"
    modules = {}
    for number, (name, code) in enumerate((wasm or {}).items()):
        modules[name] = f"module{number}.wasm"
        (folder / modules[name]).write_bytes(code)
    bare = replace(project.load(tools.PROJECT), bindings={}, variables={}, queue="")
    rendered = config.render(
        bare,
        [config.Isolate(_MODULE, extra, modules)] * count,
        endpoints or {},
        variables or {},
        {},
        v8_flags,
    )
    (folder / _CONFIG).write_text(rendered, encoding="utf-8")
    return folder

"""The Worker as one module, bundled by esbuild the way that wrangler bundles it."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.workerd import tools
from bench.workerd.project import Project

ENTRIES = Path(__file__).parent / "entries"
# As wrangler calls esbuild (workers-sdk, packages/wrangler/src/deployment-bundle, read
# 2026-11): not minified, names kept, the runtime's own modules left outside.
_AS_WRANGLER = (
    "--bundle",
    "--format=esm",
    "--target=es2024",
    "--keep-names",
    "--conditions=workerd,worker,browser",
    '--define:process.env.NODE_ENV="production"',
    "--external:cloudflare:*",
    "--external:node:*",
    "--external:*.wasm",  # uploaded as modules of their own
)


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes of a deployed script, and gzipped, which is what has a limit."""

    script_bytes: int
    gzip_bytes: int


def build(
    project: Project, entry: Path, out: Path, defines: Mapping[str, str] | None = None
) -> Path:
    """Bundle ``entry`` into the module ``out``; ``worker/`` in it is the project.

    ``defines`` replaces names by JavaScript expressions. Raises BenchError with what
    esbuild says when it does not compile.
    """
    command = [
        str(tools.esbuild()),
        str(entry),
        *_AS_WRANGLER,
        f"--alias:worker={project.main.parent}",
        f"--alias:entries={ENTRIES}",
        f"--outfile={out}",
        "--log-level=error",
        *(f"--define:{name}={value}" for name, value in (defines or {}).items()),
    ]
    done = subprocess.run(
        command,
        cwd=project.folder,  # paths in the bundle's comments are relative to it
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"the Worker does not compile: {done.stderr.strip()[:2000]}")
    return out


def size(project: Project, folder: Path) -> Size:
    """What a deployment of ``project`` would upload."""
    data = build(project, project.main, folder / "deployed.mjs").read_bytes()
    return Size(len(data), len(gzip.compress(data, 9)))

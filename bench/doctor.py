"""What must hold before numbers are worth making, checked one by one.

A check answers with what it saw, not only whether it liked it, and says what to type
when it did not.
"""

from __future__ import annotations

import os
import shutil
import sys
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from bench import machine
from bench.errors import BenchError
from bench.paths import ROOT
from bench.workerd import tools

NEEDED_MIB = 1024
_SETUP = "run `make clean run` to install the lock again"

Check = dict[str, Any]


def doctor() -> list[Check]:
    """All checks as ``{check, ok, detail, remedy}``; none of them raises."""
    facts = machine.collect()
    return [
        check_lock(),
        check_fixtures(),
        check_platform(),
        check_kernelspec(),
        check_workerd(),
        check_cores(facts),
        check_pinning(),
        check_schedstat(),
        check_load(facts),
        check_governor(facts),
        check_disk(),
        check_memory(facts),
    ]


def check_lock(lock: Path = ROOT / "requirements.lock") -> Check:
    """Whether each package of the lock is installed in exactly that version."""
    try:
        wrong = [text for text in map(_difference, _pins(lock)) if text]
    except OSError as error:
        return _check("lock", False, str(error.strerror), "restore requirements.lock")
    detail = ", ".join(wrong[:5]) + (", …" if len(wrong) > 5 else "")
    return _check("lock", not wrong, detail or "installed as pinned", _SETUP)


def check_fixtures() -> Check:
    """Whether the committed inputs are what their generators make."""
    remedy = "restore them: git checkout fixtures"
    try:
        from bench import fixture_set

        wrong = [row["file"] for row in fixture_set.check() if not row["ok"]]
    except Exception as error:  # a broken generator is a finding, not a crash
        return _check("fixtures", False, f"{type(error).__name__}: {error}", remedy)
    return _check("fixtures", not wrong, ", ".join(wrong) or "verified", remedy)


def check_platform(today: date | None = None) -> Check:
    """Whether the limits and prices used were all read within a year, as dated."""
    from bench.platform import tables

    remedy = "read their sources again, and change the rows of bench/platform/*.toml"
    try:
        old = [row.id for row in tables.stale(today or date.today())]
        undated = len(tables.undated())
    except BenchError as error:
        return _check("platform", False, str(error), remedy)
    parts = [f"older than a year: {', '.join(old)}"] if old else []
    if undated:
        parts.append(f"{undated} rows without a date (`bench list platform`)")
    return _check("platform", not old, "; ".join(parts) or "dated in a year", remedy)


def check_kernelspec() -> Check:
    """Whether the kernel python3 of the notebooks is this interpreter."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    remedy = "run `python -m ipykernel install --sys-prefix`"
    try:
        command = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return _check("kernelspec", False, "there is no kernel python3", remedy)
    # Jupyter itself replaces a bare name by the interpreter that starts the kernel.
    bare = {"python", "python3", f"python3.{sys.version_info.minor}"}
    ok = command in bare or Path(command).resolve() == Path(sys.executable).resolve()
    return _check("kernelspec", ok, f"python3 starts {command}", remedy)


def check_workerd() -> Check:
    """Whether workerd starts, and whether it can measure itself."""
    reason = tools.unavailable()
    if reason is not None:
        return _check("workerd", False, reason, f"run `{tools.INSTALL}`")
    lacking = tools.features().lacking()
    detail = f"{tools.version()} starts"
    if lacking:
        detail += f", without {' and '.join(lacking)}: fewer instruments"
    return _check("workerd", not lacking, detail, f"run `{tools.INSTALL}`")


def check_cores(facts: dict[str, Any]) -> Check:
    """Whether measuring and driving can have a core each."""
    allowed = facts["cores_allowed"]
    detail = f"{allowed} of {facts['cores']} cores may be used"
    return _check("cores", allowed >= 2, detail, "run on a machine with 2 cores")


def check_pinning() -> Check:
    """Whether a process can be bound to one core; it is bound back at once."""
    remedy = "allow sched_setaffinity in the container, or use Linux"
    if not hasattr(os, "sched_setaffinity"):
        return _check("pinning", False, "this system cannot pin a process", remedy)
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {max(before)})
    except OSError as error:
        return _check("pinning", False, str(error.strerror), remedy)
    finally:
        os.sched_setaffinity(0, before)
    return _check("pinning", True, f"core {max(before)} can be had", remedy)


def check_schedstat(path: str = "/proc/thread-self/schedstat") -> Check:
    """Whether the kernel tells how long a thread waited for a core."""
    remedy = "run `sudo sysctl kernel.sched_schedstats=1`; without it there is no delay"
    fields = machine._read(path).split()
    ok = len(fields) == 3 and any(field != "0" for field in fields)
    return _check("schedstat", ok, " ".join(fields) or "cannot be read", remedy)


def check_load(facts: dict[str, Any]) -> Check:
    """Whether other programs leave at least half of the cores idle."""
    load, cores = facts["load"][0], facts["cores_allowed"]
    detail = f"{load} runnable threads on {cores} cores"
    return _check("load", load <= 0.5 * cores, detail, "end what `top` shows")


def check_governor(facts: dict[str, Any]) -> Check:
    """Whether the frequency is fixed, where the system lets one see it."""
    governor = facts["governor"]
    ok = governor in {None, "performance"}
    remedy = "run `sudo cpupower frequency-set -g performance`"
    return _check("governor", ok, governor or "not visible", remedy)


def check_disk(folder: Path = ROOT) -> Check:
    """Whether 1 GiB is free where runs are written."""
    free = shutil.disk_usage(folder).free // 2**20
    remedy = "free some space, or write elsewhere with --out"
    return _check("disk", free >= NEEDED_MIB, f"{free:,} MiB free", remedy)


def check_memory(facts: dict[str, Any]) -> Check:
    """Whether 1 GiB of memory is available, which a 10 MB transcript may need."""
    free = facts["memory_available_mib"]
    return _check("memory", free >= NEEDED_MIB, f"{free:,} MiB free", "end programs")


def _check(name: str, ok: bool, detail: str, remedy: str) -> Check:
    return {"check": name, "ok": ok, "detail": detail, "remedy": "" if ok else remedy}


def _pins(lock: Path) -> list[tuple[str, str]]:
    from packaging.requirements import Requirement

    pins = []
    for line in lock.read_text(encoding="utf-8").splitlines():
        if not line or line[0] in " #-":
            continue
        pin = Requirement(line.rstrip("\\ "))
        if pin.marker is None or pin.marker.evaluate():
            pins.append((pin.name, next(iter(pin.specifier)).version))
    return pins


def _difference(pin: tuple[str, str]) -> str:
    name, wanted = pin
    try:
        installed = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} {wanted} is missing"
    return "" if installed == wanted else f"{name} is {installed}, not {wanted}"

"""Facts of the machine that a number depends on, and what is wrong with it.

Each ``collect_*`` function reads one source and skips what the platform lacks, so a new
fact is a new function and one more name in ``COLLECTORS``. Nothing here identifies the
machine or its owner: no hostname, no address, no serial number.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

Facts = dict[str, Any]

PACKAGES = (
    "aiohttp",
    "faiss-cpu",
    "httpx",
    "ijson",
    "ipykernel",
    "matplotlib",
    "msgspec",
    "numba",
    "numkong",
    "numpy",
    "orjson",
    "pandas",
    "papermill",
    "polars",
    "pyarrow",
    "pyinstrument",
    "pyperf",
    "pysimdjson",
    "python-rapidjson",
    "scipy",
    "ujson",
)

# A share of stolen time above this was seen to move medians by more than 2 %.
STEAL_LIMIT = 0.01


def collect_cpu() -> Facts:
    """Model name, from /proc/cpuinfo or sysctl, and the instruction set."""
    model = ""
    for line in _read("/proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in {"model name", "Model", "cpu model"}:
            model = value.strip()
            break
    if platform.system() == "Darwin":
        model = _sysctl("machdep.cpu.brand_string")
    return {"cpu": model or platform.machine(), "arch": platform.machine()}


def collect_cores() -> Facts:
    """Logical and physical cores, and how many this process may use."""
    allowed = psutil.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    return {
        "cores": psutil.cpu_count() or 1,
        "cores_physical": psutil.cpu_count(logical=False),
        "cores_allowed": allowed,
    }


def collect_memory() -> Facts:
    """Memory of the machine and what of it is available, in MiB."""
    memory = psutil.virtual_memory()
    return {
        "memory_mib": memory.total // 2**20,
        "memory_available_mib": memory.available // 2**20,
    }


def collect_kernel() -> Facts:
    """Operating system and the version of its kernel, without the builder's suffix."""
    version = platform.release().partition("-")[0]
    return {"kernel": f"{platform.system()} {version}"}


def collect_python() -> Facts:
    """Implementation and version of this interpreter."""
    return {"python": f"{platform.python_implementation()} {platform.python_version()}"}


def collect_load() -> Facts:
    """Mean number of runnable threads over the last 1, 5 and 15 minutes."""
    return {"load": [round(value, 2) for value in psutil.getloadavg()]}


def collect_frequency() -> Facts:
    """Frequency governor, turbo and hyper-threading (Linux, cpufreq and cpu/smt)."""
    cpu = "/sys/devices/system/cpu"
    no_turbo = _read(f"{cpu}/intel_pstate/no_turbo")
    boost = _read(f"{cpu}/cpufreq/boost")
    turbo = {"0": True, "1": False}.get(no_turbo, {"1": True, "0": False}.get(boost))
    smt = {"1": True, "0": False}.get(_read(f"{cpu}/smt/active"))
    governor = _read(f"{cpu}/cpu0/cpufreq/scaling_governor")
    return {"governor": governor or None, "turbo": turbo, "smt": smt}


def collect_cgroup() -> Facts:
    """CPU quota of the control group in cores, None without one (cgroup v2, v1)."""
    quota, _, period = _read("/sys/fs/cgroup/cpu.max").partition(" ")
    if not period:
        quota = _read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
        period = _read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
    limited = quota.isdigit() and period.isdigit()
    return {"cgroup_quota": round(int(quota) / int(period), 2) if limited else None}


def collect_steal() -> Facts:
    """Share of CPU time since boot that the hypervisor gave to others (/proc/stat).

    The eighth field of the cpu line is steal (proc(5)); None where there is none.
    """
    fields = [
        int(field) for field in _read("/proc/stat").partition("\n")[0].split()[1:]
    ]
    if len(fields) < 8 or not sum(fields[:8]):
        return {"steal": None}
    return {"steal": round(fields[7] / sum(fields[:8]), 4)}


def collect_virtualisation() -> Facts:
    """``vm``, ``container``, both, or None for bare metal as far as it shows."""
    flags = re.search(r"^flags\s*:.*\bhypervisor\b", _read("/proc/cpuinfo"), re.M)
    vm = flags is not None or _sysctl("kern.hv_vmm_present") == "1"
    container = Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
    kinds = [name for name, is_one in (("vm", vm), ("container", container)) if is_one]
    return {"virtualisation": "+".join(kinds) or None}


def collect_versions() -> Facts:
    """Versions of the packages whose code is measured or measures.

    ``workerd`` and ``v8`` are None where that runtime cannot run; ``lacking`` names
    the instruments that this workerd does not have.
    """
    from bench.workerd import tools

    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    if tools.unavailable() is not None:
        return {"versions": versions, "workerd": None, "v8": None, "lacking": []}
    return {
        "versions": versions,
        "workerd": tools.version(),
        "v8": tools.v8_version(),
        "lacking": tools.features().lacking(),
    }


COLLECTORS = (
    collect_cpu,
    collect_cores,
    collect_memory,
    collect_kernel,
    collect_python,
    collect_load,
    collect_frequency,
    collect_cgroup,
    collect_steal,
    collect_virtualisation,
    collect_versions,
)


def collect() -> Facts:
    """All facts, with ``host`` (an id that names no one) and ``warnings``."""
    facts: Facts = {}
    for collector in COLLECTORS:
        facts |= collector()
    return {"host": host(facts), **facts, "warnings": warnings(facts)}


def host(facts: Facts) -> str:
    """Id such as ``amd-epyc-2c-3f9a1c``: equal for equal hardware, on any day.

    The digits are a hash over facts that a reboot or an update does not change, so two
    machines of one kind share an id, and a hostname is never in it.
    """
    stable = [facts["cpu"], facts["arch"], facts["cores"], facts["virtualisation"]]
    gib = round(facts["memory_mib"] / 1024)
    digest = hashlib.sha256(repr([*stable, gib]).encode()).hexdigest()
    trademark = re.sub(r"\((r|tm)\)", " ", facts["cpu"].lower())
    slug = "-".join(re.findall(r"[a-z0-9]+", trademark)[:2])
    return f"{slug or 'cpu'}-{facts['cores']}c-{digest[:6]}"


def warnings(facts: Facts) -> list[str]:
    """What makes numbers of this machine unsteady, each with what to do about it."""
    load, steal, quota = facts["load"][0], facts["steal"] or 0.0, facts["cgroup_quota"]
    cores = facts["cores_allowed"]
    found = [
        (
            cores < 2,
            "one core: the driver shares it with what is measured; "
            "run on 2 cores, see `nproc`",
        ),
        (
            load > 0.5 * cores,
            f"the load is {load} on {cores} cores; "
            "end what `top -o %CPU` shows, then run again",
        ),
        (
            facts["governor"] not in {None, "performance"},
            f"the frequency governor is {facts['governor']!r}; "
            "run `sudo cpupower frequency-set -g performance`",
        ),
        (
            facts["turbo"] is True and facts["virtualisation"] is None,
            "turbo is on; run `sudo python -m pyperf system tune`",
        ),
        (
            steal > STEAL_LIMIT,
            f"the hypervisor took {steal:.1%} of the time; "
            "run `bench selftest` to see whether intervals still hold",
        ),
        (
            "bench" in facts["lacking"],
            "this workerd has no `bench`: stages by themselves and start-up are not "
            "measured; the profile's split stands in",
        ),
        (
            "--async-trace" in facts["lacking"],
            "this workerd has no `--async-trace`: time under the isolate lock is not "
            "measured; main-thread CPU stands in, which is more",
        ),
        (
            quota is not None and quota < cores,
            f"a control group allows {quota} of {cores} cores; "
            "raise it, for example `docker run --cpus`",
        ),
    ]
    return [text for applies, text in found if applies]


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _sysctl(name: str) -> str:
    if platform.system() != "Darwin":
        return ""
    command = ["/usr/sbin/sysctl", "-n", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()

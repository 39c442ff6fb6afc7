"""What the tool itself costs its user: time to the first help, memory of the driver."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.errors import BenchError

TEN_MB = 10_000_000


def help_seconds(times: int = 5) -> float:
    """Wall seconds of ``bench --help``, median."""
    return statistics.median(_help() for _ in range(times))


def _help() -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "bench", "--help"],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - began


def peak_rss_bytes() -> int:
    """Peak resident memory of this process since its program started.

    From VmHWM of Linux, because ru_maxrss of a child begins with what its parent had
    when it was forked; ru_maxrss, in bytes, on macOS.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def peak_mib(seed: int) -> float:
    """Peak memory in MiB of the driver of ``bench stages`` on a 10 MB transcript.

    Raises BenchError when the command fails.
    """
    from bench.fixtures import deepgram

    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        transcript = Path(folder, "ten-megabytes.json")
        transcript.write_bytes(deepgram.generate(seed, size=TEN_MB))
        command = [
            *(sys.executable, "-m", "bench", "stages", "--phase", "warm"),
            *("--transcript", str(transcript), "--quiet", "--json"),
            *("--out", str(Path(folder, "run"))),
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise BenchError(f"bench stages ended with code {done.returncode}")
    return float(json.loads(done.stdout)["driver_peak_mib"])

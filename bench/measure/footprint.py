"""What the tool itself costs its user: time to the first help, memory of the driver."""

from __future__ import annotations

import os
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


def peak_mib(seed: int) -> float:
    """Peak resident memory in MiB of ``bench stages`` on a 10 MB transcript.

    The maximum over the driver and each process that it started and waited for, so
    an upper bound of the driver alone. Raises BenchError when the command fails.
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
        with Path(os.devnull).open("wb") as nowhere:
            process = subprocess.Popen(command, stdout=nowhere)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchError(f"bench stages ended with code {process.returncode}")
    # Linux counts in KiB, macOS in bytes.
    unit = 1024 if sys.platform != "darwin" else 1
    return usage.ru_maxrss * unit / 2**20

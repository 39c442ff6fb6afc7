"""How much faster notebooks are: ``python -m bench.kernels.compare --n 100``.

Executes the same small notebook ``n`` times in each of several ways, one after the
other and in turns, so that no way has the quieter part of the machine:

    plain     papermill with an ordinary kernel, as a loop in a shell
    kernel    the same command with the kernel from the fork server
    both      ``python -m bench.kernels papermill``: papermill is forked too

What every cell put out is compared with the plain way's; times of copies that differ
are not printed. A copy of its own parameters is in each, so that they are not one file.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.batch.driver import ATTEMPTS
from bench.errors import BenchError
from bench.kernels import client

_CELLS = (
    "text = 'a' * count\nprint(text, len(text))",
    "import pandas as pd\nframe = pd.DataFrame({'x': range(count)})\nframe.x.sum()",
    "frame.describe()",
)

_NOT_STARTED = b"Address already in use"


def main() -> None:
    """Measure, then print a table, or one JSON document with ``--json``."""
    options = argparse.ArgumentParser(description="Time papermill in several ways.")
    options.add_argument("--n", type=int, default=100, help="notebooks in each way")
    options.add_argument("--json", action="store_true", help="one JSON document")
    chosen = options.parse_args()
    found = compare(max(chosen.n, 1))
    print(json.dumps(found) if chosen.json else text(found))


def compare(n: int) -> dict[str, Any]:
    """``{host, n, ways[] {way, seconds, median_s, ratio}}`` of ``n`` notebooks a way.

    ``seconds`` is the sum, the start of a server included; ``ratio`` is the plain sum
    over it. Raises BenchError where a way fails or puts out something else.
    """
    from bench import machine

    plain = dict(os.environ) | {client.VARIABLE: client.PLAIN}
    forked = {k: v for k, v in os.environ.items() if k != client.VARIABLE}
    papermill = [sys.executable, "-m", "papermill"]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        notebook = _notebook(made)
        spec = _kernels(made) | {"IPYTHONDIR": str(made / "ipython")}
        ways: dict[str, Callable[[int], tuple[float, list[Any]]]] = {
            way: lambda i, way=way, command=command, given=given: _execute(  # type: ignore[misc]
                command, notebook, made / f"{way}-{i}.ipynb", i, given | spec
            )
            for way, command, given in (
                ("plain", papermill, plain),
                ("kernel", papermill, forked),
                ("both", [sys.executable, "-m", "bench.kernels", "papermill"], forked),
            )
        }
        times: dict[str, list[float]] = {way: [] for way in ways}
        for i in range(n):
            right: list[Any] | None = None
            for way, run in ways.items():
                seconds, outputs = run(i)
                right = right or outputs
                if outputs != right:
                    raise BenchError(f"{way} put out something else: {outputs}")
                times[way].append(seconds)
    whole = sum(times["plain"])
    return {
        "host": machine.collect()["host"],
        "n": n,
        "ways": [
            {
                "way": way,
                "seconds": round(sum(took), 3),
                "median_s": round(statistics.median(took), 3),
                "ratio": round(whole / sum(took), 2),
            }
            for way, took in times.items()
        ],
    }


def text(found: Mapping[str, Any]) -> str:
    """The comparison as lines of text."""
    head = f"{found['n']} notebooks a way, in turns, one at a time, {found['host']}"
    lines = [
        f"{way['way']:8} {way['seconds']:8.1f} s  {way['median_s']:6.2f} s each  "
        f"{way['ratio']:5.1f} times as fast"
        for way in found["ways"]
    ]
    return "\n".join([head, *lines, "what the cells put out is the same in every way"])


def _notebook(folder: Path) -> Path:
    from nbformat import v4, write

    cells = [
        v4.new_code_cell(  # type: ignore[no-untyped-call]
            "count: int = 1  # how many", metadata={"tags": ["parameters"]}
        ),
        *(v4.new_code_cell(source) for source in _CELLS),  # type: ignore[no-untyped-call]
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = v4.new_notebook(  # type: ignore[no-untyped-call]
        metadata={"kernelspec": kernel}, cells=cells
    )
    write(made, folder / "small.ipynb")  # type: ignore[no-untyped-call]
    return folder / "small.ipynb"


def _kernels(folder: Path) -> dict[str, str]:
    """Variables that make python3 our kernel spec, whatever is installed."""
    from bench.kernels import install

    install.write(folder / "kernels" / "python3")
    return {"JUPYTER_DATA_DIR": str(folder), "JUPYTER_PREFER_ENV_PATH": "0"}


def _execute(
    command: list[str], notebook: Path, output: Path, count: int, given: dict[str, str]
) -> tuple[float, list[Any]]:
    """Seconds of one notebook, and what its cells put out.

    A kernel whose port somebody else took meanwhile, which befalls kernels of every
    kind, is started again; its time does not count.
    """
    options = ["-p", "count", str(count), "--no-progress-bar"]
    for _ in range(ATTEMPTS):
        start = time.perf_counter()
        done = subprocess.run(
            [*command, str(notebook), str(output), *options],
            env=given,
            capture_output=True,
            check=False,
        )
        seconds = time.perf_counter() - start
        if not done.returncode or _NOT_STARTED not in done.stderr:
            break
    if done.returncode:
        raise BenchError(done.stderr.decode(errors="replace"))
    cells = json.loads(output.read_bytes())["cells"]
    return seconds, [cell.get("outputs") for cell in cells]


if __name__ == "__main__":
    main()

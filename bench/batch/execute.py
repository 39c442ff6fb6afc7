"""The process of one notebook: ``python -m bench.batch.execute JOB``.

JOB is a JSON file ``{notebook, output, outcome, parameters}``. papermill executes the
notebook and saves it cell by cell to ``output``; ``outcome`` then says how it ended.
Standard input is a pipe from the driver: when it closes, the driver is gone, and this
process ends with everything that it started.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from bench.batch._outcome import DIED, FAILED, NOT_STARTED, OK


def main() -> None:
    """Execute the job named on the command line and write its outcome."""
    threading.Thread(target=end_with_driver, daemon=True).start()
    job = json.loads(Path(sys.argv[1]).read_bytes())
    # The kernel's connection file, with its key, goes where the driver removes it.
    tempfile.tempdir = str(Path(job["output"]).parent)
    status, error = execute(job)
    outcome = {"status": status, "error": error}
    Path(job["outcome"]).write_text(json.dumps(outcome), encoding="utf-8")


def execute(job: dict[str, Any]) -> tuple[str, str]:
    """Run the notebook; how it ended and, unless that is ``ok``, why."""
    import papermill
    from papermill.exceptions import PapermillExecutionError

    _install_kernel()
    try:
        papermill.execute_notebook(
            _literal(job["notebook"]),
            _literal(job["output"]),
            job["parameters"],
            kernel_name="python3",
            language="python",
            progress_bar=False,
        )
    except PapermillExecutionError as error:
        return FAILED, f"{error.ename}: {error.evalue}"
    except Exception as error:  # reported to the driver, which decides
        started = _any_cell_started(Path(job["output"]))
        return DIED if started else NOT_STARTED, f"{type(error).__name__}: {error}"
    return OK, ""


def _literal(path: str) -> str:
    # papermill reads braces in a path as places for parameters.
    return path.replace("{", "{{").replace("}", "}}")


def _install_kernel() -> None:
    """Make python3 mean this interpreter, whatever kernels the user has installed."""
    from bench.kernels import install

    install.write(Path(os.environ["JUPYTER_DATA_DIR"], "kernels", "python3"))


def _any_cell_started(output: Path) -> bool:
    try:
        cells = json.loads(output.read_bytes())["cells"]
    except (OSError, ValueError):
        return False
    return any(
        cell["metadata"].get("papermill", {}).get("start_time") for cell in cells
    )


def end_with_driver() -> None:
    """Wait until standard input closes, then end this process and all below it."""
    import psutil

    # Not through sys.stdin, whose lock a blocked thread would hold at exit.
    while os.read(0, 1):
        pass
    for process in psutil.Process().children(recursive=True):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    os._exit(1)


if __name__ == "__main__":
    main()

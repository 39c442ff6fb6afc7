"""Measures what an interrupted run of `bench stages` lacks, and seals it.

The verb has no --resume of its own; notebooks resume the same measurement this way.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench import transcript
from bench.measure.stages import measure
from bench.progress import Progress
from bench.store import Run


def main() -> None:
    """Resume the run that the command line names."""
    with Run.resume(Path(sys.argv[1])) as run, Progress(quiet=True) as progress:
        asked = run.manifest["parameters"]
        measure(
            run,
            transcript=transcript.given(None),
            runtimes=asked["runtimes"],
            phases=asked["phases"],
            profile="quick",
            seed=run.manifest["seed"],
            progress=progress,
        )
        run.seal()


if __name__ == "__main__":
    main()

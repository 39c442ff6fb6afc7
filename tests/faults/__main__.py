"""``python -m tests.faults --victim NAME|all --kills N --seed S``: a line for each."""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from . import __doc__ as about
from ._sweep_work import works as sweeps
from ._trial import Trial, reference, trial
from ._work import works
from .victims import victims


def main() -> int:
    """Kill as asked; 1 where something did not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--victim", choices=["all", *victims()], default="all")
    parser.add_argument("--kills", type=int, default=50, help="of each victim")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    # Like Ctrl-C, so that what was started ends, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    names = list(victims()) if asked.victim == "all" else [asked.victim]
    bad = 0
    for name in names:
        bad += _kill(name, asked.kills, asked.seed)
    return 1 if bad else 0


def _kill(name: str, kills: int, seed: int) -> int:
    """Trials of one victim; how many of them found something wrong."""
    victim = victims()[name]
    began = time.monotonic()
    bad, struck = 0, 0
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        scratch = Path(folder)
        work = (works(scratch) | sweeps(scratch))[victim.WORK]
        (scratch / "calm").mkdir()
        known = reference(work, scratch / "calm")
        cells, seconds = len(known.cells), known.moments[-1]
        print(f"{name}: {cells} cells in {seconds:.1f} s undisturbed", flush=True)
        for number in range(kills):
            place = scratch / str(number)
            place.mkdir()
            draw = random.Random(f"{name} {seed} {number}")
            found = trial(victim, work, known, place, draw)
            bad += bool(found.wrong)
            struck += bool(found.struck)
            _tell(name, number, found)
            shutil.rmtree(place, ignore_errors=True)
    spent = time.monotonic() - began
    print(
        f"{name}: {kills} trials, {struck} of them struck, {bad} violations, "
        f"{spent:.0f} s, seed {seed}",
        flush=True,
    )
    return bad


def _tell(name: str, number: int, found: Trial) -> None:
    """One line, and one more for each thing that does not hold."""
    if found.struck is None:
        print(f"{name} {number}: skipped, this machine cannot have it", flush=True)
        return
    word = "WRONG" if found.wrong else "holds"
    what = f"struck after {found.finished} cells" if found.struck else "had ended"
    ended = f"exit {found.code}, {found.seconds:.1f} s"
    print(f"{name} {number}: {word}, {what}, {ended}", flush=True)
    for line in found.wrong:
        print(f"    {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""The harness's own subject as a pyperf script, so that both measure the same code.

Run by pyperf in its worker processes, with pyperf's own calibration and warm-up.
"""

from __future__ import annotations

import time

import pyperf

from bench.measure.subjects import json_numbers

# Loops of the subject in one pyperf loop: enough that 2 % of them is a whole number.
UNIT = 100


def main() -> None:
    """Benchmark ``json_numbers``; ``--extra 0.02`` makes it 2 % slower."""
    runner = pyperf.Runner(
        program_args=("-m", "bench.measure.pyperf_subject"),
        add_cmdline_args=_pass_on,
    )
    runner.argparser.add_argument("--extra", type=float, default=0.0)
    arguments = runner.parse_args()
    work = json_numbers({"extra": arguments.extra})["loads"]

    def timed(loops: int) -> float:
        began = time.perf_counter()
        for _ in range(loops):
            work(UNIT)
        return time.perf_counter() - began

    runner.bench_time_func("loads", timed)


def _pass_on(command: list[str], arguments: object) -> None:
    command.extend(("--extra", str(getattr(arguments, "extra", 0.0))))


if __name__ == "__main__":
    main()

"""The measured process: loads one subject, then takes turns when told to.

Started as ``python -m bench.measure.child``. A subject is a function
``setup(parameters) -> {case name: run(n) -> extra | None}`` named as
``module:function``; a case with a method ``prepare(n)`` has it called before the
clock starts. Commands and answers are one JSON line each, over the standard
streams; output that the subject prints goes to standard error.

    {"setup": "module:function", "parameters": {...}} -> {"cases": [...], "cpu": ns}
    {"case": name, "n": loops}  -> {"cpu": ns, "wall": ns, "run_delay": ns, "extra": ..}
    anything that raises        -> {"error": "Type: text"}

This module imports little on purpose: what it imports, every measured process holds.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from bench.measure.clocks import ThreadClock

Case = Callable[[int], Any]


def main() -> None:
    """Serve commands until standard input ends, which it does when the driver dies."""
    # An interruption is the driver's: it ends this process by closing its input.
    signal.signal(signal.SIGINT, lambda *_: None)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    clock = ThreadClock()
    cases: dict[str, Case] = {}
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if "setup" in command:
                cases = _setup(command)
                answer: dict[str, Any] = {
                    "cases": list(cases),
                    "cpu": time.process_time_ns(),
                }
            else:
                answer = _turn(clock, cases[command["case"]], command["n"])
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        _say(answers, answer)


def _setup(command: dict[str, Any]) -> dict[str, Case]:
    module, _, function = command["setup"].partition(":")
    cases: dict[str, Case] = getattr(importlib.import_module(module), function)(
        command["parameters"]
    )
    # Objects of the start-up never die: without this each full collection would
    # walk them again, a cost of the harness and not of the subject.
    gc.collect()
    gc.freeze()
    return cases


def _turn(clock: ThreadClock, case: Case, n: int) -> dict[str, Any]:
    prepare = getattr(case, "prepare", None)
    if prepare is not None:
        prepare(n)
    clock.start()
    extra = case(n)
    elapsed = clock.stop()
    return {
        "cpu": elapsed.cpu,
        "wall": elapsed.wall,
        "run_delay": elapsed.run_delay,
        "extra": extra,
    }


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    try:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    except BrokenPipeError:
        # The driver was killed: nobody is left to be told, not even at exit.
        os._exit(1)


if __name__ == "__main__":
    main()

"""Small fixed workloads: the sentinel, and what the harness measures itself with."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any


def sentinel(_parameters: dict[str, Any]) -> dict[str, Callable[[int], None]]:
    """One fixed piece of pure Python of about 0.5 ms.

    It is timed with every cell: when it moves, the machine changed, not the code.
    """
    numbers = list(range(1000))

    def work(n: int) -> None:
        for _ in range(n):
            total = 0
            for number in numbers:
                total += number * number % 7
            sorted(numbers, key=lambda number: -number)

    return {"sentinel": work}


def json_numbers(parameters: dict[str, Any]) -> dict[str, Callable[[int], None]]:
    """``json.loads`` of 32 floats, small enough for hundreds of loops a turn.

    ``extra`` repeats that share of the loops once more: 0.02 makes it 2 % slower by
    work that is really done. A turn of n loops runs round(n * (1 + extra)) loops.
    """
    draw = random.Random(parameters.get("seed", 1))
    text = json.dumps([draw.random() for _ in range(32)])
    factor = 1.0 + float(parameters.get("extra", 0.0))

    def work(n: int) -> None:
        loads = json.loads
        for _ in range(round(n * factor)):
            loads(text)

    return {"loads": work}


def nothing(_parameters: dict[str, Any]) -> dict[str, Callable[[int], None]]:
    """A turn that does nothing: what the harness itself costs."""
    return {"nothing": lambda n: None}

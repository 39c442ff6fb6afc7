"""Runs, cells and rows for the tests of the store."""

from __future__ import annotations

DESCRIBED = {
    "argv": ["stages", "--seed", "7"],
    "seed": 7,
    "profile": "quick",
    "parameters": {"limits": "free"},
    "fixtures": {"transcript.json": "ab" * 32},
}


def key(number):
    return {"runtime": "cpython", "phase": "warm", "stage": f"s{number}"}


def rows(number, count=3):
    return [
        {"metric": "cpu", "unit": "ms", "value": number + i / 10, "seq": i}
        for i in range(count)
    ]


def add(run, number, count=3):
    with run.cell(key(number)) as cell:
        cell.add(rows(number, count))


def end(run, number, error):
    with run.cell(key(number)) as cell:
        cell.add(rows(number))
        raise error

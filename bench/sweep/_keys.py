"""What a cell is: the hash of all that its result rests on.

Equal keys mean equal code, lock, fixtures, parameters, inputs and kind of machine; so a
cell whose key is there has been done, and a change anywhere makes it another cell.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import orjson

from bench import machine
from bench.paths import ROOT
from bench.sweep import _paths

# All that can change a result and is not a parameter.
CODE = ("bench", "worker", "notebooks", "fixtures", "requirements.lock")
_DIGITS = 32


def key(verb: str, notebook: str, inputs: dict[str, Any]) -> str:
    """Hex of the content hash of a cell; ``inputs`` are its parameters with the hash of
    each file (``_paths.digests``). The order of their names does not matter.
    """
    content = {
        "verb": verb,
        "notebook": notebook,
        "parameters": inputs,
        "code": code(),
        "host": host(),
    }
    canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()[:_DIGITS]


@cache
def code() -> str:
    """Hash of this checkout's code, notebooks, fixtures and locks, once a process."""
    return digest_of_code()


def digest_of_code() -> str:
    """The same as it is now, 20 ms: it may have changed since this process began."""
    total = hashlib.sha256()
    for name in CODE:
        path = ROOT / name
        if path.exists():
            total.update(f"{name}\0{_paths.digest(path)}\n".encode())
    return total.hexdigest()


@cache
def host() -> str:
    """Id of this machine, as every run carries it, without starting anything."""
    facts: machine.Facts = {}
    for collect in (
        machine.collect_cpu,
        machine.collect_cores,
        machine.collect_memory,
        machine.collect_virtualisation,
    ):
        facts |= collect()
    return machine.host(facts)

"""Whether two runs may be compared: every reason against it, and what else differs.

A ratio of two runs is about the code only where all else is equal. The reasons are
those under which a number moves by itself; the notes are what one may want to compare.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.store import Run
    from bench.verdict._cells import Cell

# Facts of `bench.machine` that are the machine, and what a reader calls them.
MACHINE = {
    "cpu": "CPU model",
    "arch": "architecture",
    "cores": "cores",
    "cores_allowed": "cores that may be used",
    "memory_mib": "memory in GiB",
    "virtualisation": "virtualisation",
    "governor": "frequency governor",
    "turbo": "turbo",
    "smt": "hyper-threading",
    "cgroup_quota": "CPU quota",
}
# What runs a cell, by its runtime; others than these run in Python.
_SOFTWARE = {"workerd": {"workerd": "workerd", "v8": "V8"}}
_PYTHON = {"python": "Python"}
_DIGITS = 12  # of a hash, which tell two apart
Facts = Mapping[str, Any]


def machine(facts: Facts) -> dict[str, Any]:
    """The facts that make a machine the same one, memory rounded to GiB."""
    memory = facts.get("memory_mib")
    rounded = None if memory is None else round(memory / 1024)
    return {name: facts.get(name) for name in MACHINE} | {"memory_mib": rounded}


def reasons(a: Run, b: Run, cells: Collection[Cell]) -> list[str]:
    """Why ``a`` and ``b`` must not be compared in ``cells``, which both have."""
    return list(_reasons(a, b, cells))


def _reasons(a: Run, b: Run, cells: Collection[Cell]) -> Iterator[str]:
    one, other = machine(a.machine), machine(b.machine)
    for name, label in MACHINE.items():
        yield from _differ(label, one[name], other[name])
    runtimes = sorted({cell.parts["runtime"] for cell in cells})
    software = [_SOFTWARE.get(runtime, _PYTHON) for runtime in runtimes]
    for name, label in {k: v for each in software for k, v in each.items()}.items():
        yield from _differ(label, a.machine.get(name), b.machine.get(name))
    first, second = a.manifest, b.manifest
    yield from _differ("duration profile", first["profile"], second["profile"])
    yield from _differ("seed, which generates inputs", first["seed"], second["seed"])
    options = [each["parameters"].get("options") or {} for each in (first, second)]
    yield from _differ("options of the path", *options)
    for label, mine, theirs in _fixtures(first, second):
        count = sum(cell.parts["fixture"] == label for cell in cells)
        if mine and theirs and count:
            yield (
                f"fixture {label} of {count} cells: SHA-256 {mine[:_DIGITS]} and "
                f"{theirs[:_DIGITS]}"
            )


def notes(a: Run, b: Run, cells: Collection[Cell]) -> list[str]:
    """What else differs, or is not known: code, packages, inputs without a hash."""
    first, second = a.manifest, b.manifest
    found = list(_differ("commit", first["commit"], second["commit"]))
    for name, each in (("A", first), ("B", second)):
        if each["dirty"]:
            found.append(f"{name} has changes that were not committed")
        if each["status"] != "finished":
            found.append(f"{name} is {each['status']}: only its finished cells count")
    old, new = (run.machine.get("versions") or {} for run in (a, b))
    for name in sorted({*old, *new}):
        found += _differ(name, old.get(name), new.get(name))
    for label, mine, theirs in _fixtures(first, second):
        used = any(cell.parts["fixture"] == label for cell in cells)
        if used and not (mine and theirs):
            found.append(f"fixture {label}: only one of the runs keeps its SHA-256")
    for name, run in (("A", a), ("B", b)):
        found += [f"machine of {name}: {text}" for text in run.machine["warnings"]]
    return found


def _fixtures(first: Facts, second: Facts) -> Iterator[tuple[str, Any, Any]]:
    """Name and hash of each input in the one and in the other, where they differ."""
    mine, theirs = first["fixtures"], second["fixtures"]
    for label in sorted({*mine, *theirs}):
        if mine.get(label) != theirs.get(label):
            yield label, mine.get(label), theirs.get(label)


def _differ(label: str, one: Any, other: Any) -> Iterator[str]:
    if one != other:
        yield f"{label}: {_said(one)} and {_said(other)}"


def _said(value: Any) -> str:
    return "unknown" if value is None else str(value)

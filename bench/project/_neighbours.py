"""Other Workers that service bindings lead to: ``--service AUTH=DIR``.

They run together in a workerd of their own, on the driving cores: nothing that they
spend is charged to the Worker that is measured, only its own work of asking. What they
answer is what they would, over services of their own behind their bindings; where both
Workers name the same namespace, database, bucket, index or queue, it is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench.errors import UserError
from bench.project import STUB, Binding, Project, bindings
from bench.project._wrangler import environments, load

KIND = "services"
_BACK = "it calls the Worker that is measured, which is in another process"
_SHARED = frozenset({"kv", "d1", "r2", "queue", "vectorize"})


def joined(project: Project, given: Sequence[tuple[str, Path]]) -> Project:
    """``project`` with the Workers in the folders of ``given`` behind its bindings.

    A name is that of a service binding, ``AUTH.BILLING`` one of a Worker named before.
    Raises UserError for any other, and for a folder that holds no project.
    """
    found: dict[str, Project] = {}
    for name, folder in given:
        known = {
            each.called: each
            for own in (project, *found.values())
            for each in own.bindings
            if each.kind == KIND and each.target != project.name
        }
        if name not in known:
            raise UserError(
                f"no service binding to another Worker is called {name!r}",
                file=project.file,
                field="--service",
                remedy=f"name one of {', '.join(sorted(known)) or 'none'}",
            )
        worker = known[name].target
        found[worker] = _placed(_loaded(folder, worker), name)
    at = {worker: f"n{number}" for number, worker in enumerate(found)}
    beside = {
        at[worker]: _linked(own, at, project.name) for worker, own in found.items()
    }
    mine = tuple(_reaching(each, at) for each in project.bindings)
    return replace(project, bindings=mine, neighbours=beside)


def led_to(project: Project) -> list[Binding]:
    """Service bindings of ``project`` that lead to a neighbour."""
    return [each for each in project.of(KIND) if each.details.get("outside")]


def shared(project: Project) -> dict[str, str]:
    """Services of neighbours that are a service of another Worker too, by that one's
    name: the first that has it."""
    first: dict[tuple[str, str], str] = {}
    found = {}
    for own in project.everyone:
        for each in own.bindings:
            if each.kind in _SHARED and each.target:
                name = bindings.service(each)
                here = first.setdefault((each.kind, each.target), name)
                if here != name and own is not project:
                    found[name] = here
    return found


def _loaded(folder: Path, worker: str) -> Project:
    """The project in ``folder``, in the environment in which it is called ``worker``
    where there is one."""
    plain = load(folder)
    if plain.name == worker:
        return plain
    named = (load(folder, env) for env in environments(folder))
    return next((each for each in named if each.name == worker), plain)


def _placed(project: Project, name: str) -> Project:
    """The project with bindings that are called ``<name>.<binding>``."""
    placed = (replace(each, place=f"{name}.{each.name}") for each in project.bindings)
    return replace(project, bindings=tuple(placed))


def _reaching(binding: Binding, at: dict[str, str]) -> Binding:
    """A binding of the Worker that is measured: it leads out of its process."""
    if binding.kind != KIND or binding.target not in at:
        return binding
    there = {**binding.details, "at": at[binding.target], "outside": True}
    return replace(binding, missing="", details=there)


def _linked(project: Project, at: dict[str, str], measured: str) -> Project:
    """A neighbour whose service bindings lead to other neighbours."""

    def changed(each: Binding) -> Binding:
        if each.kind != KIND or not each.missing:
            return each
        if each.target in at:
            there = {**each.details, "at": at[each.target]}
            return replace(each, missing="", details=there)
        if each.target == measured:
            return replace(each, missing=_BACK)
        missing = each.missing.replace(each.name, each.called, 1)
        return replace(each, missing=missing)

    return replace(project, bindings=tuple(map(changed, project.bindings)))


def said(project: Project) -> Iterator[str]:
    """What a user is told before anything starts."""
    for own in project.everyone:
        for each in own.of(STUB):
            yield f"not provided: every call of {each.called} ({each.target}) fails"
    for each in led_to(project):
        own = project.neighbours[each.details["at"]]
        yield (
            f"{each.name}: {own.name}, in a workerd beside; its CPU is not charged here"
        )

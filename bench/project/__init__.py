"""Somebody's own Worker: its project, read, bundled, served, asked.

The project is read as wrangler reads it (`_wrangler`), bundled by wrangler itself
(`_bundle`) and run in workerd (`_config`) with a service on loopback behind each of its
bindings (`bindings/`, `_hosts`). What is sent to it comes from a file (`requests/`).
Nothing of the project is installed, and none of its scripts are run.

Everything in a project and in a file of requests may be hostile: names are escaped,
values of secrets and headers stay out of every result, and what is not understood is a
UserError that names file and field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.errors import UserError

STUB = "stub"
"""The kind of a binding whose every call is answered with an error."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One variable of a Worker's ``env`` that stands for something outside it.

    ``kind`` is a module of `bench.project.bindings`, or wrangler's name of a field that
    none of them provides; ``target`` is what it leads to, such as a database's name.
    ``missing`` says why it cannot be provided, empty where it can. ``place`` is its
    name among all Workers of a scene, where that is not ``name``: ``AUTH.DB`` is the
    binding ``DB`` of the Worker behind the binding ``AUTH``.
    """

    name: str
    kind: str
    target: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    missing: str = ""
    place: str = ""

    @property
    def called(self) -> str:
        """What a user calls it."""
        return self.place or self.name


@dataclass(frozen=True, slots=True)
class Project:
    """A Worker as its configuration describes it.

    ``settings`` are the fields that wrangler's bundler reads; ``ignored`` are fields
    that change nothing here; ``consumers`` are the queues that it consumes, ``crons``
    its schedules, ``sqlite`` the classes of Durable Objects that have SQL. ``secrets``
    come from ``.dev.vars`` and are never shown. ``neighbours`` are the Workers behind
    its service bindings and theirs, by the name of the service (`_neighbours`).
    """

    folder: Path
    file: Path
    name: str
    main: Path
    compatibility_date: str
    compatibility_flags: tuple[str, ...]
    variables: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    bindings: tuple[Binding, ...]
    consumers: tuple[str, ...]
    crons: tuple[str, ...]
    sqlite: frozenset[str]
    settings: Mapping[str, Any]
    ignored: tuple[str, ...]
    neighbours: Mapping[str, Project] = field(default_factory=dict)

    @property
    def has_events(self) -> bool:
        """Whether anything but HTTP can reach it."""
        return bool(self.consumers or self.crons)

    @property
    def everyone(self) -> tuple[Project, ...]:
        """It and its neighbours."""
        return self, *self.neighbours.values()

    @property
    def unavailable(self) -> tuple[Binding, ...]:
        """Bindings that nothing here can stand for, those of neighbours included."""
        every = (each for own in self.everyone for each in own.bindings)
        return tuple(each for each in every if each.missing)

    def of(self, kind: str) -> list[Binding]:
        """Bindings of one kind that are provided."""
        return [each for each in self.bindings if each.kind == kind]

    def stubbed(self, names: tuple[str, ...]) -> Project:
        """The project with the bindings ``names`` answering every call with an error.

        Raises UserError for a name that no binding has, and where a binding is left
        that cannot be provided.
        """
        known = {each.called for own in self.everyone for each in own.bindings}
        for name in names:
            if name not in known:
                raise UserError(
                    f"no binding is called {name!r}",
                    file=self.file,
                    field="--stub",
                    remedy=f"name one of {', '.join(sorted(known)) or 'none'}",
                )
        beside = {at: _stubbed(own, names) for at, own in self.neighbours.items()}
        made = replace(_stubbed(self, names), neighbours=beside)
        if made.unavailable:
            raise _refused(made)
        return made


def _stubbed(project: Project, names: tuple[str, ...]) -> Project:
    def changed(each: Binding) -> Binding:
        if each.called not in names:
            return each
        return replace(each, kind=STUB, target=each.kind, missing="")

    return replace(project, bindings=tuple(map(changed, project.bindings)))


def _refused(project: Project) -> UserError:
    said = "; ".join(
        f"{each.called} ({each.kind}): {each.missing}" for each in project.unavailable
    )
    options = " ".join(f"--stub {each.called}" for each in project.unavailable)
    return UserError(
        f"cannot be provided here: {said}",
        file=project.file,
        field="bindings",
        remedy=f"{options} answers each of their calls with an error instead",
    )

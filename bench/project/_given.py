"""What is said of a project beside it: environment, neighbours, stubs, seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.project import Project
from bench.project._data import Seeds
from bench.project._neighbours import joined
from bench.project._wrangler import load


@dataclass(frozen=True, slots=True)
class Given:
    """``beside`` are folders of other Workers by service binding, ``stubs`` bindings
    that only fail, ``seeds`` files by kind and name of the binding, ``variables`` those
    that replace the project's own."""

    env: str | None
    beside: Sequence[tuple[str, Path]]
    stubs: Sequence[str]
    seeds: Seeds
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def project(self, folder: Path) -> Project:
        """The project in ``folder``. Raises UserError where anything does not fit."""
        own = joined(self._loaded(folder), self.beside)
        return own.stubbed(tuple(self.stubs))

    def older(self, folder: Path) -> tuple[Project, Seeds]:
        """The same of an older version, without what that has no binding for."""
        own = self._loaded(folder)
        first = {each.name for each in own.bindings}
        beside = [each for each in self.beside if each[0].partition(".")[0] in first]
        own = joined(own, beside)
        every = [each for one in own.everyone for each in one.bindings]
        names = {each.called for each in every}
        kinds = {(each.kind, each.called) for each in every}
        stubs = tuple(each for each in self.stubs if each in names)
        seeds = {key: path for key, path in self.seeds.items() if key in kinds}
        return own.stubbed(stubs), seeds

    def _loaded(self, folder: Path) -> Project:
        own = load(folder, self.env)
        return replace(own, secrets={**own.secrets, **self.variables})

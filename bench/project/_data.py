"""What the services of a project hold before the first request: seeds, migrations,
assets, prepared answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.project import Binding, Project, bindings
from bench.project._config import BEYOND, OUTSIDE
from bench.project._names import shown
from bench.project._neighbours import shared
from bench.project._outside import read as read_answers
from bench.project._seeds import read_folder, read_text
from bench.project._wrangler import inside
from bench.services import Services

Seeds = Mapping[tuple[str, str], Path]
"""Files by kind and name of the binding."""
_MOST_MIGRATIONS = 1000


class Data:
    """Everything that is put, read once; ``fill`` makes it so, as often as asked."""

    def __init__(self, project: Project, seeds: Seeds, outbound: Path | None) -> None:
        """Raises UserError for a seed of no binding, and a file that cannot be read."""
        self._puts: list[tuple[str, Any, Path | None]] = []
        self.dimensions: dict[str, int] = {}
        self.assets: dict[str, tuple[Binding, frozenset[str]]] = {}
        for own in project.everyone:
            for each in own.of("assets"):
                self._serve(own, each)
        self._migrate(project)
        for (kind, name), path in seeds.items():
            self._seed(_bound(project, kind, name), path)
        if outbound is not None:
            answers = read_answers(outbound)
            self._puts.append((OUTSIDE, answers, outbound))
            if project.neighbours:
                self._puts.append((BEYOND, answers, outbound))

    def configure(self, services: Services) -> None:
        """Give every index as many dimensions as its seed has."""
        for service, dimensions in self.dimensions.items():
            services.configure(service, dimensions=dimensions)

    def fill(self, services: Services) -> None:
        """Bring all services to where they start. Raises UserError naming the file."""
        services.reset(settings=False)
        for service, data, file in self._puts:
            try:
                services.put(service, data)
            except UserError as error:
                raise UserError(
                    shown(error.message, 300),
                    file=file,
                    field=service.removeprefix("env."),
                    remedy=error.remedy,
                ) from error

    def _migrate(self, project: Project) -> None:
        """Migrations of every database, of one of two Workers those of the first."""
        same = shared(project)
        done = set()
        for own in project.everyone:
            for each in own.of("d1"):
                service = bindings.service(each)
                files = _migrations(own, each)
                if not files or same.get(service, service) in done:
                    continue
                done.add(same.get(service, service))
                for file in files:
                    sql = {"sql": read_text(file, "a script of SQL")}
                    self._puts.append((service, sql, file))

    def _seed(self, binding: Binding, path: Path) -> None:
        data = bindings.load()[binding.kind].seed(binding, path)
        service = bindings.service(binding)
        if binding.kind == "vectorize":
            first = data["vectors"][0].get("values") if data["vectors"] else None
            if isinstance(first, list) and first:
                self.dimensions[service] = len(first)
        self._puts.append((service, data, path))

    def _serve(self, project: Project, binding: Binding) -> None:
        folder = inside(
            project.folder, binding.target, project.file, "assets.directory"
        )
        files = read_folder(folder)
        self.assets[binding.called] = binding, frozenset(files)
        data = {"files": files, "not_found": binding.details["not_found"]}
        self._puts.append((bindings.service(binding), data, folder))


def _migrations(project: Project, binding: Binding) -> Sequence[Path]:
    """Scripts in the order in which wrangler applies them: by their names."""
    name = binding.details["migrations"]
    field = "d1_databases.migrations_dir"
    folder = inside(project.folder, name, project.file, field)
    if not folder.is_dir():
        return []
    found = sorted(folder.glob("*.sql"), key=lambda file: file.name)
    if len(found) > _MOST_MIGRATIONS:
        raise UserError(
            f"holds more than {_MOST_MIGRATIONS:,} migrations",
            file=project.file,
            field=field,
            remedy="join some",
        )
    return found


def _bound(project: Project, kind: str, name: str) -> Binding:
    mine = {each.called: each for own in project.everyone for each in own.of(kind)}
    if name not in mine:
        raise UserError(
            f"no {kind} binding is called {shown(name)!r}",
            file=project.file,
            field=f"--seed-{kind}",
            remedy=f"name one of {', '.join(mine) or 'none, there is none'}",
        )
    return mine[name]

"""Isolates of the Worker under test: configured with its bindings, ready to start."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.path.env import Options
from bench.workerd import bundle, config, project, tools
from bench.workerd.isolates import Isolates
from bench.world import NOW

if TYPE_CHECKING:
    from bench.runtimes import Scene
    from bench.world import World

_CONFIG, _TRIGGER = "config.capnp", "trigger.mjs"


class Fleet(Isolates):
    """A process with one isolate for each of ``modules``, in their order."""

    def __init__(
        self,
        scene: Scene,
        modules: Sequence[str],
        *,
        trace: bool = False,
        arguments: Sequence[str] = (),
        v8_flags: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        measured: bool = True,
    ) -> None:
        super().__init__(
            write(scene, modules, v8_flags=v8_flags, options=options),
            len(modules) + 1,  # and the trigger of queues
            trace=trace,
            arguments=arguments,
            measured=measured,
        )


def write(
    scene: Scene,
    modules: Sequence[str],
    *,
    extra: Mapping[str, str] | None = None,
    v8_flags: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> Path:
    """A folder with the configuration and the modules of a process, ready to start.

    ``options`` replaces single options of the path that the world was built with.
    """
    works = scene.path.parent / "workerd"
    works.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=works))
    own = project.load(tools.PROJECT)
    isolates = [
        config.Isolate(_built(own, name, works, folder), extra or {})
        for name in modules
    ]
    shutil.copy(bundle.ENTRIES / _TRIGGER, folder)
    text = config.render(
        own,
        isolates,
        scene.endpoints,
        variables(replace(scene.world.options, **(options or {}))),
        secrets(scene.world),
        v8_flags,
    )
    (folder / _CONFIG).write_text(text, encoding="utf-8")
    return folder


def variables(options: Options) -> dict[str, Any]:
    """The path's options as the Worker takes them: variables in capitals."""
    return {each.name.upper(): getattr(options, each.name) for each in fields(options)}


def secrets(world: World) -> dict[str, str]:
    """The secrets by the names that the Worker knows them by."""
    known = world.secrets
    return {each.name.upper(): getattr(known, each.name) for each in fields(known)}


def _built(own: project.Project, name: str, works: Path, folder: Path) -> str:
    """The module of the entry ``name`` in ``folder``, bundled once a scene."""
    entry = bundle.ENTRIES / f"{name}.ts"
    if not entry.is_file():
        raise BenchError(f"{entry}: there is no such entry")
    made = works / f"{name}.mjs"
    if not made.is_file():
        clock = {"CLOCK_MS": str(round(NOW * 1000))}
        bundle.build(own, entry, made, clock)
    linked = folder / made.name
    if not linked.exists():
        linked.symlink_to(made)
    return made.name

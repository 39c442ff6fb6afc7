"""What a run says of a Worker beside its samples: what was built, served and asked."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from bench.project import STUB, Binding, bindings
from bench.project._config import BEYOND, OUTSIDE
from bench.project._names import shown
from bench.project._wrangler import relative
from bench.project.profile import Profile
from bench.project.scene import Scene

Row = dict[str, Any]


def collect(
    scene: Scene,
    statuses: Mapping[str, Mapping[str, int]],
    profile: Profile | None,
    *,
    any_status: bool,
) -> Row:
    """Plain values: ``project``, ``bindings``, ``unavailable`` (the stubbed ones),
    ``requests``, ``weights`` and ``statuses`` by route (the latter of the check),
    ``functions`` and ``flame`` of the profile, and ``outside``, what was asked there
    without its queries.
    """
    project, mix, size = scene.project, scene.mix, scene.bundle.size
    kinds = bindings.load()
    return {
        "project": {
            "name": project.name,
            "main": shown(relative(project.main, project.folder)),
            "compatibility_date": project.compatibility_date,
            "compatibility_flags": list(project.compatibility_flags),
            "script_bytes": size.script_bytes,
            "gzip_bytes": size.gzip_bytes,
            "modules": len(scene.bundle.modules),
            "ignored": list(project.ignored),
        },
        "bindings": [
            {
                "name": each.name,
                "kind": each.kind,
                "note": _note(kinds[each.kind], each),
            }
            for each in project.bindings
            if each.kind != STUB
        ],
        "unavailable": [
            {"binding": each.called, "kind": each.target, "stubbed": True}
            for own in project.everyone
            for each in own.bindings
            if each.kind == STUB
        ],
        "requests": {
            **mix.source,
            "total": mix.total,
            "replayed": sum(map(len, scene.routes.values())),
            "left_out": mix.left_out,
            "skipped": dict(mix.skipped),
            "assets": dict(scene.assets),
        },
        "weights": dict(scene.weights),
        "statuses": {route: dict(found) for route, found in statuses.items()},
        "any_status": any_status,
        "functions": list(profile.functions) if profile else [],
        "flame": list(profile.flame) if profile else [],
        "outside": _asked(scene),
    }


def _note(kind: ModuleType, binding: Binding) -> str:
    return str(kind.note(binding) if hasattr(kind, "note") else kind.NOTE)


def _asked(scene: Scene) -> list[Row]:
    """What it and its neighbours asked outside."""
    found: list[Row] = scene.services.dump(OUTSIDE)
    return found + (scene.services.dump(BEYOND) if scene.project.neighbours else [])

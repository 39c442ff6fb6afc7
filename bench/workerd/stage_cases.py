"""Stages by themselves, and start-up in phases, by ``workerd bench``."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from bench.measure import affinity
from bench.measure.process import Child
from bench.workerd import tools
from bench.workerd.config import text
from bench.workerd.fleet import write
from bench.workerd.process import WorkerdError, environment

if TYPE_CHECKING:
    from bench.runtimes import Scene

MODULE = "bench"
_INPUT = "/input"
_SENTINEL, _SENTINEL_TURNS = "sentinel/plain", 12
_LIMIT_S = 300.0
# Of each case; with some thirty cases a process takes a few seconds.
OPTIONS = {"warmup": "50ms", "minTime": "40ms", "samples": 10}


def runs(scene: Scene, seed: int) -> Generator[dict[str, list[float]]]:
    """Endless: CPU ns by case, each time from a fresh process.

    Cases are ``<invocation>/<stage>``, ``<invocation>/whole``, ``startup/<phase>``
    (isolate, script, worker, total) and ``sentinel/plain``, timed just before. What
    the harness does around a stage (a fresh request) is subtracted. Raises
    WorkerdError.
    """
    while True:
        seed = seed + 1
        yield {_SENTINEL: _sentinel(seed)} | _costs(_once(scene))


def _sentinel(seed: int) -> list[float]:
    with Child("bench.measure.subjects:sentinel", {}, seed=seed) as child:
        child.ready()
        turns = [child.turn("sentinel", 2) for _ in range(_SENTINEL_TURNS)]
    return [turn.cpu / turn.n for turn in turns]


def _once(scene: Scene) -> dict[str, Any]:
    folder = _folder(scene)
    output = folder / "bench.json"
    command = [
        *(str(tools.workerd()), "bench", "--experimental", "config.capnp"),
        *("0", "--format", "json", "--output", output.name),
    ]
    core = affinity.plan().measuring
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LIMIT_S,
            check=False,
            preexec_fn=None if core is None else lambda: affinity.pin(0, {core}),
        )
        if done.returncode or not output.is_file():
            raise WorkerdError(
                f"workerd bench ended with code {done.returncode}: "
                f"{done.stdout.strip()[-800:]}"
            )
        report: dict[str, Any] = orjson.loads(output.read_bytes())
        return report
    except subprocess.TimeoutExpired as error:
        raise WorkerdError(f"workerd bench took over {_LIMIT_S:g} s") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder(scene: Scene) -> Path:
    requests = scene.world.requests
    given = {
        name: {
            "method": request.method,
            "path": request.path,
            "headers": dict(request.headers),
        }
        for name, request in requests.items()
    }
    extra = {
        "REQUESTS": f"json = {text(json.dumps(given))}",
        "OPTIONS": f"json = {text(json.dumps(OPTIONS))}",
    }
    extra |= {f"BODY_{name}": f"data = embed {text(name)}" for name in requests}
    folder = write(scene, [MODULE], extra=extra)
    for name, request in requests.items():
        (folder / name).write_bytes(request.body)
    return folder


def _costs(report: dict[str, Any]) -> dict[str, list[float]]:
    # workerd has subtracted what an empty asynchronous case costs.
    found: dict[str, list[float]] = {}
    for group in report["groups"]:
        for case in group["cases"]:
            if case["status"] != "ok":
                raise WorkerdError(f"workerd bench: {case['name']}: {case['status']}")
            name = str(case["name"]).replace(":", "/", 1)
            found[name] = [float(value) for value in case["cpuNs"]["samples"]]
    return {
        name: _without_input(values, found.get(name + _INPUT))
        for name, values in found.items()
        if not name.endswith(_INPUT)
    }


def _without_input(values: list[float], made: list[float] | None) -> list[float]:
    if made is None:
        return values
    cost = sum(made) / len(made)
    return [max(value - cost, 0.0) for value in values]

"""A V8 CPU profile of the warm mix, as functions, collapsed stacks and speedscope.

The profile says where time goes and not how much: a function's milliseconds are those
of the profiled requests, and its share is of all that was not idle.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from bench.path.http import Request
from bench.project._names import shown
from bench.project._source_map import SourceMap
from bench.project.scene import Scene
from bench.workerd.inspector import ARGUMENT, Inspector
from bench.workerd.profiling import IDLE, INTERVAL_US, V8_FLAGS, folded, stacks, timed

WARM_REQUESTS = 100
MOST = 40
"""Functions that a table holds, the dearest first."""
MOST_STACKS = 400
"""Stacks that a flame graph is drawn of, the dearest first."""
_ANONYMOUS, _NATIVE = "(anonymous)", "(native)"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Profile:
    """What the profiler said over ``requests`` requests."""

    found: Mapping[str, Any]
    requests: int
    functions: Sequence[Row]
    flame: Sequence[Row]

    def files(self) -> dict[str, bytes]:
        """The profile in three forms, by name: for DevTools, speedscope, FlameGraph."""
        return {
            "worker.cpuprofile": orjson.dumps(self.found),
            "worker.speedscope.json": orjson.dumps(speedscope(self.found)),
            "worker.folded.txt": folded(self.found).encode(),
        }


def profile(scene: Scene, seconds: float, seed: int = 1) -> Profile:
    """Profile the mix for ``seconds``, warm, in one isolate. Raises BenchError."""
    draw = random.Random(seed)
    routes, weights = list(scene.routes), list(scene.weights.values())
    scene.reset()

    def one() -> Request:
        [route] = draw.choices(routes, weights)
        return draw.choice(list(scene.routes[route]))

    with (
        scene.discreet(),
        scene.isolates(1, arguments=[ARGUMENT], v8_flags=V8_FLAGS) as isolates,
    ):
        for _ in range(WARM_REQUESTS):
            isolates.ask(0, one())
        with Inspector(isolates.inspector_port) as inspector:
            inspector.call("Profiler.enable")
            inspector.call("Profiler.setSamplingInterval", interval=INTERVAL_US)
            inspector.call("Profiler.start")
            done, until = 0, time.monotonic() + seconds
            while done == 0 or time.monotonic() < until:
                isolates.ask(0, one())
                done += 1
            found = inspector.call("Profiler.stop")["profile"]
    main = scene.bundle.modules[0].name
    source_map = None
    if scene.bundle.source_map is not None:
        source_map = SourceMap(scene.bundle.source_map, scene.project.folder)
    _clean(found)
    by_function = functions(found, done, main, source_map)
    return Profile(found, done, by_function, flame(found, done, main, source_map))


def _clean(found: dict[str, Any]) -> None:
    """Names of functions and modules made safe, and nothing of where modules lie."""
    for node in found["nodes"]:
        frame = node["callFrame"]
        frame["url"] = shown(frame["url"].rpartition("/")[2])
        frame["functionName"] = shown(frame["functionName"])


def functions(
    found: Mapping[str, Any], requests: int, main: str, source_map: SourceMap | None
) -> list[Row]:
    """Time of each ``function`` itself: ``source``, ``self_ms`` a request, ``share``.

    The names in parentheses are V8's, for what is no function of the Worker.
    """
    frames = {node["id"]: node["callFrame"] for node in found["nodes"]}
    spent: defaultdict[tuple[str, str], float] = defaultdict(float)
    for ident, us in timed(found):
        frame = frames[ident]
        if frame["functionName"] != IDLE:
            spent[_function(frame, main, source_map)] += us
    whole = sum(spent.values())
    ordered = sorted(spent.items(), key=lambda item: -item[1])[:MOST]
    return [
        {
            "function": name,
            "source": source,
            "self_ms": us / 1000 / requests,
            "share": us / whole,
        }
        for (name, source), us in ordered
        if us > 0
    ]


def flame(
    found: Mapping[str, Any], requests: int, main: str, source_map: SourceMap | None
) -> list[Row]:
    """Time of each ``stack`` of functions, the outermost first: ``self_ms`` a request.

    A function is named with its place in the sources, where that is known.
    """
    named = {
        ident: tuple(
            " ".join(_function(frame, main, source_map)).strip()
            for frame in list(frames)[1:]  # the root is no function
        )
        for ident, frames in stacks(found)
    }
    spent: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for ident, us in timed(found):
        if named[ident] and named[ident][-1] != IDLE:
            spent[named[ident]] += us
    ordered = sorted(spent.items(), key=lambda item: -item[1])[:MOST_STACKS]
    return [
        {"stack": list(stack), "self_ms": us / 1000 / requests}
        for stack, us in ordered
        if us > 0
    ]


def _function(
    frame: Mapping[str, Any], main: str, source_map: SourceMap | None
) -> tuple[str, str]:
    """Name and place of a function, in the project's own sources where they are known.

    The profiler counts lines and columns from 0, and has -1 for what has none.
    """
    url = frame["url"]
    name = frame["functionName"] or (_ANONYMOUS if url else _NATIVE)
    line, column = int(frame["lineNumber"]), int(frame["columnNumber"])
    source = None
    if url == main and source_map is not None:
        source = source_map.place(line, column)
    if source is None and url:
        source = f"{url}:{line + 1}"
    return name, source or ""


def speedscope(found: Mapping[str, Any]) -> Row:
    """The profile in speedscope's file format (speedscope.app/file-format-schema.json):
    each sample's stack from the outermost, and its microseconds."""
    parents = {c: n["id"] for n in found["nodes"] for c in n.get("children", ())}
    place = {node["id"]: number for number, node in enumerate(found["nodes"])}
    frames = [
        {"name": frame["functionName"] or _ANONYMOUS, "file": frame["url"],
         "line": max(int(frame["lineNumber"]) + 1, 0)}
        for frame in (node["callFrame"] for node in found["nodes"])
    ]  # fmt: skip
    samples, weights = [], []
    for ident, us in timed(found):
        stack, at = [], ident
        while at in parents:  # the root is no function
            stack.append(place[at])
            at = parents[at]
        if stack and frames[stack[0]]["name"] != IDLE:
            samples.append(stack[::-1])
            weights.append(us)
    sampled = {
        "type": "sampled",
        "name": "warm requests",
        "unit": "microseconds",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": samples,
        "weights": weights,
    }
    return {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": "workbench",
        "shared": {"frames": frames},
        "profiles": [sampled],
    }

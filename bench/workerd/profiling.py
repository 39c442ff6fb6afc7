"""A V8 CPU profile of the warm path, and its split by stage beside the meter's own."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from bench.path import stages
from bench.workerd.fleet import Fleet
from bench.workerd.inspector import ARGUMENT, Inspector
from bench.workerd.subjects import WHOLE, check

if TYPE_CHECKING:
    from bench.runtimes import Scene

# Without it a loop that runs long and is called seldom is charged to its caller.
V8_FLAGS = ("--no-use-osr",)
INTERVAL_US = 100
WARM_REQUESTS = 150
# V8's names for what is no function of the Worker.
IDLE = "(idle)"
_OWN_ROWS = {"(garbage collector)": "garbage collector", "(program)": "outside JS"}
OTHER = "other"
# What the stream stage leaves behind to be called for each chunk.
_STREAM = {"transform": "stream", "flush": "stream"}


def profile(
    scene: Scene, invocation: str, seconds: float
) -> tuple[dict[str, Any], int]:
    """The profile of warm requests (.cpuprofile) and how many there were.

    The isolate is alone on the measuring core, pinned. Raises BenchError.
    """
    request = scene.world.requests[invocation]
    with Fleet(scene, [WHOLE], arguments=[ARGUMENT], v8_flags=V8_FLAGS) as fleet:
        for _ in range(WARM_REQUESTS):
            check(scene, invocation, fleet.ask(0, request))
        with Inspector(fleet.inspector_port) as inspector:
            inspector.call("Profiler.enable")
            inspector.call("Profiler.setSamplingInterval", interval=INTERVAL_US)
            inspector.call("Profiler.start")
            done, until = 0, time.monotonic() + seconds
            while done == 0 or time.monotonic() < until:
                check(scene, invocation, fleet.ask(0, request))
                done += 1
            found = inspector.call("Profiler.stop")["profile"]
    return _private(found), done


def _private(profile: dict[str, Any]) -> dict[str, Any]:
    """The profile with the names of modules and nothing of where they lie."""
    for node in profile["nodes"]:
        frame = node["callFrame"]
        frame["url"] = frame["url"].rpartition("/")[2]
    return profile


def functions(invocation: str) -> dict[str, str]:
    """Name of the function in the Worker -> stage."""
    return {_camel(stage): stage for stage in stages(invocation)} | _STREAM


def _camel(stage: str) -> str:
    return re.sub("_([a-z])", lambda letter: letter[1].upper(), stage)


def by_stage(profile: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, float]:
    """Milliseconds that samples spent below each function of ``names``.

    Each sample counts for the time until the next one, never for the interval that
    was asked for. What lies below no stage is the garbage collector, outside JS, or
    other; idle time is left out.
    """
    known = {ident: list(stack) for ident, stack in stacks(profile)}
    spent: defaultdict[str, float] = defaultdict(float)
    for ident, us in timed(profile):
        stack = known[ident]
        leaf = stack[-1]["functionName"]
        if leaf == IDLE:
            continue
        spent[_OWN_ROWS.get(leaf) or _stage(stack, names)] += us
    return {name: us / 1000 for name, us in spent.items()}


def _stage(stack: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """The innermost stage of a stack."""
    for frame in reversed(stack):
        if frame["functionName"] in names:
            return names[frame["functionName"]]
    return OTHER


def timed(profile: Mapping[str, Any]) -> Iterator[tuple[int, float]]:
    """Node id and microseconds of each sample.

    While no isolate is entered nothing is sampled, and the last sample before such a
    pause would get all of it: none counts for more than twice the usual interval. A
    delta may be negative where the clock was read on two cores.
    """
    deltas = [max(us, 0) for us in profile["timeDeltas"][1:]]
    usual = float(INTERVAL_US)
    if len(deltas) > 1:
        usual = quantiles(deltas, n=4, method="inclusive")[0]
    for ident, us in zip(profile["samples"], [*deltas, usual], strict=True):
        yield ident, min(us, 2 * usual)


def stacks(
    profile: Mapping[str, Any],
) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
    """Node id -> frames from the outermost to the node's own."""
    nodes = {node["id"]: node for node in profile["nodes"]}
    parents = {
        child: ident
        for ident, node in nodes.items()
        for child in node.get("children", ())
    }
    for ident in nodes:
        frames = []
        at: int | None = ident
        while at is not None:
            frames.append(nodes[at]["callFrame"])
            at = parents.get(at)
        yield ident, frames[::-1]


def folded(profile: Mapping[str, Any]) -> str:
    """Collapsed stacks, one a line with its microseconds (Gregg, FlameGraph)."""
    known = dict(stacks(profile))
    weights: defaultdict[str, float] = defaultdict(float)
    for ident, us in timed(profile):
        names = [frame["functionName"] or "(anonymous)" for frame in known[ident][1:]]
        if names and names[-1] != IDLE:
            label = ";".join(re.sub(r"[;\s]", "_", name) for name in names)
            weights[label] += us
    return "".join(
        f"{stack} {round(us)}\n" for stack, us in sorted(weights.items()) if us >= 1
    )

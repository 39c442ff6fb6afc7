"""Two versions of a Worker in turns on one core: ``bench worker DIR --against OLD``.

Both are bundled and served alike, each with services of its own, and asked the same
requests. A turn plays all requests of a route a number of times, from where the
services started; beside the two the old one takes turns once more, as the control.

    invocation  versions    stage    the route
    variant     baseline (the old one), candidate (the new one), control
    metric      locked, which is what Workers charges (us), or cpu where workerd cannot
                tell it

Only routes that both answer with the same statuses are compared.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from bench.errors import UserError
from bench.measure import affinity
from bench.measure.checkouts import BASELINE, CANDIDATE
from bench.measure.compare import Budget
from bench.measure.contest import Contest, block, hold
from bench.measure.process import Turn
from bench.measure.project import Answers, check
from bench.measure.stages import Reporter
from bench.measure.turns import Member, Pace
from bench.project import Project
from bench.project._data import Seeds
from bench.project.requests import Mix
from bench.project.scene import Scene, stage, status_of
from bench.project.subjects import WarmUp
from bench.workerd import tools

if TYPE_CHECKING:
    from bench.store import Run

INVOCATION, FACTS = "versions", "facts.json"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """How long the turns take, how fine they should tell, how warm isolates are."""

    budget: Budget
    pace: Pace
    warm_up: WarmUp


SIZES = {
    "quick": Size(
        Budget(seconds=60, target_width=0.02),
        Pace(rounds=40, seconds=4, warm_seconds=0.05, least=1),
        WarmUp(120, 4.0),
    ),
    "full": Size(
        Budget(seconds=400, target_width=0.006),
        Pace(rounds=60, seconds=20, warm_seconds=0.5),
        WarmUp(1000, 20.0),
    ),
}
_SET_UP_S = 15
# Shorter than elsewhere in workerd: a Worker may have two dozen routes, and what is
# charged is read from a trace and not as a small difference of clocks.
TURN_NS = 2_000_000


class Version:
    """A subject of `bench.measure.turns`: an isolate of one version.

    A case is a route, a loop asks all its requests once. What is charged stands in the
    place of CPU, and ``extra`` has the CPU of the thread where that is another thing.
    ``statuses`` counts what was answered, by route.
    """

    def __init__(
        self,
        scene: Scene,
        seed: int,
        warm_up: WarmUp,
        statuses: Mapping[str, Counter[int]],
    ) -> None:
        self.seed = seed
        self.startup_cpu_ns = 0
        self._scene, self._warm_up, self._statuses = scene, warm_up, statuses
        self._isolates = scene.isolates(1, trace=tools.features().async_trace)

    def ready(self) -> None:
        """Wait until it listens, and play the mix until it is warm."""
        self._isolates.ready()
        self._scene.reset()
        draw = random.Random(self.seed)
        routes = list(self._statuses)
        weights = [self._scene.weights[route] for route in routes]
        # The limit is for Workers of whole seconds: a version that is ready before the
        # others are has a busier machine, and must not be less warm for it.
        until = time.monotonic() + self._warm_up.seconds
        for route in draw.choices(routes, weights, k=self._warm_up.requests):
            if time.monotonic() > until:
                break
            self._isolates.ask(0, draw.choice(list(self._scene.routes[route])))

    def turn(self, case: str, n: int = 1) -> Turn:
        """Play the requests of the route ``case`` n times. Raises WorkerdError."""
        self._scene.reset()
        charged = cpu = wall = 0
        for request in list(self._scene.routes[case]) * n:
            cost, answer = self._isolates.cost(0, request)
            self._statuses[case][status_of(request, answer)] += 1
            cpu, wall = cpu + cost.cpu, wall + cost.wall
            # Wall time: what waited for its core has worked less.
            charged += cost.cpu if cost.locked is None else min(cost.locked, cost.cpu)
        extra = {"cpu": cpu} if metric() == "locked" else {}
        return Turn(case, n, charged, wall, None, extra)

    def close(self) -> None:
        """End the process; safe to call twice."""
        self._isolates.close()


def metric() -> str:
    """What is compared here."""
    return "locked" if tools.features().async_trace else "cpu"


def seconds(profile: str) -> float:
    """An upper estimate for the progress display."""
    return SIZES[profile].budget.seconds + _SET_UP_S


def measure(
    run: Run,
    *,
    old: Project,
    new: Project,
    mix: Mix,
    seeds: tuple[Seeds, Seeds],
    outbound: Path | None,
    profile: str,
    seed: int,
    progress: Reporter,
    within: float,
    size: Size | None = None,
) -> Row:
    """Groups of both versions into ``run``, then the document that is derived of it.

    ``seeds`` are those of the old one and of the new one; a ratio within ``within`` of
    1 is the same. Raises UserError for a project that cannot be started, or where no
    route can be compared; BenchError where workerd or wrangler cannot run here.
    """
    from bench.measure import project_turns_tables

    size = size or SIZES[profile]
    progress.step("bundling both versions")
    with affinity.driving(), ExitStack() as stack:
        both = {
            name: stack.enter_context(
                stage(own, mix, seeds=mine, outbound=outbound, seed=seed)
            )
            for name, own, mine in zip(
                (BASELINE, CANDIDATE), (old, new), seeds, strict=True
            )
        }
        progress.step("asking each request once")
        refused, differing = _compared(both)
        routes = [route for route in both[CANDIDATE].routes if route not in refused]
        if not routes:
            said = "; ".join(f"{route} {why}" for route, why in refused.items())
            raise UserError(
                f"no route can be compared: {said}",
                field="--against",
                remedy="name requests that both versions answer alike",
            )
        seen: dict[str, dict[str, Counter[int]]] = {
            name: {route: Counter() for route in routes} for name in both
        }
        with both[CANDIDATE].discreet(), both[BASELINE].discreet():
            hold(
                _contest(both, seen, size),
                run,
                seed=seed,
                on_group=lambda done, width: progress.step(
                    f"group {done}, width {width:.1%}"
                ),
            )
        found = _facts(both, refused, differing, seen, within)
        run.save(FACTS, orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS))
    return project_turns_tables.document(run)


def _contest(
    both: Mapping[str, Scene],
    seen: Mapping[str, Mapping[str, Counter[int]]],
    size: Size,
) -> Contest:
    def member(name: str) -> Member:
        def start(seed: int) -> Version:
            return Version(both[name], seed, size.warm_up, seen[name])

        cases = {block(route, ""): route for route in seen[name]}
        return Member(name, start, cases, turn_ns=TURN_NS)

    return Contest(
        invocation=INVOCATION,
        members=[member(name) for name in both],
        reference=BASELINE,
        budget=size.budget,
        pace=size.pace,
        runtimes=dict.fromkeys(both, "workerd"),
        metric=metric(),
    )


def _compared(both: Mapping[str, Scene]) -> tuple[dict[str, str], list[str]]:
    """Why which route is not compared, and routes with answers of other bytes."""
    answers: list[Answers] = []
    refused: dict[str, str] = {}
    for name, scene in both.items():
        wrong, given = check(scene)
        refused |= {route: f"failed in the {name}: {e}" for route, e in wrong.items()}
        answers.append(given)
    old, new = answers
    differing: dict[str, None] = {}
    for case in old:
        route = case.rpartition("#")[0]
        if case not in new:
            refused.setdefault(route, "was not asked of both")
        elif old[case][0] != new[case][0]:
            refused.setdefault(
                route, f"answers {new[case][0]}, and {old[case][0]} before"
            )
        elif old[case][1] != new[case][1]:
            differing[route] = None
    common = both[BASELINE].routes.keys() & both[CANDIDATE].routes.keys()
    for route in (
        both[BASELINE].routes.keys() | both[CANDIDATE].routes.keys()
    ) - common:
        refused.setdefault(route, "is answered by static assets in one version")
    return refused, [route for route in differing if route not in refused]


def _facts(
    both: Mapping[str, Scene],
    refused: Mapping[str, str],
    differing: Sequence[str],
    seen: Mapping[str, Mapping[str, Counter[int]]],
    within: float,
) -> Row:
    scene = both[CANDIDATE]
    return {
        "versions": {
            name: {
                "name": each.project.name,
                "script_bytes": each.bundle.size.script_bytes,
                "gzip_bytes": each.bundle.size.gzip_bytes,
            }
            for name, each in both.items()
        },
        "requests": {**scene.mix.source, "total": scene.mix.total},
        "weights": {route: scene.mix.weights[route] for route in scene.mix.routes},
        "refused": dict(refused),
        "differing": list(differing),
        "statuses": {
            name: {route: dict(codes) for route, codes in mine.items()}
            for name, mine in seen.items()
        },
        "within": within,
        "metric": metric(),
    }

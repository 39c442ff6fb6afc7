"""What a Worker is measured in: services that run, its bundle, and who is asked."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from bench.errors import BenchError, UserError
from bench.measure import affinity
from bench.path.http import Request
from bench.paths import private
from bench.project import Project, _assets, _beside, _bundle, _config, _hosts, bindings
from bench.project._beside import Neighbours
from bench.project._bundle import Bundle
from bench.project._data import Data, Seeds
from bench.project._names import shown
from bench.project._running import Running
from bench.project.requests import Mix
from bench.project.requests._route import CRON, QUEUE
from bench.services import Services
from bench.workerd.bundle import ENTRIES
from bench.workerd.process import QUEUE_PATH

CALLS = "calls."
"""What begins the names of metrics that count calls, by binding."""
FAILED = 500
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_TOLD = 4  # letters of a private value below which it is no secret, but a word
_HIDDEN = "[hidden]"
_PRIVATE = frozenset({"authorization", "cookie", "x-api-key", "x-auth-token"})


@dataclass(frozen=True)
class Scene:
    """A Worker ready to be started any number of times, and its requests by route.

    ``assets`` counts requests of ``mix`` that its static assets answer: they never
    reach it, and are not in ``routes``.
    """

    project: Project
    bundle: Bundle
    services: Services
    mix: Mix
    routes: Mapping[str, Sequence[Request]]
    assets: Mapping[str, int]
    data: Data
    folder: Path
    private: Sequence[str] = field(repr=False)
    neighbours: Neighbours | None = None

    @property
    def weights(self) -> Mapping[str, int]:
        """How often each of ``routes`` was asked."""
        return {route: self.mix.weights[route] for route in self.routes}

    @property
    def changes(self) -> bool:
        """Whether a request may change what the services hold."""
        every = [each for mine in self.routes.values() for each in mine]
        return any(each.method not in _SAFE for each in every)

    def isolates(
        self,
        count: int,
        *,
        trace: bool = False,
        arguments: Sequence[str] = (),
        v8_flags: Sequence[str] = (),
        collects: bool = False,
    ) -> Running:
        """A process with ``count`` isolates of the Worker, and after them the floor;
        with ``collects``, and after that what collects the garbage of isolate 0."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        _config.write(
            folder,
            self.project,
            self.bundle,
            count,
            self._endpoints(),
            trigger=ENTRIES / "trigger.mjs",
            v8_flags=v8_flags,
            collects=collects,
        )
        sockets = count + 1 + collects + self.project.has_events
        return Running(folder, sockets, trace=trace, arguments=arguments)

    def _endpoints(self) -> dict[str, str]:
        """Where the services of the Worker itself are, and its neighbours."""
        own = {bindings.service(each) for each in self.project.bindings}
        own |= {_config.OUTSIDE, _config.CACHE}
        found = {k: v for k, v in self.services.endpoints.items() if k in own}
        return found | (self.neighbours.endpoints if self.neighbours else {})

    def reset(self) -> None:
        """Bring the services back to where they started, if requests change them."""
        if self.changes:
            self.data.fill(self.services)

    def used(self) -> Counter[str]:
        """Requests that each service has counted so far: ``calls.<binding>``."""
        counted: Counter[str] = Counter()
        stats, mine = self.services.stats(), self._endpoints()
        for name in stats:
            # The Cache API is no subrequest to a binding, nor one that counts here.
            if name in mine and name != _config.CACHE:
                counted[CALLS + name.removeprefix("env.")] = stats[name]["requests"]
        if self.neighbours is not None:
            for binding, n in self.neighbours.used().items():
                counted[CALLS + binding] = n
        return counted

    def hide(self, text: str) -> str:
        """``text`` without folders of this machine, secrets, and headers like them."""
        for value in self.private:
            text = text.replace(value, _HIDDEN)
        return shown(private(text, hide=[str(self.folder)]), 600)

    @contextmanager
    def discreet(self) -> Iterator[None]:
        """Errors of what runs inside, without what is private in their words."""
        try:
            yield
        except UserError:
            raise
        except BenchError as error:
            raise BenchError(self.hide(str(error))) from None


def status_of(request: Request, answer: tuple[int, bytes]) -> int:
    """The status of an answer; of an event that is no HTTP, 200 where it succeeded."""
    if not request.path.startswith(QUEUE_PATH):
        return answer[0]
    try:
        told: Any = orjson.loads(answer[1])
    except orjson.JSONDecodeError:
        return FAILED
    ok = isinstance(told, dict) and told.get("outcome") == "ok"
    return answer[0] if ok else FAILED


@contextmanager
def stage(
    project: Project,
    mix: Mix,
    *,
    seeds: Seeds,
    outbound: Path | None,
    seed: int = 1,
) -> Iterator[Scene]:
    """Bundle the Worker, start its services on the driving cores, and seed them.

    Raises UserError where something of the user's cannot be used, BenchError where
    workerd or wrangler cannot run here.
    """
    reason = _bundle.unavailable()
    if reason is not None:
        raise BenchError(reason)
    _check_events(project, mix)
    data = Data(project, seeds, outbound)
    routes, answered = _split(mix, data)
    if not routes:
        raise UserError(
            "every request is answered by static assets, which cost no CPU",
            field="--requests",
            remedy="name requests that reach the Worker",
        )
    with tempfile.TemporaryDirectory(prefix="workbench-") as place:
        folder = Path(place)
        (folder / "bundle").mkdir()
        bundle = _bundle.build(project, folder / "bundle")
        cores = set(affinity.plan().driving) or None
        beside = _beside.build(project, folder)
        with ExitStack() as stack:
            services = stack.enter_context(_hosts.start(project, seed, cores))
            data.configure(services)
            data.fill(services)
            private = _private(project, routes)
            scene = Scene(
                project, bundle, services, mix, routes, answered, data, folder, private
            )
            if beside:
                with scene.discreet():
                    running = _beside.start(project, beside, services, folder)
                    scene = replace(scene, neighbours=stack.enter_context(running))
            yield scene


def _check_events(project: Project, mix: Mix) -> None:
    known = {f"{QUEUE}{shown(name)}" for name in project.consumers}
    known |= {f"{CRON}{shown(name)}" for name in project.crons}
    for route in mix.routes:
        if route.startswith(QUEUE) and route not in known:
            raise UserError(
                f"the Worker does not consume the {route}",
                file=project.file,
                field="queues.consumers",
                remedy="leave its batches out, or name another queue",
            )
        if route.startswith(CRON) and route not in known:
            raise UserError(
                f"the Worker has no schedule {route.removeprefix(CRON)!r}",
                file=project.file,
                field="triggers.crons",
                remedy=f"name one of {', '.join(project.crons) or 'none'}",
            )


def _split(mix: Mix, data: Data) -> tuple[dict[str, Sequence[Request]], dict[str, int]]:
    """Requests that reach the Worker, and how many its assets answer, by route."""
    routes: dict[str, Sequence[Request]] = {}
    answered: dict[str, int] = {}
    for route, requests in mix.routes.items():
        mine = [each for each in requests if not _is_asset(each, data)]
        if mine:
            routes[route] = mine
        else:
            answered[route] = mix.weights[route]
    return routes, answered


def _is_asset(request: Request, data: Data) -> bool:
    path = urlsplit(request.path).path
    if request.method not in ("GET", "HEAD") or request.path.startswith(QUEUE_PATH):
        return False
    for binding, files in data.assets.values():
        if binding.place:
            continue  # a neighbour's
        first = binding.details["worker_first"]
        if first is True or (isinstance(first, list) and _runs_first(path, first)):
            continue
        missing = binding.details["not_found"]
        if _assets.found(path, files) or missing == "single-page-application":
            return True
    return False


def _runs_first(path: str, rules: Sequence[str]) -> bool:
    """Whether the Worker comes before its assets: a rule with ``!`` says that not."""
    if any(fnmatch(path, rule[1:]) for rule in rules if rule.startswith("!")):
        return False
    return any(fnmatch(path, rule) for rule in rules)


def _private(project: Project, routes: Mapping[str, Sequence[Request]]) -> list[str]:
    """Values that no result may hold, the longest first."""
    found = {value for own in project.everyone for value in own.secrets.values()}
    for requests in routes.values():
        for each in requests:
            found |= {v for k, v in each.headers.items() if k in _PRIVATE}
    return sorted((v for v in found if len(v) >= _TOLD), key=len, reverse=True)

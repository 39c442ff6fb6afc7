"""What is sent to a Worker, from a file: one file of this folder for each format.

`bench.registry` finds a format by listing this folder. It defines

    NOTE       the format in a sentence
    SUFFIXES   names of files that have it, such as ``.har``
    fits(data) -> bool                 whether bytes without such a name look like it
    parse(data, file) -> Parsed        the requests; raises UserError that names the
                                       field or line which is wrong

Only method, path, query, headers and body are replayed, to the Worker on loopback,
whatever host the file names. A request of a route like many others is one of its
route: numbers and ids in a path are collapsed, and the query is no part of its name.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType

from bench import registry
from bench.errors import UserError
from bench.files import read_input, sha256
from bench.path.http import Request
from bench.project._names import shown
from bench.project.requests._route import OTHER, route_of

REQUIRED = ("NOTE", "SUFFIXES", "fits", "parse")
LARGEST = 64 * 2**20  # bytes of a file
MOST = 64
"""Different requests that are replayed; of more, a sample by route is."""
MOST_ROUTES = 24
"""Routes that are told apart; the rarest of more are one."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Requests in the order of a file, and why how many others cannot be replayed."""

    requests: Sequence[Request]
    skipped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mix:
    """The requests to be replayed, by route, and how often each route was asked.

    ``left_out`` counts requests that are alike or were not drawn: their route stands
    for them. ``source`` has the file's name, its format and its SHA-256.
    """

    source: Mapping[str, str]
    routes: Mapping[str, Sequence[Request]]
    weights: Mapping[str, int]
    skipped: Mapping[str, int]
    left_out: int

    @property
    def total(self) -> int:
        """Requests of the file that can be replayed."""
        return sum(self.weights.values())


@cache
def load() -> dict[str, ModuleType]:
    """The formats by name, in alphabetical order."""
    return registry.load("bench.project.requests", REQUIRED)


def read(path: Path | None, seed: int = 1) -> Mix:
    """The mix of the file ``path``, ``GET /`` where none is named.

    Raises UserError where the file is missing, in no known format, or holds no request
    that can be replayed.
    """
    if path is None:
        return mix([Request("GET", url("/"), {}, b"")], {}, {"format": "default"}, seed)
    data = read_input(path, what="a file of requests", limit=LARGEST)
    name, module = _format(path, data)
    parsed = module.parse(data, path)
    if not parsed.requests:
        why = ", ".join(f"{n} of {reason}" for reason, n in parsed.skipped.items())
        raise UserError(
            "holds no request that can be replayed" + (f": {why}" if why else ""),
            file=path,
            remedy="write a line such as `GET /`",
        )
    source = {"file": shown(path.name), "format": name, "sha256": sha256(data)}
    return mix(parsed.requests, parsed.skipped, source, seed)


def mix(
    requests: Sequence[Request],
    skipped: Mapping[str, int],
    source: Mapping[str, str],
    seed: int,
) -> Mix:
    """``requests`` by route: each route has one at least, and the more the more often
    it was asked."""
    names = [route_of(each) for each in requests]
    known = dict(Counter(names).most_common())
    kept = list(known) if len(known) <= MOST_ROUTES else list(known)[: MOST_ROUTES - 1]
    different: dict[str, list[Request]] = {}
    weights: Counter[str] = Counter()
    for name, request in zip(names, requests, strict=True):
        route = name if name in kept else OTHER
        weights[route] += 1
        mine = different.setdefault(route, [])
        if request not in mine[-MOST:]:
            mine.append(request)
    routes = _drawn(different, weights, random.Random(seed))
    left = len(requests) - sum(map(len, routes.values()))
    return Mix(source, routes, dict(weights), dict(skipped), left)


def _drawn(
    different: Mapping[str, Sequence[Request]],
    weights: Mapping[str, int],
    draw: random.Random,
) -> dict[str, list[Request]]:
    """At most about ``MOST`` requests in all."""
    if sum(map(len, different.values())) <= MOST:
        return {route: list(mine) for route, mine in different.items()}
    total = sum(weights.values())
    return {
        route: draw.sample(
            list(mine), min(len(mine), max(1, MOST * weights[route] // total))
        )
        for route, mine in different.items()
    }


def url(path: str) -> str:
    """``path`` as the Worker sees it: the whole URL, on a host that leads nowhere.

    The request line holds it, so that a Worker which asks for https is content.
    """
    return f"https://worker.localhost{path}"


def _format(path: Path, data: bytes) -> tuple[str, ModuleType]:
    formats = load()
    for name, module in formats.items():
        if path.suffix.lower() in module.SUFFIXES:
            return name, module
    for name, module in formats.items():
        if module.fits(data):
            return name, module
    raise UserError(
        "is in no known format",
        file=path,
        field="--requests",
        remedy="; or ".join(module.NOTE for module in formats.values()),
    )

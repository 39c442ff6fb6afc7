"""What the workloads are replayed against: services that run and are seeded, the path
in Python that says what is right, and isolates of the Worker."""

from __future__ import annotations

import json
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import fixture_set, runtimes, world
from bench.errors import BenchError
from bench.measure import affinity
from bench.path import Stage, invoke, stages, wire
from bench.path.env import Env
from bench.path.http import Request, read
from bench.path.transport import HttpTransport
from bench.services import Services
from bench.workerd.fleet import Fleet
from bench.workloads import Replay, _hosts
from bench.world import World

MODULE = "workloads"
# What begins the names of metrics that count what a request used.
CALLS, METER = "calls.", "meter."
_ASKING = ("chat", "agent")  # invocations that ask the model
# One set for all workloads: every one of them stays below what it has to do with.
_OPTIONS = {
    "history_messages": 10_000,
    "summarize_over_tokens": 10**9,
    "max_tool_calls": 8,
}
# What the article filters by, in turn over the chunks of the corpus.
_TYPES = ("policy", "manual", "regulation", "memo", "contract")
_DATES = ("2024-03-01", "2025-06-01", "2024-11-15", "2026-02-10")


@dataclass(frozen=True)
class Scene:
    """Seeded services with ``world``'s users, documents and conversations."""

    world: World
    services: Services
    seed: int
    workerd: runtimes.Scene

    @property
    def headers(self) -> Mapping[str, str]:
        """Of a user's JSON request, with a valid token."""
        return self.world.requests["chat"].headers

    @property
    def tenant(self) -> str:
        """The user's."""
        return str(_conversation()["tenantId"])

    def ask(self, path: str, conversation: str) -> Request:
        """The question of the world's chat in another ``conversation``."""
        body = wire.loads(self.world.requests["chat"].body)
        body |= {"conversationId": conversation}
        return Request("POST", path, self.headers, wire.dumps(body))

    def replay(
        self,
        fixture: str,
        invocation: str,
        request: Request,
        *,
        plan: Sequence[Stage] | None = None,
        **variants: Any,
    ) -> Replay:
        """``request`` with what the path in Python makes of it, twice alike.

        ``plan`` are other stages than its own, ``variants`` other options. Raises
        BenchError where it answers an error, or differently the second time.
        """
        with HttpTransport(self.workerd.endpoints) as transport:
            env = self._env(transport, variants)
            answers = []
            for _ in range(2):
                _, response = invoke(invocation, request, env, plan=plan)
                answers.append((response.status, read(response)))
        first, second = answers
        if first != second or first[0] >= 400:
            shown = [(status, body[:200]) for status, body in answers]
            raise BenchError(f"{invocation} answers {shown[0]}, then {shown[1]}")
        told = self.told() if invocation in _ASKING else None
        return Replay(fixture, request, first, told)

    def told(self) -> Any:
        """What the model was told last."""
        return self.services.dump("anthropic")["last_request"]

    def remember(self, conversation: Mapping[str, Any]) -> str:
        """Put a conversation (`bench.fixtures.conversation`) into D1; its id."""
        ident = str(conversation["id"])
        messages = conversation["messages"]
        row = {
            "id": ident,
            "tenant_id": self.tenant,
            "created_at": conversation["createdAt"],
            "updated_at": conversation["updatedAt"],
            "token_count": sum(message["tokenCount"] for message in messages),
        }
        said = [
            {
                "id": f"{ident}:{message['id']}",
                "conversation_id": ident,
                "role": message["role"],
                "content": message["content"],
                "created_at": message["createdAt"],
                "token_count": message["tokenCount"],
            }
            for message in messages
        ]
        self.services.put("d1", {"rows": {"conversations": [row], "messages": said}})
        return ident

    def isolates(self, count: int, *, trace: bool = False) -> Fleet:
        """A process with ``count`` isolates of the Worker, to be started."""
        return Fleet(self.workerd, [MODULE] * count, trace=trace)

    def used(self) -> Counter[str]:
        """What the services have counted so far, by metric: ``calls.<service>`` are
        requests, ``meter.<id>`` what they charged, in the unit of the price of that id.
        """
        counted: Counter[str] = Counter()
        for name, stats in self.services.stats().items():
            counted[CALLS + name] = stats["requests"]
            for meter, amount in stats["meters"].items():
                counted[METER + meter] += amount
        return counted

    def _env(self, transport: HttpTransport, variants: Mapping[str, Any]) -> Env:
        made = runtimes.environment(self.world, transport)
        return replace(made, options=replace(made.options, **variants))


@contextmanager
def stage(seed: int) -> Iterator[Scene]:
    """Start the services on the driving cores and seed them. Raises BenchError."""
    cores = set(affinity.plan().driving) or None
    with (
        _hosts.start(seed, cores) as running,
        tempfile.TemporaryDirectory(prefix="workbench-") as folder,
    ):
        transcript = fixture_set.read("transcript.json")
        made = world.build(running, transcript, seed, **_OPTIONS)
        _classify(running)
        endpoints = running.endpoints | {"outbound": running.outbound}
        workerd = runtimes.Scene(made, endpoints, {}, Path(folder, "scene"))
        yield Scene(made, running, seed, workerd)


def planned(invocation: str, *without: str, **instead: Stage) -> list[Stage]:
    """The stages of ``invocation``, less some, with others in the place of some."""
    return [
        instead.get(name, stage)
        for name, stage in stages(invocation).items()
        if name not in without
    ]


def _classify(services: Services) -> None:
    """Give every document a type and a date to filter by."""
    vectors = services.dump("vectorize")
    for vector in vectors:
        number = zlib.crc32(vector["id"].encode())
        vector["metadata"] |= {
            "documentType": _TYPES[number % len(_TYPES)],
            "effectiveDate": _DATES[number // len(_TYPES) % len(_DATES)],
        }
    services.put("vectorize", {"vectors": vectors})


def _conversation() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fixture_set.read("conversation.json"))
    return found

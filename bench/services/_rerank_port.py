"""A port whose requests are computed together when they wait together.

A request is parsed as it comes in; the batch it joins is computed in the next pass of
the event loop. Whatever came in while a batch was computed is one batch after it: no
request waits for a clock, and a lone one is computed at once.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence
from socket import socket

from aiohttp import web

from bench.services._breakage import break_answer, instead
from bench.services._faults import Fault
from bench.services._messages import Answer, Call, Refusal
from bench.services._port import Port, _call
from bench.services._rerank_wire import Job, Ranking
from bench.services.rerank import ROUTE, Service

Waiting = tuple[Sequence[Job], asyncio.Future[list[Ranking]]]


class BatchingPort(Port):
    """Serves a re-ranking service."""

    service: Service

    def __init__(self, service: Service, sock: socket) -> None:
        super().__init__(service, sock)
        self._waiting: list[Waiting] = []

    async def _answer(self, request: web.BaseRequest, fault: Fault | None) -> Answer:
        if request.method + " " + request.raw_path != ROUTE:
            return await super()._answer(request, fault)
        call = _call(request, await request.content.read())
        answer: Answer | None = None
        if fault is not None:
            answer = instead(self.service, fault)
        if answer is None:
            answer = await self._batched(call)
            if fault is not None:
                answer = break_answer(self.service, fault, answer)
        self.statuses[str(getattr(answer, "status", 200))] += 1
        return answer

    async def _batched(self, call: Call) -> Answer:
        try:
            jobs = self.service.jobs(call)
            return self.service.reply(call, await self._ranked(jobs))
        except Refusal as refusal:
            return refusal.reply
        except Exception:
            traceback.print_exc()
            return self.service.failure(500, "the service failed; see its stderr")

    def _ranked(self, jobs: Sequence[Job]) -> asyncio.Future[list[Ranking]]:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._compute)
        future: asyncio.Future[list[Ranking]] = loop.create_future()
        self._waiting.append((jobs, future))
        return future

    def _compute(self) -> None:
        waiting, self._waiting = self._waiting, []
        # A client that has gone took its question along.
        waiting = [(jobs, future) for jobs, future in waiting if not future.done()]
        if not waiting:
            return
        try:
            rankings = self.service.rank([job for jobs, _ in waiting for job in jobs])
        except Exception as error:
            for _, future in waiting:
                future.set_exception(error)
            return
        for jobs, future in waiting:
            future.set_result(rankings[: len(jobs)])
            rankings = rankings[len(jobs) :]

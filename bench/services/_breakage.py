"""How a fault breaks an answer that the service has made."""

from __future__ import annotations

import random
from dataclasses import replace

from bench.services._faults import Fault
from bench.services._messages import Answer, Reply, Stream
from bench.services._service import Base
from bench.services._streams import data_lines, events, inside_characters


def instead(service: Base, fault: Fault) -> Reply | None:
    """The answer that replaces the service's own, before it sees the request."""
    if fault.kind == "5xx":
        return service.failure(fault.params.status, "Internal server error")
    if fault.kind == "429":
        reply = service.failure(429, "Too Many Requests")
        wait = {"Retry-After": str(fault.params.retry_after)}
        return replace(reply, headers={**reply.headers, **wait})
    return None


def break_answer(service: Base, fault: Fault, answer: Answer) -> Answer:
    """``answer`` after the fault; unchanged where the fault does not apply to it."""
    if fault.kind == "overloaded":
        return _overloaded(service, fault, answer)
    if fault.kind == "malformed":
        return _malformed(fault, answer)
    if isinstance(answer, Stream) and fault.kind == "split_utf8":
        return replace(answer, split=inside_characters)
    if isinstance(answer, Stream) and fault.kind == "giant_line":
        return answer.with_body(_giant(service, fault.params.bytes, answer.body))
    return answer


def _overloaded(service: Base, fault: Fault, answer: Answer) -> Answer:
    if isinstance(answer, Reply):
        return service.overloaded()
    parts = events(answer.body)
    kept = parts[: int(len(parts) * fault.params.fraction)]
    return answer.with_body(b"".join([*kept, service.stream_error()]))


def _malformed(fault: Fault, answer: Answer) -> Answer:
    if isinstance(answer, Reply):
        return replace(answer, body=answer.body[: len(answer.body) // 2])
    parts = events(answer.body)
    with_json = [i for i, part in enumerate(parts) if data_lines(part)]
    if not with_json:
        return answer
    chosen = fault.params.event
    if chosen is None:
        rng = random.Random(f"{fault.params.seed}/{fault.service}/{fault.seen}/event")
        chosen = rng.randrange(len(with_json))
    place = with_json[min(chosen, len(with_json) - 1)]
    parts[place] = _half_json(parts[place])
    return answer.with_body(b"".join(parts))


def _half_json(event: bytes) -> bytes:
    found = data_lines(event)
    if found is None:
        return event
    start, end = found.span(1)
    return event[: start + (end - start) // 2] + event[end:]


def _giant(service: Base, size: int, body: bytes) -> bytes:
    parts = events(body)
    place = next(
        (i for i, part in enumerate(parts) if service.giant_after in part),
        len(parts) // 2,
    )
    return b"".join(
        [*parts[: place + 1], service.giant_event(size), *parts[place + 1 :]]
    )

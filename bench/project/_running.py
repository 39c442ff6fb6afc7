"""A process of somebody's Worker: what of a request's work is charged to the request.

A Worker that calls its own entry points has contexts within the context of its request;
all of them are one bill (Cloudflare docs, Workers pricing, service bindings). An object
has contexts too, which outlive requests and have a limit of their own: they are no part
of it.
"""

from __future__ import annotations

from typing import Any

from bench.workerd.config import TRIGGER
from bench.workerd.isolates import TRACE, Isolates
from bench.workerd.trace import Trace


class Charged(Trace):
    """A trace in which a request ends when every context that it opened has ended."""

    _open: frozenset[int] = frozenset()

    def skip(self) -> None:
        """Forget what was written so far."""
        super().skip()
        self._open = frozenset()

    def events(self) -> list[dict[str, Any]]:
        """Without the ends of contexts that are not the request's last one."""
        return [event for event in super().events() if self._counts(event)]

    def _counts(self, event: dict[str, Any]) -> bool:
        kind, ctx = event["e"], int(event.get("ctx", 0))
        if kind == "ctx" and event["worker"] != TRIGGER:
            if event.get("actor") is not None:
                return False
            self._open |= {ctx}
        if kind == "ctx_end" and ctx in self._open:
            self._open -= {ctx}
            return not self._open
        return True


class Running(Isolates):
    """Isolates whose trace is ``Charged``."""

    def ready(self) -> None:
        """Wait until every isolate listens. Raises WorkerdError."""
        super().ready()
        if self._trace is not None and not isinstance(self._trace, Charged):
            self._trace.close()
            self._trace = Charged(self._folder / TRACE)

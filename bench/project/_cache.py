"""The Cache API of a Worker that has just been deployed: nothing is in it, ever.

A miss of ``match`` is a 504 (workerd, api/cache.c++, 2026-08); ``put`` and ``delete``
are taken.
"""

from __future__ import annotations

from bench.services._messages import Answer, Call, Reply
from bench.services._service import Base


class Service(Base):
    """Misses."""

    def handle(self, call: Call) -> Answer:
        """A miss for a look-up, success for a change."""
        if call.method == "GET":
            return Reply(504, {"CF-Cache-Status": "MISS"})
        return Reply(404 if call.method == "PURGE" else 204)

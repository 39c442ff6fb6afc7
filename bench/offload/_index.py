"""The index that the Worker asks: results of a Vectorize query, prepared in advance.

The Vectorize service of this package keeps Vectorize's limits (50 matches with values,
1,536 dimensions); a break-even may lie beyond them, and searching is not the question.
``GET /query?k=&dims=&values=`` answers what was put under these words.
"""

from __future__ import annotations

from typing import Any

import msgspec

from bench.errors import UserError
from bench.services._messages import JSON, Answer, Call, Reply, json_reply, not_found
from bench.services._service import Base

HOST = "index"
PARTS = ("k", "dims", "values")


class Service(Base):
    """``put`` takes ``{"k=8&dims=1536&values=true": body, ..}``."""

    def clear(self) -> None:
        """Forget all results."""
        self._bodies: dict[str, bytes] = {}

    def put(self, data: Any) -> None:
        """Add results."""
        try:
            self._bodies |= msgspec.convert(data, dict[str, bytes])
        except msgspec.ValidationError as error:
            raise UserError(
                str(error), field=self.name, remedy="give bytes by question"
            ) from error

    def dump(self) -> list[str]:
        """The questions that have a result."""
        return sorted(self._bodies)

    def handle(self, call: Call) -> Answer:
        """Answer a question, 404 where it has no result."""
        if call.route != "GET /query":
            return not_found(call)
        asked = "&".join(f"{part}={call.query.get(part, '')}" for part in PARTS)
        body = self._bodies.get(asked)
        if body is None:
            return json_reply({"error": f"nothing was prepared for {asked}"}, 404)
        return Reply(200, JSON, body)


def question(k: int, dims: int, *, values: bool) -> str:
    """The query string of a question."""
    return f"k={k}&dims={dims}&values={str(values).lower()}"

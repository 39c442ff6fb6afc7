"""A service that takes everything and keeps nothing."""

from __future__ import annotations

from bench.services._messages import Answer, Call, Reply
from bench.services._service import Base


class Service(Base):
    """Answers 200 to whatever it is sent."""

    def handle(self, call: Call) -> Answer:
        """Nothing, successfully."""
        return Reply()

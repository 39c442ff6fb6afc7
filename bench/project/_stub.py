"""What stands behind a binding that nothing here provides: an error, every time."""

from __future__ import annotations

from bench.services._messages import Answer, Call, json_reply
from bench.services._service import Base


class Service(Base):
    """Answers 501 to whatever it is asked."""

    def handle(self, call: Call) -> Answer:
        """An error that says why."""
        return json_reply({"error": "this binding is not provided here"}, 501)

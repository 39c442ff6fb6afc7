"""A provider tells that something is done: prove it, queue it, answer at once.

``POST /webhooks`` with the body's HMAC in ``x-webhook-signature`` (``sha256=<hex>``
over ``<timestamp>.<body>``) and the timestamp, Unix seconds, in
``x-webhook-timestamp``. Answer: 202 and ``{"accepted":true}``.
"""

from __future__ import annotations

from bench.path.state import State as Base


class State(Base):
    """A webhook's stages need nothing but the request."""

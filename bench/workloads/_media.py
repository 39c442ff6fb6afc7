"""A provider of multimodal inference, which answers with the image that it was sent.

``POST /edit`` takes the image as it is, or as ``{"image": base64}``. An image that
arrived changed comes back changed, so that the answer proves the way there and back.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from bench.services._messages import Answer, Call, Reply, not_found
from bench.services._service import Base

HOST = "media.example"
KIND = "image/png"


class Wrapped(msgspec.Struct):
    """An image inside JSON, as APIs of models take it."""

    image: str


class Service(Base):
    """The endpoint."""

    def handle(self, call: Call) -> Answer:
        """Answer the image, 400 where there is none."""
        if call.route != "POST /edit":
            return not_found(call)
        if call.headers.get("content-type") == KIND:
            return Reply(200, {"Content-Type": KIND}, call.body)
        try:
            wrapped = msgspec.json.decode(call.body, type=Wrapped)
            image = base64.b64decode(wrapped.image, validate=True)
        except (msgspec.MsgspecError, binascii.Error) as error:
            return self.failure(400, str(error))
        return Reply(200, {"Content-Type": KIND}, image)

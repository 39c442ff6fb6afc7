"""Bindings as workerd's configuration writes them, and the names that they may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from bench.project import Binding
from bench.project.bindings import service
from bench.workerd.config import text

# What JavaScript can have behind ``env.``; the platform asks for the same.
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_$][\w$]{0,127}$")]
Target = Annotated[str, msgspec.Meta(max_length=512)]


def plain(binding: Binding, field: str) -> str:
    """A binding of its own type, such as ``kvNamespace``, over its service."""
    return f"{field} = {text(service(binding))}"


def wrapped(
    binding: Binding, module: str, inner: Mapping[str, str] | None = None
) -> str:
    """A binding that a module of workerd makes out of a service, and of more values."""
    inside = [f'(name = "fetcher", service = {text(service(binding))})']
    inside += [f"(name = {text(key)}, {what})" for key, what in (inner or {}).items()]
    return (
        f"wrapped = (moduleName = {text(f'cloudflare-internal:{module}')}, "
        f"innerBindings = [{', '.join(inside)}])"
    )

"""Thin clients of the services, one file each, over ``env.transport``.

They speak the HTTP protocols that workerd's own bindings speak (read from its source,
2026-08), so that the path and an unmodified Worker can share the same services. Each
function checks the form of the reply and raises UpstreamError, nothing else.
"""

"""Kernels and papermill runs that start at once: forked from a server that is warm.

Most of what an empty notebook costs is imports: papermill's own, then the kernel's. A
fork server has done them. It starts nothing else, so that each fork of it is what a
fresh process would be after the same imports: a process of its own, with the caller's
environment, folder, limits and streams.

    provisioner.py  what Jupyter asks for a kernel; the kernel spec names it
    client.py       a process from the server, which is started where there is none
    server.py       the server: imports, then forks on request
    _child.py       what a fork does before it is the caller's
    _key.py         who may share a server: same code, same user, same limits
    _folder.py      the private folder of the sockets
    _wire.py        what goes over them

Linux alone: elsewhere a fork of a process that has used frameworks is not safe, and
kernels start as they always do. ``WORKBENCH_KERNELS=plain`` asks for that everywhere.
"""

from __future__ import annotations

"""Cells on the workers of a Dask cluster: other machines, or processes of this one.

Dask places the cells. Of a cell that measures a worker does as many at once as it has
units of the resource ``measure``: one such unit a host, with

    dask worker tcp://HOST:8786 --nthreads 2 --resources "measure=1"

The measurement is in a pinned child process there, as it would be here. Without a
scheduler the command starts a cluster on this machine, on loopback, and ends it.

No more cells are handed out than there are places, so that a worker that dies takes
only what it was doing, and the order of the cells is kept.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.errors import UserError
from bench.sweep._cell import Cell
from bench.sweep.engines import Keep, Options, _dask_cluster
from bench.sweep.engines._dask_cluster import Cluster

if TYPE_CHECKING:
    from distributed import Client

HELP = "workers of a Dask cluster: that of --scheduler, or one that is started here"
CONNECT_S = 10.0
_ADDRESS = re.compile(r"(tcp|tls)://([^\s/:]+|\[[0-9a-fA-F:]+\]):\d{1,5}")


class Dask:
    """The engine; ``create`` makes it."""

    def __init__(self, options: Options) -> None:
        """Nothing is started before ``run``."""
        self.options = options

    def run(self, cells: Sequence[Cell], keep: Keep) -> None:
        """Execute ``cells``; see `Engine.run`.

        Raises UserError where the scheduler does not answer, has gone, or has no worker
        that can take a cell for a while, and where a worker has other code.
        """
        from bench.sweep.engines._dask_flights import Flights

        if not cells:
            return
        with self._cluster() as (address, cluster), _client(address) as client:
            flights = Flights(client, cluster, self.options, keep)
            try:
                flights.run(cells)
            finally:
                flights.cancel()

    @contextmanager
    def _cluster(self) -> Iterator[tuple[str, Cluster | None]]:
        if self.options.scheduler is not None:
            yield self.options.scheduler, None
            return
        folder = self.options.scratch / "cluster"
        folder.mkdir()
        with _dask_cluster.start(folder, _workers()) as cluster:
            yield cluster.address(), cluster


def create(options: Options) -> Dask:
    """The engine. Raises UserError without ``distributed``, and for a scheduler whose
    address is none."""
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"needs a package that is not installed: {error.name}",
            field="--engine dask",
            remedy="install it: .venv/bin/python -m pip install -e '.[dask]'",
        ) from error
    address = options.scheduler
    if address is not None and not _ADDRESS.fullmatch(address):
        raise UserError(
            f"{address!r} is not the address of a scheduler",
            field="--scheduler",
            remedy="name one like tcp://127.0.0.1:8786, as `dask scheduler` prints it",
        )
    return Dask(options)


def _workers() -> int:
    # At least two: beside one that measures another can analyse.
    return max(2, (os.cpu_count() or 1) - 1)


@contextmanager
def _client(address: str) -> Iterator[Client]:
    from distributed import Client

    # What ends a connection is told by the error that ends the sweep.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(  # type: ignore[no-untyped-call]
            address, timeout=CONNECT_S, set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise UserError(
            f"no scheduler answers at {address} ({error})",
            field="--scheduler",
            remedy="start one with `dask scheduler --host ADDRESS`, or leave "
            "--scheduler out for a cluster on this machine",
        ) from error
    with client:
        yield client

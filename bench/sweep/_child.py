"""The process of one cell: ``python -m bench.sweep._child NOTE VERB ...``.

It runs the verb as ``bench`` does, with two differences. Standard input is a pipe from
the driver: when it closes, the driver is gone, and this process ends with everything
that it started. And where the machine failed rather than the cell, the file NOTE says
how: what an exception was made from is known here and nowhere else.
"""

from __future__ import annotations

import errno
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from bench import cli
from bench.batch._outcome import KILLED, NOT_STARTED
from bench.batch.execute import end_with_driver

_ERRNOS = {
    errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE,
    errno.EAGAIN, errno.EIO, errno.EFBIG, errno.ECONNREFUSED,
}  # fmt: skip
# What our own processes say of each other where a verb goes on without them, and only
# its text is left. A signal that a process did not raise itself came from outside; one
# that it did (SEGV, ABRT) is the doing of what it ran.
_TEXTS = re.compile(
    r"workerd was not ready within"
    r"|workerd ended with SIG(?:KILL|TERM)\b"
    r"|a measured process ended with code -(?:9|15)\b"
    rf"|{re.escape(NOT_STARTED)}"
    rf"|{re.escape(KILLED)}: SIG(?:KILL|TERM)\b"
)


def main() -> NoReturn:
    """Run the verb of the command line and exit with its code."""
    threading.Thread(target=end_with_driver, daemon=True).start()
    try:
        code = cli.run(sys.argv[2:])
    except (Exception, KeyboardInterrupt) as error:
        why = infrastructure(error)
        if why:
            Path(sys.argv[1]).write_text(why, encoding="utf-8")
        code = cli.ended(error)
    sys.exit(code)


def infrastructure(error: BaseException) -> str:
    """What of the machine failed, blank where it was the cell's own doing."""
    for each in _causes(error):
        if isinstance(each, MemoryError):
            return "no memory is left"
        if isinstance(each, OSError) and each.errno in _ERRNOS:
            return str(each.strerror)
    found = _TEXTS.search(str(error))
    return found[0] if found else ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


if __name__ == "__main__":
    main()

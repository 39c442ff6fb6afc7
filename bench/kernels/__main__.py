"""``python -m bench.kernels install``, ``... papermill ARGUMENTS`` and ``... stop``.

``papermill`` takes what papermill takes and does what it does, in a fork of the warm
server: papermill's own imports are saved as well.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from bench.kernels import client


def main(arguments: Sequence[str]) -> int:
    """The exit code of what the first argument names."""
    match arguments:
        case ["install"]:
            from bench.kernels import install

            print(install.install())
            return 0
        case ["papermill", *rest]:
            return papermill(rest)
        case ["stop"]:
            pid = client.server(os.environ)
            if pid is not None:
                os.kill(pid, signal.SIGTERM)
            return 0
    print(__doc__, file=sys.stderr)
    return 2


def papermill(arguments: Sequence[str]) -> int:
    """Run papermill in a fork; in this process where there is none."""
    try:
        process = client.start(
            client.request("papermill", arguments, environment=os.environ)
        )
    except client.Unavailable:
        command = [sys.executable, "-m", "papermill", *arguments]
        os.execv(sys.executable, command)  # noqa: S606 - what the user asked for

    def pass_on(number: int, _: FrameType | None) -> None:
        process.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

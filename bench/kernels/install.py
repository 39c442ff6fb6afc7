"""The kernel spec ``python3`` of this environment, with our provisioner in it.

ipykernel brings that spec; notebooks name it. Ours is the same and says besides who
starts the kernel, so that any notebook gains and none has to be changed. It is written
beside the environment's own programs, and nowhere else.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bench.kernels.provisioner import NAME


def spec(*, forked: bool = True) -> dict[str, Any]:
    """What kernel.json says: ipykernel's own words, with our provisioner or without."""
    from ipykernel.kernelspec import get_kernel_dict

    found: dict[str, Any] = get_kernel_dict()
    # The name, not the path: jupyter_client puts the interpreter of the caller there.
    found["argv"][0] = "python"
    if forked:
        found["metadata"] = found["metadata"] | {
            "kernel_provisioner": {"provisioner_name": NAME}
        }
    return found


def write(folder: Path, *, forked: bool = True) -> None:
    """Write the spec into ``folder``, whose name is the kernel's. Raises UserError."""
    from bench.errors import writing
    from bench.files import write_whole

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(spec(forked=forked), indent=1) + "\n"
    write_whole(folder / "kernel.json", text.encode())


def install() -> Path:
    """Write the spec of this environment; where it is."""
    folder = Path(sys.prefix, "share", "jupyter", "kernels", "python3")
    write(folder)
    return folder

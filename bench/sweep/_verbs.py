"""Which verbs a sweep can run, and which of them need a core that nobody else uses."""

from __future__ import annotations

import click

from bench import cli
from bench.errors import UserError

# These measure nothing: they read runs, simulate, or make files, and their results do
# not change with what runs beside them. Every other verb and notebook measures; one
# that is forgotten here is slow and not wrong.
SHARING = frozenset(
    {
        "calibrate", "capacity", "claims", "compare", "doctor", "fixtures", "history",
        "list", "matrix", "samples",
        "00_start", "05_decision_matrix", "06_claims", "07_capacity", "08_history",
    }
)  # fmt: skip
# They wait for somebody who ends them, or would start themselves again.
_ENDLESS = frozenset({"lab", "services", "sweep"})


def measures(name: str) -> bool:
    """Whether cells of a verb or notebook take a core of their own."""
    return name not in SHARING


def command(verb: str, file: str) -> click.Command:
    """The verb's command. Raises UserError, naming ``file``, for one without cells."""
    group = cli.bench
    context = click.Context(group, info_name="bench")
    found = group.get_command(context, verb)
    known = [name for name in group.list_commands(context) if name not in _ENDLESS]
    if found is None or verb in _ENDLESS:
        raise UserError(
            f"{verb!r} is not a verb that has an end"
            if found is not None
            else f"{verb!r} is not a verb",
            file=file,
            field="verb",
            remedy=f"choose one of {', '.join(known)}",
        )
    return found

"""``bench VERB``: turns errors into exit codes; the verbs are in ``bench/verbs``."""

from __future__ import annotations

import sys
import traceback
from functools import cache
from typing import NoReturn

import click

from bench import registry
from bench.errors import INTERRUPTED, BenchError, UserError, full_disk


class Verbs(click.Group):
    """The folder of verbs, read when one is wanted: a broken file is an error then."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the verbs, in alphabetical order."""
        return list(_verbs())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of that name, or None."""
        return _verbs().get(cmd_name)


@cache
def _verbs() -> dict[str, click.Command]:
    found = registry.load("bench.verbs", ("command",))
    return {name: module.command for name, module in found.items()}


@click.group(
    "bench",
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
)
@click.version_option(package_name="workbench")
def bench() -> None:
    """Does this AI workload fit on Cloudflare Workers, and where does its CPU go?

    Results go to stdout, progress and messages to stderr.

    \b
    Exit codes: 0 ok, 1 internal error, 2 usage or bad input, 3 not comparable,
    4 some cells failed (the rest is kept), 5 budget or gate violated,
    6 inconclusive, 130 interrupted (results kept).
    """


def main() -> NoReturn:
    """Run the verb and exit with its code."""
    try:
        code = run()
    except (Exception, KeyboardInterrupt) as error:
        code = ended(error)
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run the verb of ``arguments``, by default the command line's; its exit code.

    Raises whatever ended it.
    """
    code = bench.main(arguments, prog_name="bench", standalone_mode=False)
    return int(code or 0)


def ended(error: BaseException) -> int:
    """Say on stderr what ended a verb; the exit code that it has."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            error.show()
            return UserError.exit_code
        case click.ClickException():
            click.echo(f"error: {_usage(error)}", err=True)
            return UserError.exit_code
        case KeyboardInterrupt() | click.Abort():
            click.echo("interrupted; what had finished is kept", err=True)
            return INTERRUPTED
        case BenchError():
            click.echo(f"error: {error}", err=True)
            return error.exit_code
        case OSError() if (full := full_disk(error)) is not None:
            return ended(full)
    traceback.print_exception(error)
    click.echo("error: this is a fault of bench, not of your input", err=True)
    return BenchError.exit_code


def _usage(error: click.ClickException) -> UserError:
    """What click says, in the form of every other error of the user."""
    context = getattr(error, "ctx", None)
    verb = context.command_path if context is not None else "bench"
    usage = context.get_usage() if context is not None else ""
    # A list of choices comes with line breaks and tabs.
    message = " ".join(error.format_message().split())
    return UserError(message, remedy=f"see `{verb} --help`\n{usage}".rstrip())

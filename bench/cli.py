"""``bench VERB``: turns errors into exit codes; the verbs are in ``bench/verbs``."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from bench import registry
from bench.errors import INTERRUPTED, BenchError


@click.group(
    "bench",
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


for _module in registry.load("bench.verbs", ("command",)).values():
    bench.add_command(_module.command)


def main() -> NoReturn:
    """Run the verb and exit with its code."""
    try:
        code = bench.main(prog_name="bench", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        code = 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; what had finished is kept", err=True)
        code = INTERRUPTED
    except BenchError as error:
        click.echo(f"error: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    sys.exit(code)

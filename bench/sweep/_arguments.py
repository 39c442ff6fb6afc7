"""Parameters of a cell as the command line of its verb, checked as click would.

A parameter is a long option without its dashes, or the name of an argument; ``true`` is
a flag, a list repeats an option, and a mapping does so for one that takes pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from bench.batch import parameters as notebooks
from bench.errors import UserError
from bench.paths import ROOT
from bench.sweep import _verbs

# The sweep gives these to every cell itself.
_OURS = ("json", "out", "quiet", "help")


def of_verb(verb: str, parameters: dict[str, Any]) -> list[str]:
    """``[verb, --option=value, ...]``; paths in ``parameters`` count from the checkout.

    ``check_verb`` has found nothing wrong with them.
    """
    known = named(_verbs.command(verb, ""))
    line, behind = [verb], ["--"]
    for name, parameter in known.items():
        if name not in parameters:
            continue
        value = parameters[name]
        texts = list(_texts(parameter, value))
        if isinstance(parameter, click.Argument):
            behind += [text for pair in texts for text in pair]
        elif getattr(parameter, "is_flag", False):
            line += [f"--{name}"] if value else []
        elif parameter.nargs == 1:
            line += [f"--{name}={text}" for (text,) in texts]
        else:
            line += [word for pair in texts for word in (f"--{name}", *pair)]
    return line + (behind if len(behind) > 1 else [])


def of_notebook(notebook: str, parameters: dict[str, Any]) -> list[str]:
    """``run --notebook NAME -p NAME VALUE ...``: the batch of this one notebook."""
    import json

    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in parameters.items()
    }
    pairs = [word for item in texts.items() for word in ("-p", *item)]
    return ["run", f"--notebook={notebook}", *pairs]


def check_verb(verb: str, parameters: dict[str, Any], file: str, field: str) -> None:
    """Raise UserError, naming ``file`` and ``field``, for what the verb refuses."""
    command = _verbs.command(verb, file)
    known = named(command)
    for name, value in parameters.items():
        if name not in known:
            raise UserError(
                f"is no option of `bench {verb}`",
                file=file,
                field=f"{field}.{name}",
                remedy=f"known are {', '.join(known)}",
            )
        _check_shape(known[name], value, file, f"{field}.{name}")
    try:
        command.make_context(verb, of_verb(verb, parameters)[1:])
    except (click.ClickException, UserError) as error:
        message = getattr(error, "message", str(error))
        raise UserError(
            " ".join(message.split()),
            file=file,
            field=field,
            remedy=f"see `bench {verb} --help`",
        ) from error


def check_notebook(
    notebook: str, parameters: dict[str, Any], file: str, field: str
) -> None:
    """The same for a notebook: its name, and names and types of its parameters."""
    known = [path.stem for path in notebooks.notebooks()]
    if notebook not in known:
        raise UserError(
            f"no notebook is called {notebook!r}",
            file=file,
            field="notebook",
            remedy=f"choose one of {', '.join(known)}",
        )
    paths = notebooks.select([notebook])
    try:
        notebooks.validate(parameters, paths)
    except UserError as error:
        raise UserError(
            error.message,
            file=file,
            field=f"{field}.{error.field}",
            remedy=error.remedy,
        ) from error


def named(command: click.Command) -> dict[str, click.Parameter]:
    """Options and arguments of a verb that a cell may name, by that name."""
    found: dict[str, click.Parameter] = {}
    for parameter in command.params:
        longest = max(parameter.opts, key=len).lstrip("-")
        name = longest if isinstance(parameter, click.Option) else parameter.name
        if name and name not in _OURS:
            found[name] = parameter
    return found


def is_path(parameter: click.Parameter) -> bool:
    """Whether its values name files or folders."""
    return isinstance(parameter.type, click.Path)


def _check_shape(parameter: click.Parameter, value: Any, file: str, field: str) -> None:
    """Raise UserError for a list where the option stands once, and the like."""
    flag = getattr(parameter, "is_flag", False)
    many = getattr(parameter, "multiple", False) or parameter.nargs == -1
    try:
        pairs = list(_texts(parameter, value))
    except TypeError:
        pairs = []
    width = max(parameter.nargs, 1)
    fits = all(len(pair) == width for pair in pairs)
    if flag != isinstance(value, bool) or not fits or (len(pairs) != 1 and not many):
        wanted = "true or false" if flag else "a list" if many else "one plain value"
        raise UserError(
            f"{value!r} is not {wanted}",
            file=file,
            field=field,
            remedy=f"give {wanted}" + (", of pairs" if width > 1 else ""),
        )


def _texts(parameter: click.Parameter, value: Any) -> Iterator[tuple[str, ...]]:
    """The words of each time that the parameter stands on the command line."""
    if parameter.nargs > 1:
        pairs = value.items() if isinstance(value, dict) else value
        for pair in pairs:
            yield tuple(_text(parameter, word) for word in pair)
    else:
        for each in value if isinstance(value, list) else [value]:
            yield (_text(parameter, each),)


def _text(parameter: click.Parameter, value: Any) -> str:
    if isinstance(value, dict | list) or value is None:
        raise TypeError(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    # A cell runs in a folder of its own, wherever the command was typed.
    return str(Path(ROOT, str(value))) if is_path(parameter) else str(value)

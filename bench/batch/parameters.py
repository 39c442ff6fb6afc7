"""Parameters of the notebooks: read from the tagged cell, checked before a run.

papermill's own inspector silently drops a parameter whose annotation it does not know
or whose help holds an equals sign (nteract/papermill issues 695, 806, 907), passes an
unknown one with a warning (818) and guesses types of text. So the cell is read as
Python, what papermill would lose is refused, and text is read by the declared type.
"""

from __future__ import annotations

import ast
import difflib
import io
import json
import math
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.paths import ROOT

NOTEBOOKS = ROOT / "notebooks"
TAG = "parameters"
# Shows what finished runs say; a run that is being made is none of them.
START = "00_start"
TYPES: dict[str, type] = {
    kind.__name__: kind for kind in (str, int, float, bool, list, dict)
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its type as written (``list[str]``), default and help."""

    type: str
    default: Any
    help: str


def notebooks(folder: Path = NOTEBOOKS) -> list[Path]:
    """Notebooks of a folder, in order of their names."""
    return sorted(folder.glob("*.ipynb"))


def select(names: list[str] | None, folder: Path = NOTEBOOKS) -> list[Path]:
    """Notebooks of those names, all but the start for None, in the folder's order.

    A name may carry the folder and the suffix. Raises UserError for an unknown one,
    and for a file whose name would leave its line on a terminal.
    """
    known = {path.stem: path for path in notebooks(folder)}
    for name in known:
        if not name.isprintable():
            raise UserError(
                f"a notebook has a name that cannot be shown: {name!a}",
                file=folder,
                remedy="rename it",
            )
    if names is None:
        return [path for name, path in known.items() if name != START]
    wanted = [name.removesuffix(".ipynb").rpartition("/")[2] for name in names]
    for name in wanted:
        if name not in known:
            raise UserError(
                f"no notebook is called {name!r}",
                file=folder,
                remedy=_near(name, known),
            )
    return [path for name, path in known.items() if name in wanted]


def inspect(path: Path) -> dict[str, Parameter]:
    """Parameters of a notebook in the order of its cell, by name.

    Raises UserError naming notebook and line for a cell that papermill would read
    differently: a type other than str, int, float, bool, list or dict, no default,
    no help, or help with an equals sign.
    """
    source = _parameters_cell(path)
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise _malformed(path, "parameters", f"is not Python: {error}") from error
    comments = _comments(source)
    return {
        name: parameter
        for node in tree.body
        for name, parameter in [_parameter(path, node, comments)]
    }


def measures(path: Path, given: Mapping[str, Any]) -> bool:
    """Whether a notebook with these parameters may measure.

    It does not where it reads what a run holds: it declares ``run`` or ``results``, and
    either has no duration ``profile`` or is ``given`` a run.
    """
    declared = inspect(path)
    if not {"run", "results"} & set(declared):
        return True
    return "profile" in declared and not given.get("run")


def validate(
    parameters: Mapping[str, Any], paths: Iterable[Path]
) -> dict[str, dict[str, Any]]:
    """What each notebook is given, by its name: the parameters that it declares.

    Raises UserError, before anything starts, for a parameter that no notebook in
    ``paths`` declares or whose value is not of the declared type.
    """
    declared = {path: inspect(path) for path in paths}
    for name in parameters:
        _check_known(name, declared)
    given: dict[str, dict[str, Any]] = {}
    for path, known in declared.items():
        mine = {name: parameters[name] for name in known if name in parameters}
        for name, value in mine.items():
            _check_type(path, name, known[name], value)
        given[path.stem] = mine
    return given


def from_text(assignments: Iterable[str], paths: Iterable[Path]) -> dict[str, Any]:
    """Parameters from ``name=value`` texts, each read by its declared type.

    A list may be JSON or words with commas between; a dict is JSON. Raises
    UserError for text that is not an assignment, an unknown name or a wrong type.
    """
    declared = {path: inspect(path) for path in paths}
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise UserError(
                f"{assignment!r} is not a parameter", remedy="write it as name=value"
            )
        path = _check_known(name, declared)
        values[name] = _read(path, name, declared[path][name], text)
    return values


def _parameters_cell(path: Path) -> str:
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tagged = [cell for cell in cells if TAG in cell["metadata"].get("tags", ())]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"is not a notebook that can be read: {error}",
            file=path,
            remedy="open and save it in JupyterLab",
        ) from error
    if len(tagged) != 1:
        raise _malformed(path, "parameters", f"{len(tagged)} cells have this tag")
    source = tagged[0]["source"]
    return source if isinstance(source, str) else "".join(source)


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("# ").rstrip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def _parameter(
    path: Path, node: ast.stmt, comments: dict[int, str]
) -> tuple[str, Parameter]:
    match node:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=kind, value=value):
            pass
        case _:
            raise _malformed(path, ast.unparse(node), "is not `name: type = default`")
    written = ast.unparse(kind)
    if written.partition("[")[0] not in TYPES:
        raise _malformed(path, name, f"has type {written}")
    text = comments.get(node.end_lineno or node.lineno, "")
    if not text or "=" in text:
        raise _malformed(path, name, "has no help, or an equals sign in it")
    try:
        default = ast.literal_eval(value) if value is not None else None
    except ValueError:
        default = None
    parameter = Parameter(written, default, text)
    if not _fits(default, written):
        raise _malformed(path, name, f"has no plain default of type {written}")
    return name, parameter


def _malformed(path: Path, field: str, message: str) -> UserError:
    return UserError(
        message,
        file=path,
        field=field,
        remedy="tag one cell `parameters` and write each line of it as "
        "`name: type = default  # help`, type one of " + ", ".join(TYPES),
    )


def _check_known(name: str, declared: Mapping[Path, Mapping[str, Parameter]]) -> Path:
    for path, known in declared.items():
        if name in known:
            return path
    names = sorted({known for parameters in declared.values() for known in parameters})
    raise UserError(
        "is a parameter of no selected notebook",
        file=", ".join(path.name for path in declared) or None,
        field=name,
        remedy=_near(name, names),
    )


def _near(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    listed = ", ".join(names) or "none: the folder is empty"
    return f"did you mean {' or '.join(near)}?" if near else f"known are {listed}"


def _check_type(path: Path, name: str, parameter: Parameter, value: Any) -> None:
    if not _fits(value, parameter.type):
        raise UserError(
            f"{value!r} is not of type {parameter.type}",
            file=path,
            field=name,
            remedy=f"give a value such as {json.dumps(parameter.default)}: "
            f"{parameter.help}",
        )


def _fits(value: Any, written: str) -> bool:
    """Whether a value is of a type such as ``int`` or ``list[str]``.

    A bool is no number here, and a whole number is a float, as in JSON.
    """
    outer, _, inner = written.rstrip("]").partition("[")
    if isinstance(value, bool) or outer == "bool":
        return isinstance(value, bool) and outer == "bool"
    if outer == "float":
        return isinstance(value, int | float) and math.isfinite(value)
    if not isinstance(value, TYPES[outer]):
        return False
    if inner in TYPES and isinstance(value, list):
        return all(_fits(item, inner) for item in value)
    return True


def _read(path: Path, name: str, parameter: Parameter, text: str) -> Any:
    if parameter.type == "str":
        return text
    value: Any = text
    try:
        value = json.loads(text.lower() if parameter.type == "bool" else text)
    except ValueError:
        if parameter.type.startswith("list"):
            value = [word.strip() for word in text.split(",") if word.strip()]
    _check_type(path, name, parameter, value)
    return value

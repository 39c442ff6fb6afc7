"""Secrets of a project from ``.dev.vars``, in the format of dotenv.

Values are never shown, not even in an error: a line that cannot be read is named by its
number.
"""

from __future__ import annotations

import re
from pathlib import Path

from bench.errors import UserError
from bench.files import read_input

NAME = ".dev.vars"
LARGEST = 256 * 1024
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)$")
_ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", '\\"': '"', "\\\\": "\\"}


def read(folder: Path, env: str | None = None) -> dict[str, str]:
    """Secrets by name, from ``.dev.vars.<env>`` where there is one, else ``.dev.vars``.

    Raises UserError that names file and line where one is no ``NAME=value``.
    """
    own = folder / f"{NAME}.{env}"
    file = own if env and "/" not in env and own.is_file() else folder / NAME
    if not file.is_file() or not file.stat().st_size:
        return {}
    try:
        text = read_input(file, what="lines of NAME=value", limit=LARGEST).decode()
    except UnicodeDecodeError as error:
        raise UserError("is not UTF-8", file=file, remedy="save it as UTF-8") from error
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None:
            raise UserError(
                "is not NAME=value",
                file=file,
                field=f"line {number}",
                remedy="write one secret a line",
            )
        found[match[1]] = _value(match[2])
    return found


def _value(text: str) -> str:
    for quote in ('"', "'", "`"):
        end = text.rfind(quote)
        if text.startswith(quote) and end > 0:
            inner = text[1:end]
            if quote != '"':
                return inner
            return re.sub(r'\\[nrt"\\]', lambda found: _ESCAPES[found[0]], inner)
    return text.partition(" #")[0].strip()

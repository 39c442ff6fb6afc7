"""Where the checkout is, and how its place is kept out of what is written.

A run is handed on: mailed, committed, published with a report. Nothing in it may tell
in which folder of which machine it was made, so text that ends in a run goes through
``private`` first.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def private(text: str, *, hide: Iterable[str] = ()) -> str:
    """``text`` with the folders of this machine replaced by short names.

    The checkout becomes ``.``, the home folder ``~``, others a name in angle brackets;
    each folder in ``hide`` becomes an ellipsis.
    """
    names = dict(_names()) | {folder: "…" for folder in hide if len(folder) > 1}
    for folder in sorted(names, key=len, reverse=True):
        # A folder ends where a separator or anything else that no name holds follows.
        text = re.sub(rf"{re.escape(folder)}(?![\w.-])", names[folder], text)
    return text


def private_values(value: Any) -> Any:
    """A JSON value whose strings hold no absolute path, at any depth.

    A string that is the path of something that exists outside the checkout keeps its
    last part only; so does the value of an ``--option=path``.
    """
    if isinstance(value, dict):
        return {key: private_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [private_values(item) for item in value]
    return _private_argument(value) if isinstance(value, str) else value


def folders_of(value: Any) -> list[str]:
    """Folders of all absolute paths among the strings of a JSON value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [folder for item in value for folder in folders_of(item)]
    if isinstance(value, str) and Path(value).is_absolute():
        return [str(Path(value).parent)]
    return []


def _private_argument(text: str) -> str:
    option, equals, path = "", "", text
    if not Path(text).is_absolute() and "=" in text:
        option, equals, path = text.partition("=")
    if Path(path).is_absolute() and _is_file_name(Path(path)):
        inside = Path(path).is_relative_to(ROOT)
        path = str(Path(path).relative_to(ROOT)) if inside else Path(path).name
    return private(f"{option}{equals}{path}")


def _is_file_name(path: Path) -> bool:
    # A route like /v1/chat is no file name; the place of a file to be written is one.
    here = path.parent
    return os.path.lexists(path) or (here != here.parent and here.is_dir())


@cache
def _names() -> tuple[tuple[str, str], ...]:
    named = {
        sysconfig.get_path("stdlib"): "<python>",
        sys.base_prefix if sys.base_prefix.count("/") > 2 else "": "<python>",
        tempfile.gettempdir(): "<tmp>",
        str(Path.home()): "~",
        sys.prefix: "<environment>",
        str(ROOT): ".",
    }
    both = {folder: name for folder, name in named.items() if len(folder) > 1}
    for folder, name in named.items():
        real = os.path.realpath(folder) if len(folder) > 1 else ""
        both.setdefault(real, name)
    both.pop("", None)
    return tuple(both.items())

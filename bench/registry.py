"""Plug-ins are files: a folder is listed, each public module in it is one entry.

Stages, services, fixture kinds and figures are found this way, so adding one is
adding a file, and there is no table to edit.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from types import ModuleType

from bench.errors import BenchError


def load(package: str, required: tuple[str, ...]) -> dict[str, ModuleType]:
    """Public modules of ``package`` by name, in alphabetical order.

    Modules whose name starts with an underscore are helpers and are left out. Raises
    BenchError that names the file when one is not Python, needs what is not installed,
    or lacks an attribute of ``required``.
    """
    parent = importlib.import_module(package)
    names = sorted(
        info.name
        for info in pkgutil.iter_modules(parent.__path__)
        if not info.name.startswith("_")
    )
    return {name: _checked(f"{package}.{name}", required) for name in names}


def host(package: str, module: ModuleType, known: tuple[str, ...]) -> ModuleType:
    """The module of ``package`` that runs the plug-in ``module``, by its RUNTIME.

    Raises BenchError that names the file where that is not one of ``known``.
    """
    if module.RUNTIME not in known:
        raise BenchError(
            f"{module.__file__}: RUNTIME is {module.RUNTIME!r}, "
            f"not one of {', '.join(known)}"
        )
    return importlib.import_module(f"{package}._{module.RUNTIME}")


def _checked(name: str, required: tuple[str, ...]) -> ModuleType:
    try:
        module = importlib.import_module(name)
    except SyntaxError as error:
        place = f"{error.filename}:{error.lineno}"
        raise BenchError(f"{place}: is not Python: {error.msg}") from error
    except ImportError as error:
        spec = importlib.util.find_spec(name)
        place = name if spec is None else str(spec.origin)
        raise BenchError(f"{place}: cannot be imported: {error}") from error
    missing = [attribute for attribute in required if not hasattr(module, attribute)]
    if missing:
        raise BenchError(
            f"{module.__file__}: a plug-in of this folder must define "
            f"{', '.join(missing)}"
        )
    return module

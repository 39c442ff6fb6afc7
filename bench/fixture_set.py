"""The committed default inputs: build them, read them, prove that they are intact.

A measurement is only as good as its input, so each file of ``fixtures/`` has its
SHA-256 in ``fixtures/manifest.json``; nothing is measured on a file that differs, and
``check`` also runs the generators again, which shows one that has drifted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import msgspec

from bench import registry
from bench.errors import BenchError, UserError, writing
from bench.files import read_input, sha256, write_whole

ROOT = Path(__file__).resolve().parents[1] / "fixtures"
SEED = 1
PACKAGE = "bench.fixtures"
MANIFEST = "manifest.json"
_SCHEMA = 1
_LIMIT = 64 * 2**20  # bytes of one file; the largest default is below 1 MiB
_REMEDY = "restore it with `git checkout fixtures`"


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """What the manifest says of one file: generator, its parameters, size, digest."""

    kind: str
    params: dict[str, Any]
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """``manifest.json``: schema version, the seed of all files, the files by name."""

    schema: int
    seed: int
    files: dict[str, Entry]


class Recipe(NamedTuple):
    """How a default file is made: ``module.generate(seed, **params)``."""

    kind: str
    module: ModuleType
    params: dict[str, Any]

    def make(self, seed: int) -> bytes:
        """Bytes of the file. Raises BenchError naming the kind's file otherwise."""
        try:
            data = self.module.generate(seed, **self.params)
        except Exception as error:
            why = f"generate({seed}, **{self.params}) failed: {error!r}"
            raise BenchError(f"{self.module.__file__}: {why}") from error
        if not isinstance(data, bytes) or not data:
            raise BenchError(f"{self.module.__file__}: generate made no bytes")
        return data


def kinds(package: str = PACKAGE) -> dict[str, ModuleType]:
    """Fixture kinds by name, found by listing the folder of ``package``.

    Raises BenchError naming the file of a kind without FILES or generate.
    """
    found = registry.load(package, ("FILES", "generate"))
    for module in found.values():
        if not _is_table(module.FILES) or not callable(module.generate):
            raise BenchError(
                f"{module.__file__}: FILES must map file names to dicts of parameters, "
                "and generate must be a function"
            )
    return found


def _is_table(files: object) -> bool:
    return isinstance(files, dict) and all(
        isinstance(name, str) and isinstance(params, dict)
        for name, params in files.items()
    )


def recipes(package: str = PACKAGE) -> dict[str, Recipe]:
    """Default file name -> recipe, over all kinds, in alphabetical order.

    Raises BenchError naming the kind's file when two kinds claim one name.
    """
    found: dict[str, Recipe] = {}
    for kind, module in kinds(package).items():
        for name, params in module.FILES.items():
            if name in found:
                other = found[name].module.__file__
                raise BenchError(f"{module.__file__}: {name} is also made by {other}")
            found[name] = Recipe(kind, module, dict(params))
    return dict(sorted(found.items()))


def read(name: str, root: Path = ROOT) -> bytes:
    """Bytes of the default file ``name``, verified against the manifest.

    Raises UserError naming the file when it is unknown, missing or changed.
    """
    entry = _manifest(root).files.get(name)
    if entry is None:
        raise UserError(f"is not in {MANIFEST}", file=root / name, remedy=_REMEDY)
    data = _read(root / name)
    why = _difference(data, entry)
    if why:
        raise UserError(why, file=root / name, remedy=_REMEDY)
    return data


def build(out: Path, seed: int = SEED, package: str = PACKAGE) -> Manifest:
    """Write every default file into ``out``, made if absent, and then the manifest.

    Each file is written whole or not at all. Raises UserError when the disk refuses.
    """
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, recipe in recipes(package).items():
        data = recipe.make(seed)
        write_whole(out / name, data)
        files[name] = Entry(recipe.kind, recipe.params, len(data), sha256(data))
    manifest = Manifest(_SCHEMA, seed, files)
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    write_whole(out / MANIFEST, text + b"\n")
    return manifest


def check(root: Path = ROOT, package: str = PACKAGE) -> list[dict[str, Any]]:
    """Compare folder, manifest and generators; one row a file, sorted by name.

    ``{"file","bytes","sha256","ok","why"}`` with the size and digest found on disk
    (None where there is no file) and ``why`` empty where ``ok``. Raises UserError
    naming a manifest that cannot be read.
    """
    manifest = _manifest(root)
    made = recipes(package)
    rows = []
    for name in sorted({*_data_files(root), *made, *manifest.files}):
        data = _found(root / name)
        why = _why(data, manifest.files.get(name), made.get(name), manifest.seed)
        rows.append(
            {
                "file": name,
                "bytes": None if data is None else len(data),
                "sha256": None if data is None else sha256(data),
                "ok": not why,
                "why": why,
            }
        )
    return rows


def _why(
    data: bytes | None, entry: Entry | None, recipe: Recipe | None, seed: int
) -> str:
    """What is wrong with one file, or an empty string."""
    if entry is None:
        kind = "no fixture kind makes it" if recipe is None else "its kind makes it"
        return f"is not in {MANIFEST}, {kind}"
    if data is None:
        return "is missing"
    if recipe is None:
        return f"is in {MANIFEST}, but no fixture kind makes it"
    return _difference(data, entry) or _drift(entry, recipe, seed)


def _difference(data: bytes, entry: Entry) -> str:
    if sha256(data) == entry.sha256 and len(data) == entry.bytes:
        return ""
    return (
        f"differs from {MANIFEST}: {len(data):,} bytes, sha256 {sha256(data)[:12]}, "
        f"expected {entry.bytes:,} bytes, sha256 {entry.sha256[:12]}"
    )


def _drift(entry: Entry, recipe: Recipe, seed: int) -> str:
    """How the generator departs from what the manifest recorded."""
    if (entry.kind, entry.params) != (recipe.kind, recipe.params):
        return (
            f"{MANIFEST} says {entry.kind} {entry.params}, "
            f"the kind says {recipe.kind} {recipe.params}"
        )
    if sha256(recipe.make(seed)) != entry.sha256:
        return f"{recipe.module.__file__} no longer makes these bytes"
    return ""


def _data_files(root: Path) -> Iterator[str]:
    """Names in the folder that ought to be fixtures: not hidden, not the two texts."""
    for path in root.iterdir():
        if not path.name.startswith(".") and path.name not in (MANIFEST, "README.md"):
            yield path.name


def _manifest(root: Path) -> Manifest:
    path = root / MANIFEST
    try:
        manifest = msgspec.json.decode(_read(path), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(str(error), file=path, remedy=_REMEDY) from error
    if manifest.schema != _SCHEMA:
        raise UserError(
            f"is {manifest.schema}, this version reads {_SCHEMA}",
            file=path,
            field="schema",
            remedy=_REMEDY,
        )
    return manifest


def _found(path: Path) -> bytes | None:
    """Bytes of a file, even of an empty one; None where there is no file."""
    if not path.is_file():
        return None
    return _read(path) if path.stat().st_size else b""


def _read(path: Path) -> bytes:
    """Like read_input, with the remedy that holds for a file of the set."""
    try:
        return read_input(path, what="a file of the set", limit=_LIMIT)
    except UserError as error:
        raise UserError(error.message, file=path, remedy=_REMEDY) from error

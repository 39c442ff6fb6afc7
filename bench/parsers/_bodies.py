"""What is parsed: bodies by label, each with the modes in which it is asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.errors import UserError
from bench.files import read_input, sha256
from bench.parsers import KINDS
from bench.parsers._answers import kind_of
from bench.transcript import LIMIT_BYTES, given

# Asked at every size: all of a transcript, and what ingestion needs of it.
SIZED_MODES = ("full", "chunks")
# Committed bodies that are parsed beside the transcript.
_COMMITTED = ("embedding", "vectorize_result")


class Body(NamedTuple):
    """A JSON body. ``sized`` where it is one of a family that differs in size alone."""

    label: str
    data: bytes
    kind: str
    modes: tuple[str, ...]
    sized: bool = False

    @property
    def sha256(self) -> str:
        """Digest of the bytes."""
        return sha256(self.data)


def bodies(transcript: Path | None, files: Sequence[Path]) -> list[Body]:
    """The bodies to parse, the main one first.

    Where ``files`` are named they alone, after the transcript if that is named too.
    Else the transcript, or the committed one, the same pretty-printed, and the
    committed embeddings and Vectorize results. Raises UserError that names a file
    which cannot be read or is not JSON.
    """
    found = []
    if transcript is not None or not files:
        main = given(transcript)
        found.append(_asked(main.label, main.data))
    for path in files:
        if path.name in {body.label for body in found}:
            raise UserError(
                "has the same name as another file",
                file=path,
                remedy="rename one of them; rows are told apart by file names",
            )
        found.append(_asked(path.name, _json(path)))
    return found if files else [*found, *_others(found[0])]


def family(sizes: Sequence[int], *, pretty: bool, seed: int) -> list[Body]:
    """Generated transcripts of about ``sizes`` bytes."""
    from bench.fixtures import deepgram

    ending = ", pretty" if pretty else ""
    return [
        Body(
            f"transcript of {_in_words(size)}{ending}",
            deepgram.generate(seed, size=size, pretty=pretty),
            "transcript",
            SIZED_MODES,
            sized=True,
        )
        for size in sizes
    ]


def _asked(label: str, data: bytes) -> Body:
    kind = kind_of(data)
    return Body(label, data, kind, KINDS[kind])


def _others(main: Body) -> list[Body]:
    from bench import fixture_set

    pretty = json.dumps(json.loads(main.data), indent=2, ensure_ascii=False).encode()
    found = [Body(f"{main.label}, pretty", pretty, main.kind, ("full",))]
    for name, recipe in fixture_set.recipes().items():
        if recipe.kind in _COMMITTED:
            found.append(_asked(name, fixture_set.read(name)))
    return found


def _json(path: Path) -> bytes:
    data = read_input(path, what="a JSON file", limit=LIMIT_BYTES)
    try:
        json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"is not JSON: {error}",
            file=path,
            remedy="name a file that holds one JSON value in UTF-8",
        ) from error
    return data


def _refuse(literal: str) -> None:
    raise ValueError(f"{literal} is not a JSON number")


def _in_words(size: int) -> str:
    return f"{size // 1_000_000} MB" if size >= 1_000_000 else f"{size // 1000} KB"

"""A user's transcript: any Deepgram response, checked before it is measured.

Everything behind this module may assume well-formed UTF-8 JSON with the fields that
the request path reads, so that no parser is timed on input it would refuse.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.errors import UserError
from bench.files import read_input, sha256
from bench.transcript import _json_faults
from bench.transcript._deepgram_response import Alternative, Response, Results, Word

LIMIT_BYTES = 64 * 2**20
"""Largest transcript that is read: about 38 hours of diarised speech."""

DEFAULT = "transcript.json"
"""Name of the committed transcript, 18 KB and diarised."""

_WHAT = "a Deepgram response (JSON with `results`)"
_REMEDY = "name the unchanged body of a Deepgram response"


@dataclass(frozen=True)
class Transcript:
    """A checked transcript.

    ``words`` counts word objects, without the copies in utterances where channels have
    them. ``features`` has a letter for each of paragraphs (P), utterances (U),
    diarisation (D) and punctuation (p). ``duration_s`` is that of the audio, or the
    end of the last word where the body does not say.
    """

    name: str
    data: bytes
    sha256: str
    words: int
    features: str
    duration_s: float
    text: str

    @property
    def label(self) -> str:
        """File name without its folder, as results show it."""
        return Path(self.name).name


def load(path: Path, limit_bytes: int = LIMIT_BYTES) -> Transcript:
    """The transcript in the file ``path``.

    Raises UserError, naming file, field and remedy, when it cannot be read, is larger
    than ``limit_bytes`` (checked before reading) or is not a Deepgram response.
    """
    return parse(read_input(path, what=_WHAT, limit=limit_bytes), str(path))


def given(path: Path | None) -> Transcript:
    """The user's transcript at ``path``, or the committed one for None."""
    from bench import fixture_set

    if path is not None:
        return load(path)
    return parse(fixture_set.read(DEFAULT), DEFAULT)


def parse(data: bytes, name: str) -> Transcript:
    """The transcript in ``data``; ``name`` stands for it in errors.

    Raises UserError, naming file, field and remedy, for anything that is not a
    Deepgram response in UTF-8 with at least one word to chunk.
    """
    _check_json(data, _decoded(data, name), name)
    response = _response(data, name)
    words = _words(response.results)
    text = _text(response.results, words)
    if not text.strip():
        raise UserError(
            "holds neither words nor a transcript, so there is nothing to chunk",
            file=name,
            field="results",
            remedy="name a response to audio in which someone speaks",
        )
    return Transcript(
        name=name,
        data=data,
        sha256=sha256(data),
        words=len(words),
        features=_features(response.results, words),
        duration_s=_duration(response, words),
        text=text,
    )


def _decoded(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or 0 in data[:2]:
        raise UserError(
            "is UTF-16 or UTF-32, not UTF-8",
            file=name,
            remedy="convert it: iconv -f UTF-16 -t UTF-8 FILE > CONVERTED",
        )
    if data.startswith(b"\xef\xbb\xbf"):
        raise UserError(
            "starts with a byte order mark, which JSON does not allow",
            file=name,
            remedy="strip the first three bytes: tail -c +4 FILE > STRIPPED",
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UserError(
            f"is not UTF-8: byte {error.start:,} is 0x{data[error.start]:02x}",
            file=name,
            remedy="save it as UTF-8, or fetch the response again",
        ) from error


def _check_json(data: bytes, text: str, name: str) -> None:
    try:
        fault = _json_faults.find(data, text)
    except json.JSONDecodeError as error:
        raise _not_json(error, text, name) from error
    if fault is not None:
        raise UserError(
            fault.message, file=name, field=fault.path or None, remedy=_REMEDY
        )


def _not_json(error: json.JSONDecodeError, text: str, name: str) -> UserError:
    if not text.strip():
        return UserError("is empty", file=name, remedy=f"name {_WHAT}")
    # A number or a literal that is cut off is reported where it starts.
    at_end = error.pos > len(text) - 6 and not error.msg.startswith("Extra")
    cut = at_end or error.msg.startswith("Unterminated")
    if cut and text.lstrip().startswith(("{", "[")):
        lines = text.count("\n") + 1
        return UserError(
            f"is truncated: it ends at byte {len(text.encode()):,} (line {lines:,}), "
            "before the JSON is complete",
            file=name,
            remedy="fetch the whole response again",
        )
    problem = error.msg[:1].lower() + error.msg[1:].removesuffix(" at")
    at = len(text[: error.pos].encode())
    return UserError(
        f"is not JSON: {problem} at byte {at:,} "
        f"(line {error.lineno:,}, column {error.colno:,})",
        file=name,
        remedy=f"name {_WHAT}",
    )


_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(.*)`$")


def _response(data: bytes, name: str) -> Response:
    try:
        return msgspec.json.decode(data, type=Response)
    except msgspec.ValidationError as error:
        raise _wrong_field(str(error), name) from error
    except msgspec.DecodeError as error:
        # The hooks of the standard decoder stopped it before it came to this.
        problem = str(error).removeprefix("JSON is malformed: ")
        raise UserError(
            f"is not JSON: {problem}", file=name, remedy=f"name {_WHAT}"
        ) from error


def _wrong_field(problem: str, name: str) -> UserError:
    """msgspec's message as ours: its path becomes the field."""
    found = _AT.match(problem)
    what, path = (found["what"], found["path"] or "") if found else (problem, "")
    missing = _MISSING.match(what)
    if missing:
        path = f"{path}.{missing[1]}".lstrip(".")
        what = "is missing, so this is not a Deepgram response"
    else:
        what = (what[:1].lower() + what[1:]).replace("`", "")
    return UserError(what, file=name, field=path or "top level", remedy=_REMEDY)


def _alternatives(results: Results) -> list[Alternative]:
    """The first alternative of each channel."""
    return [
        channel.alternatives[0] for channel in results.channels if channel.alternatives
    ]


def _words(results: Results) -> list[Word]:
    """All word objects once: those of the channels, or else of the utterances."""
    words = [word for best in _alternatives(results) for word in best.words]
    return words or [
        word for spoken in results.utterances or [] for word in spoken.words
    ]


def _text(results: Results, words: list[Word]) -> str:
    said = [best.transcript for best in _alternatives(results)]
    if not any(said):
        said = [spoken.transcript for spoken in results.utterances or []]
    if not any(said):
        said = [word.punctuated_word or word.word for word in words]
        return " ".join(said)
    return "\n".join(said)


def _features(results: Results, words: list[Word]) -> str:
    has = {
        "P": any(best.paragraphs for best in _alternatives(results)),
        "U": bool(results.utterances),
        "D": any(word.speaker is not None for word in words),
        "p": any(word.punctuated_word is not None for word in words),
    }
    return "".join(letter for letter, present in has.items() if present)


def _duration(response: Response, words: list[Word]) -> float:
    if response.metadata is not None and response.metadata.duration is not None:
        return response.metadata.duration
    return max((word.end for word in words), default=0.0)

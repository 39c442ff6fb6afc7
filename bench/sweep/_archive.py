"""What a cell left, as one value that travels between machines.

The bytes come from another machine and end in a folder of this one, so nothing in them
is believed: a member is a regular file or a folder inside, its size is known before a
byte of it is unpacked, and nothing that is there already is written to. It is a zip
file because its list of members is bounded by its own length, whatever it claims.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from bench.errors import BenchError, writing

LIMIT = 256 * 2**20  # bytes of all files; both ends hold them in memory
MEMBERS = 10_000
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
# All that zipfile raises for bytes that are no archive, or one with a password.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(NotImplementedError, RuntimeError, ValueError),
)


class ArchiveError(BenchError):
    """A folder cannot travel, or an archive must not be unpacked."""


def pack(folder: Path) -> bytes:
    """All files and folders below ``folder``.

    Raises ArchiveError for links and other things that are no files, and for more than
    ``LIMIT`` bytes or ``MEMBERS`` members.
    """
    out = io.BytesIO()
    size = 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for count, path in enumerate(sorted(folder.rglob("*")), 1):
            name = _encodable(path.relative_to(folder))
            kind = path.lstat()
            if stat.S_ISDIR(kind.st_mode):
                archive.writestr(zipfile.ZipInfo(f"{name}/"), b"")
                continue
            if not stat.S_ISREG(kind.st_mode):
                raise ArchiveError(f"{name} is neither a file nor a folder")
            size += kind.st_size
            _check_totals(size, count)
            member = zipfile.ZipInfo(name)
            archive.writestr(member, path.read_bytes(), zipfile.ZIP_DEFLATED, 1)
    return out.getvalue()


def unpack(data: bytes, folder: Path) -> None:
    """Make the files of ``data`` in the new folder ``folder``.

    Raises ArchiveError, before anything is written, for a member that would end
    outside, is a link or occurs twice, and for more than ``LIMIT`` bytes or ``MEMBERS``
    members; also where the bytes are damaged. Raises UserError when the disk refuses.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = dict(_checked(archive.infolist()))
            with writing(folder):
                folder.mkdir(parents=True)
                for path, member in members.items():
                    _write(archive, member, folder / path)
    except _DAMAGE as error:
        raise ArchiveError(f"the archive is damaged: {error}") from error


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    if member.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not archive.read: it inflates all there is before it looks at the size.
    with archive.open(member) as packed, path.open("xb") as out:
        data = packed.read(member.file_size)
        if len(data) != member.file_size:
            raise EOFError(f"{member.filename!r} is cut")
        out.write(data)


def _checked(
    members: list[zipfile.ZipInfo],
) -> Iterator[tuple[PurePosixPath, zipfile.ZipInfo]]:
    _check_totals(sum(member.file_size for member in members), len(members))
    seen: dict[PurePosixPath, bool] = {}
    for member in members:
        path = _inside(member.filename)
        kind = stat.S_IFMT(member.external_attr >> 16)
        if member.compress_type not in _METHODS:
            raise ArchiveError(f"{member.filename!r} is packed in another way")
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise ArchiveError(f"{member.filename!r} is neither a file nor a folder")
        if path in seen:
            raise ArchiveError(f"{member.filename!r} occurs twice")
        seen[path] = member.is_dir()
        yield path, member
    for path in seen:
        for above in path.parents:
            if not seen.get(above, True):
                raise ArchiveError(f"'{above}' is a file, and '{path}' is below it")


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    parts = name.removesuffix("/").split("/")
    if any(part in {"", ".", ".."} for part in parts) or {"\0", "\\"} & set(name):
        raise ArchiveError(f"{name!r} is not a path inside the folder")
    return path


def _check_totals(size: int, count: int) -> None:
    if size > LIMIT:
        raise ArchiveError(f"more than the {LIMIT // 2**20} MiB that can travel")
    if count > MEMBERS:
        raise ArchiveError(f"more than the {MEMBERS:,} files that can travel")


def _encodable(path: Path) -> str:
    try:
        path.as_posix().encode()
    except UnicodeEncodeError as error:
        raise ArchiveError(f"{path.as_posix()!a} is no name in UTF-8") from error
    return path.as_posix()

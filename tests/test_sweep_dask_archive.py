"""What a cell left travels whole, and no archive gets out of its folder."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.sweep import _archive
from bench.sweep._archive import ArchiveError, pack, unpack

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1, max_size=20
).filter(lambda name: name not in {".", ".."})
TREES = st.recursive(
    st.binary(max_size=200),
    lambda inner: st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
).filter(lambda tree: isinstance(tree, dict))


def write(tree, folder):
    folder.mkdir()
    for name, value in tree.items():
        path = folder / name
        if isinstance(value, dict):
            write(value, path)
        else:
            path.write_bytes(value)


def read(folder):
    return {
        path.name: read(path) if path.is_dir() else path.read_bytes()
        for path in folder.iterdir()
    }


def zipped(*members):
    """An archive of (name or ZipInfo, bytes), whatever they are."""
    out = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # names that occur twice
        with zipfile.ZipFile(out, "w") as archive:
            for member, data in members:
                archive.writestr(member, data)
    return out.getvalue()


def linked(name, target):
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member, target


def other_method(name):
    member = zipfile.ZipInfo(name)
    member.compress_type = zipfile.ZIP_LZMA
    return member, b"x" * 100


def claiming(size, inside):
    """A member that says it is of ``size`` and inflates to ``inside`` bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * inside)
    data = bytearray(out.getvalue())
    # The size in the directory at the end, which is the one that is read (APPNOTE
    # 4.3.12), 24 bytes behind its signature.
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = size.to_bytes(4, "little")
    return bytes(data)


@settings(max_examples=25)
@given(tree=TREES)
def test_a_folder_arrives_as_it_left(tmp_path_factory, tree):
    folder = tmp_path_factory.mktemp("archive")
    write(tree, folder / "here")
    packed = pack(folder / "here")
    unpack(packed, folder / "there")
    assert read(folder / "there") == tree
    assert pack(folder / "there") == packed, "no dates and no owners"


HOSTILE = {
    "above": zipped(("../evil", b"x")),
    "above-later": zipped(("good", b"x"), ("a/../../evil", b"x")),
    "absolute": zipped(("/evil", b"x")),
    "backslash": zipped(("..\\evil", b"x")),
    "here": zipped(("./evil", b"x")),
    "folder-above": zipped(("../", b"")),
    "twice": zipped(("evil", b"x"), ("evil", b"y")),
    "below-a-file": zipped(("evil", b"x"), ("evil/below", b"y")),
    "link": zipped(linked("evil", b"/etc/passwd")),
    "through-a-link": zipped(linked("evil", b".."), ("evil/x", b"x")),
    "method": zipped(other_method("evil")),
    "claims-too-much": claiming(2**31 - 1, 10),
    "inflates-to-more": claiming(10, 50_000_000),
    "holds-less": claiming(1000, 10),
    "many": zipped(*((str(i), b"") for i in range(_archive.MEMBERS + 1))),
    "no-archive": b"PK\x03\x04 and no more",
    "nothing": b"",
    "cut": zipped(("evil", b"x" * 1000))[:-30],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused(tmp_path, name):
    target = tmp_path / "in" / "it"
    with pytest.raises(ArchiveError):
        unpack(HOSTILE[name], target)
    outside = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(target) for path in outside)
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))
    assert sum(path.stat().st_size for path in outside) < 1000


@settings(max_examples=50)
@given(data=st.data())
def test_a_damaged_archive_is_refused_or_unpacked_inside(tmp_path_factory, data):
    good = zipped(("a/b", b"x" * 50), ("c", b"y" * 50))
    at = data.draw(st.integers(0, len(good) - 1))
    damaged = good[:at] + data.draw(st.binary(min_size=1, max_size=8)) + good[at + 1 :]
    folder = tmp_path_factory.mktemp("damaged")
    with suppress(ArchiveError):
        unpack(damaged, folder / "it")
    assert {path.name for path in folder.iterdir()} <= {"it"}


def test_what_cannot_travel(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(ArchiveError, match="link is neither"):
        pack(tmp_path)
    (tmp_path / "link").unlink()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArchiveError, match="pipe is neither"):
        pack(tmp_path)
    (tmp_path / "pipe").unlink()
    (tmp_path / "large").write_bytes(b"x" * 100)
    monkeypatch.setattr(_archive, "LIMIT", 99)
    with pytest.raises(ArchiveError, match="can travel"):
        pack(tmp_path)
    monkeypatch.undo()
    (tmp_path / os.fsdecode(b"\xff")).write_bytes(b"")
    with pytest.raises(ArchiveError, match="UTF-8"):
        pack(tmp_path)

"""The committed set: built, read and checked, and every kind of damage is seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import fixture_set
from bench.errors import BenchError, UserError
from bench.files import sha256

KIND = """
FILES = {"a.json": {}, "b.json": {"size": 2}}
def generate(seed, *, size=1):
    return b"[" + b",".join([str(seed).encode()] * size) + b"]"
"""


@pytest.fixture
def package(tmp_path, monkeypatch, request) -> str:
    """A package of its own with one small kind, so that damage costs no time."""
    name = f"kinds_{sha256(request.node.nodeid.encode())[:16]}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / name / "digits.py").write_text(KIND)
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.fixture
def root(tmp_path, package) -> Path:
    fixture_set.build(tmp_path / "set", 7, package)
    return tmp_path / "set"


def verdicts(root: Path, package: str) -> dict[str, str]:
    rows = fixture_set.check(root, package)
    assert all(row["ok"] is (row["why"] == "") for row in rows)
    return {row["file"]: row["why"] for row in rows}


def edit_manifest(root: Path, change) -> None:
    path = root / "manifest.json"
    tree = json.loads(path.read_text())
    change(tree)
    path.write_text(json.dumps(tree))


def test_the_committed_set_is_intact():
    rows = fixture_set.check()
    assert [row for row in rows if not row["ok"]] == []
    assert {"transcript.json", "vectorize_top8.json"} <= {row["file"] for row in rows}
    assert sum(row["bytes"] for row in rows) < 1_500_000


def test_the_set_holds_the_two_inputs_of_the_article():
    """An 18 KB diarised transcript and the top 8 of 1,536 dimensions."""
    transcript = fixture_set.read("transcript.json")
    assert 17_500 <= len(transcript) <= 18_500
    matches = json.loads(fixture_set.read("vectorize_top8.json"))["matches"]
    assert [len(match["values"]) for match in matches] == [1536] * 8


def test_read_gives_the_verified_bytes_of_the_committed_file():
    data = fixture_set.read("embedding.json")
    assert data == (fixture_set.ROOT / "embedding.json").read_bytes()


def test_a_fresh_set_is_intact(root, package):
    assert verdicts(root, package) == {"a.json": "", "b.json": ""}
    assert fixture_set.read("b.json", root) == b"[7,7]"
    assert json.loads((root / "manifest.json").read_text())["seed"] == 7


def test_building_again_changes_no_byte(root, package):
    before = {path.name: path.read_bytes() for path in root.iterdir()}
    fixture_set.build(root, 7, package)
    assert {path.name: path.read_bytes() for path in root.iterdir()} == before


@pytest.mark.parametrize("data", [b"[8]", b"[7", b""])
def test_a_changed_file(root, package, data):
    (root / "a.json").write_bytes(data)
    found = verdicts(root, package)
    assert found["b.json"] == ""
    assert "differs from manifest.json" in found["a.json"]
    with pytest.raises(UserError, match=r"differs|is empty") as caught:
        fixture_set.read("a.json", root)
    assert caught.value.file == str(root / "a.json")
    assert caught.value.remedy


def test_a_missing_file(root, package):
    (root / "b.json").unlink()
    assert verdicts(root, package)["b.json"] == "is missing"
    with pytest.raises(UserError, match="does not exist") as caught:
        fixture_set.read("b.json", root)
    assert "git checkout" in caught.value.remedy


def test_extra_files_but_not_the_readme_or_hidden_ones(root, package):
    for name in ("c.json", "README.md", ".c.json.tmp"):
        (root / name).write_text("[]")
    (root / "folder").mkdir()
    found = verdicts(root, package)
    assert set(found) == {"a.json", "b.json", "c.json", "folder"}
    assert "no fixture kind makes it" in found["c.json"]
    assert "not in manifest.json" in found["folder"]
    with pytest.raises(UserError, match=r"not in manifest\.json"):
        fixture_set.read("c.json", root)


def test_a_file_that_the_manifest_lacks(root, package):
    edit_manifest(root, lambda tree: tree["files"].pop("a.json"))
    assert "its kind makes it" in verdicts(root, package)["a.json"]


def test_a_file_whose_kind_is_gone(root, package, monkeypatch):
    recipes = fixture_set.recipes(package)
    del recipes["a.json"]
    monkeypatch.setattr(fixture_set, "recipes", lambda package: recipes)
    assert "no fixture kind makes it" in verdicts(root, package)["a.json"]


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("sha256", "0" * 64, "differs"),
        ("bytes", 4, "differs"),
        ("params", {"size": 3}, "the kind says digits {}"),
        ("kind", "letters", "manifest.json says letters"),
    ],
)
def test_a_manifest_that_does_not_match(root, package, field, value, why):
    edit_manifest(root, lambda tree: tree["files"]["a.json"].update({field: value}))
    found = verdicts(root, package)
    assert why in found["a.json"]
    assert found["b.json"] == ""


def test_another_seed_in_the_manifest_is_a_drift(root, package):
    edit_manifest(root, lambda tree: tree.update(seed=8))
    assert all("no longer makes" in why for why in verdicts(root, package).values())


def test_a_generator_that_drifted(root, package, monkeypatch):
    recipe = fixture_set.recipes(package)["a.json"]
    monkeypatch.setattr(recipe.module, "generate", lambda seed, *, size=1: b"[0]")
    found = verdicts(root, package)
    assert "digits.py no longer makes these bytes" in found["a.json"]
    assert fixture_set.read("a.json", root) == b"[7]"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"schema":1,"seed":1}',
        '{"schema":1,"seed":"x","files":{}}',
        '{"schema":2,"seed":1,"files":{}}',
        '{"schema":1,"seed":1,"files":{"a":{}}}',
    ],
)
def test_a_broken_manifest_is_named(root, package, text):
    path = root / "manifest.json"
    path.write_text(text)
    for action in (
        lambda: fixture_set.check(root, package),
        lambda: fixture_set.read("a.json", root),
    ):
        with pytest.raises(UserError) as caught:
            action()
        assert caught.value.file == str(path)
        assert caught.value.remedy


def test_a_manifest_that_is_not_text_is_named(root, package):
    (root / "manifest.json").write_bytes(b'{"schema":"\xff"}')
    with pytest.raises(UserError, match=r"manifest\.json"):
        fixture_set.check(root, package)


def test_a_missing_folder_is_named(tmp_path, package):
    with pytest.raises(UserError, match=r"manifest\.json: does not exist"):
        fixture_set.check(tmp_path / "nowhere", package)


def test_building_into_a_file_is_the_users_mistake(tmp_path, package):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="file"):
        fixture_set.build(tmp_path / "file" / "set", 1, package)
    assert (tmp_path / "file").read_text() == "x"


def test_a_failing_generator_leaves_no_manifest(tmp_path, package, monkeypatch):
    recipe = fixture_set.recipes(package)["b.json"]
    good = recipe.module.generate

    def half(seed, *, size=1):
        if size == 2:
            raise ZeroDivisionError
        return good(seed, size=size)

    monkeypatch.setattr(recipe.module, "generate", half)
    with pytest.raises(BenchError, match=r"digits\.py.*ZeroDivisionError"):
        fixture_set.build(tmp_path / "new", 1, package)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.json"]

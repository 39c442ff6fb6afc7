"""What every fixture kind promises, and that adding a kind is adding a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import fixture_set
from bench.errors import BenchError
from bench.files import sha256

KINDS = fixture_set.kinds()
RECIPES = fixture_set.recipes()
SEED = 11  # not the seed of the committed set

DIGESTS = """
import json
from bench import fixture_set
from bench.files import sha256
made = {n: sha256(r.make(11)) for n, r in fixture_set.recipes().items()}
print(json.dumps(made))
"""


def package(folder: Path, name: str, **modules: str) -> str:
    """A package of fixture kinds with the given sources."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("")
    for module, text in modules.items():
        (folder / name / f"{module}.py").write_text(text)
    return name


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_says_what_it_makes(kind):
    module = KINDS[kind]
    assert module.__doc__
    assert module.generate.__doc__
    assert module.FILES
    assert any(recipe.kind == kind for recipe in RECIPES.values())


@pytest.mark.parametrize("name", RECIPES)
def test_same_seed_same_bytes_other_seed_other_bytes(name):
    recipe = RECIPES[name]
    assert recipe.make(SEED) == recipe.make(SEED)
    assert recipe.make(SEED) != recipe.make(SEED + 1)


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_bytes_do_not_depend_on_the_process(hash_seed):
    run = subprocess.run(
        [sys.executable, "-c", DIGESTS],
        env={
            **os.environ,
            "PYTHONHASHSEED": hash_seed,
            "LC_ALL": "C",
            "TZ": "Asia/Tokyo",
        },
        cwd=Path(fixture_set.__file__).parents[1],
        capture_output=True,
        check=True,
        timeout=120,
    )
    here = {name: sha256(recipe.make(SEED)) for name, recipe in RECIPES.items()}
    assert json.loads(run.stdout) == here


def is_valid(name: str, data: bytes) -> bool:
    """JSON, JSON lines or events, by the end of the name."""
    text = data.decode()
    if name.endswith(".json"):
        return json.loads(text) != {}
    if name.endswith(".ndjson"):
        return all(json.loads(line) for line in text.splitlines())
    assert name.endswith(".sse"), name
    found = [line for line in text.split("\n") if line.startswith("data: {")]
    return len([json.loads(line[6:]) for line in found]) > 5


@pytest.mark.parametrize("name", RECIPES)
def test_default_files_are_valid(name):
    assert is_valid(name, RECIPES[name].make(SEED))


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("embedding", {"dims": 0}),
        ("embedding", {"count": -1}),
        ("vectorize_result", {"dims": 1}),
        ("vectorize_result", {"k": -1}),
        ("anthropic_stream", {"text_events": -1}),
        ("anthropic_stream", {"error": "api", "error_after": -1}),
        ("openai_stream", {"content_chunks": -1}),
        ("openai_stream", {"error": "server", "error_after": -1}),
        ("sessions", {"count": 2}),
        ("sessions", {"count": 0, "expired": 0}),
        ("sessions", {"expired": -1}),
        ("conversation", {"tokens": 0}),
        ("corpus", {"chunks": 0}),
    ],
)
def test_impossible_sizes_are_refused_by_name(kind, sizes):
    with pytest.raises(ValueError, match=f"{list(sizes)[-1]} is|count is"):
        KINDS[kind].generate(1, **sizes)


def test_helpers_are_not_kinds():
    folder = Path(KINDS["embedding"].__file__).parent
    public = {path.stem for path in folder.glob("[!_]*.py")}
    assert set(KINDS) == public


def test_adding_a_kind_is_adding_a_file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    new = 'FILES = {"n.json": {"n": 3}}\ndef generate(seed, n): return b"[1]" * n\n'
    name = package(tmp_path, "kinds_added", one=new, _helper="")
    fixture_set.build(tmp_path / "out", 1, name)
    assert (tmp_path / "out" / "n.json").read_bytes() == b"[1][1][1]"
    assert [row["file"] for row in fixture_set.check(tmp_path / "out", name)] == [
        "n.json"
    ]


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("no_files", "def generate(seed): return b'x'"),
        ("no_generate", "FILES = {'x': {}}"),
        ("files_is_a_list", "FILES = ['x']\ndef generate(seed): return b'x'"),
        ("params_are_none", "FILES = {'x': None}\ndef generate(seed): return b'x'"),
        ("generate_is_bytes", "FILES = {'x': {}}\ngenerate = b'x'"),
        ("wrong_argument", "FILES = {'x': {'n': 1}}\ndef generate(seed): return b'x'"),
        ("makes_text", "FILES = {'x': {}}\ndef generate(seed): return 'x'"),
        ("makes_nothing", "FILES = {'x': {}}\ndef generate(seed): return b''"),
    ],
)
def test_a_malformed_kind_is_named(tmp_path, monkeypatch, label, text):
    monkeypatch.syspath_prepend(tmp_path)
    name = package(tmp_path, f"kinds_{label}", broken=text)
    with pytest.raises(BenchError, match=r"broken\.py"):
        fixture_set.build(tmp_path / "out", 1, name)


def test_two_kinds_of_one_file_are_named(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    text = "FILES = {'x': {}}\ndef generate(seed): return b'x'"
    name = package(tmp_path, "kinds_twice", left=text, right=text)
    with pytest.raises(BenchError, match=r"right\.py: x is also made by .*left\.py"):
        fixture_set.recipes(name)

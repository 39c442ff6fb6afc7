"""The Worker's project by itself: what Cloudflare's tools say, and what it holds."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import MISSING, fields

import pytest

from bench.path import INVOCATIONS, stages
from bench.path.env import Options, Secrets
from bench.path.schema import SCHEMA
from bench.paths import ROOT
from bench.workerd import bundle, project, tools
from bench.workerd.fleet import variables

SOURCES = sorted((tools.PROJECT / "src").glob("*.ts"))
LONGEST = 250


@pytest.fixture(scope="module")
def installed():
    """Skips where the tools of the project are not installed."""
    if why := tools.unavailable():
        pytest.skip(why)


@pytest.fixture(scope="module")
def own():
    return project.load(tools.PROJECT)


def test_the_types_are_sound(installed):
    command = [sys.executable, "-m", "bench.workerd.tools", "types"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_wrangler_bundles_offline_what_is_measured(installed, own, tmp_path):
    # In a copy, because wrangler bundles in a folder beside the project's sources.
    copy = tmp_path / "worker"
    skip = shutil.ignore_patterns("node_modules", ".wrangler")
    shutil.copytree(tools.PROJECT, copy, ignore=skip)
    (copy / "node_modules").symlink_to(tools.MODULES)
    out = tmp_path / "out"
    command = [
        *(tools.node(), tools.MODULES / "wrangler" / "bin" / "wrangler.js"),
        *("deploy", "--dry-run", "--outdir", out),
    ]
    done = subprocess.run(
        [str(part) for part in command],
        cwd=copy,
        env=quiet(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    # The proxy that leads nowhere is all that it may warn of.
    warnings = [line for line in said.splitlines() if "warning" in line.lower()]
    assert all("proxy" in line.lower() for line in warnings), said
    for binding in ("SESSIONS", "DB", "VECTORIZE_INDEX", "BUCKET", "QUEUE", "RERANK"):
        assert binding in said
    uploaded, measured = (out / "index.js"), tmp_path / "index.mjs"
    bundle.build(own, own.main, measured)
    assert code(uploaded.read_text()).split() == code(measured.read_text()).split()


def quiet(home):
    """An environment in which wrangler asks nobody and writes only below ``home``."""
    return {
        "PATH": os.environ["PATH"],
        "CI": "1",
        "NO_COLOR": "1",
        "WRANGLER_SEND_METRICS": "false",
        "WRANGLER_LOG_PATH": str(home / "logs"),
        "WRANGLER_CACHE_DIR": str(home / "cache"),
        # Nobody is asked what the newest wrangler is.
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        **{name: str(home) for name in ("HOME", "XDG_CONFIG_HOME", "TMPDIR")},
    }


def test_the_bundle_is_one_module_that_workerd_accepts(installed, own, tmp_path):
    made = bundle.build(own, own.main, tmp_path / "index.mjs").read_text()
    exported = re.search(r"export \{([^}]*)\};\s*$", made)
    assert exported
    names = {part.split(" as ")[-1].strip() for part in exported[1].split(",")}
    # workerd takes handlers and functions, and nothing else, as exports.
    assert names == {"default"}
    assert not re.search(r"^import\b", code(made), re.MULTILINE)


def test_the_variables_are_the_options(own):
    assert own.variables == variables(Options())


def test_the_types_of_the_variables_are_the_options():
    text = (tools.PROJECT / "src" / "types.ts").read_text()
    declared = dict(re.findall(r"^  ([A-Z_]+): ([^;]+);", text, re.MULTILINE))
    for option in fields(Options):
        kind = declared[option.name.upper()]
        if isinstance(option.default, str):
            listed = re.findall(r'"(\w+)"', kind)
            assert sorted(listed) == sorted(re.findall(r"'(\w+)'", option.type))
        else:
            assert kind == "number"
    for secret in fields(Secrets):
        assert secret.default is MISSING
        assert declared[secret.name.upper()] == "string"


def test_no_secret_is_in_the_configuration(own):
    assert not {secret.name.upper() for secret in fields(Secrets)} & set(own.variables)


def test_every_statement_of_the_schema_can_be_repeated():
    """`wrangler d1 execute` applies the file as often as somebody types it."""
    database = sqlite3.connect(":memory:")
    for _ in range(2):
        for statement in SCHEMA:
            database.execute(statement)
    made = database.execute("SELECT name FROM sqlite_master WHERE sql NOT NULL")
    assert len(made.fetchall()) == len(SCHEMA) == 4
    database.close()


ENTRY = """
import { agent } from "worker/agent";
import { chat } from "worker/chat";
import { consumer } from "worker/consume";
import { ingest } from "worker/ingest";
import { webhook } from "worker/webhook";

const paths = { agent, chat, consume: consumer, ingest, webhook };
const told = Object.entries(paths).map(([name, path]) => [
  name,
  Object.entries(path).flatMap(([when, stages]) =>
    Object.keys(stages).map((stage) => [stage, when]),
  ),
]);
console.log(JSON.stringify(Object.fromEntries(told)));
"""


def test_the_stages_are_the_same_in_the_same_order(installed, own, tmp_path):
    entry = tmp_path / "entry.ts"
    entry.write_text(ENTRY)
    made = bundle.build(own, entry, tmp_path / "stages.mjs")
    said = subprocess.run(
        [str(tools.node()), str(made)], capture_output=True, text=True, check=True
    )
    assert json.loads(said.stdout) == {
        name: [[stage.name, stage.when] for stage in stages(name).values()]
        for name in INVOCATIONS
    }


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_source_is_short_plain_and_knows_nothing_of_being_measured(path):
    text = path.read_text()
    assert text.startswith("/**\n * "), "what it is for comes first"
    lines = text.splitlines()
    assert len(lines) <= LONGEST
    assert max(map(len, lines)) <= 88
    assert not [line for line in lines if line != line.rstrip()]
    assert "\n\n\n" not in text
    assert text.endswith(("}\n", ";\n"))
    words = r"\b(bench|workbench|benchmark|measur\w*|x-cut|loopback|python)\b"
    assert not re.search(words, text, re.IGNORECASE)
    assert not re.search(r"\b(TODO|FIXME|XXX|console|debugger)\b", text)


def code(text):
    """``text`` without comments."""
    return re.sub(r"/\*[\s\S]*?\*/|//[^\n]*", "", text)


def test_everything_that_is_exported_is_imported():
    # What index.ts exports is the Worker; path.ts is wrapped by what runs it here.
    wrappers = "".join(path.read_text() for path in bundle.ENTRIES.glob("*.ts"))
    texts = {path.name: code(path.read_text()) for path in SOURCES}
    declared = r"^export (?:abstract |async )?(?:class|const|function) "
    for name in set(texts) - {"index.ts"}:
        text = texts[name]
        others = wrappers + "".join(texts[key] for key in set(texts) - {name})
        for exported in re.findall(declared + r"(\w+)", text, re.MULTILINE):
            assert re.search(rf"\b{exported}\b", others), f"{name}: {exported}"


def test_the_lock_pins_every_package_and_no_registry():
    lock = json.loads((tools.PROJECT / "package-lock.json").read_text())
    packages = {name: about for name, about in lock["packages"].items() if name}
    assert packages
    for name, about in packages.items():
        assert about["integrity"].startswith("sha512-"), name
        assert "resolved" not in about, name
    wanted = json.loads((tools.PROJECT / "package.json").read_text())["devDependencies"]
    for name, version in wanted.items():
        assert packages[f"node_modules/{name}"]["version"] == version


def test_nothing_is_generated_into_the_project():
    kept = {"src", "node_modules", "package.json", "package-lock.json", "schema.sql"}
    kept |= {".npmrc", "replay", "tsconfig.json", "wrangler.jsonc"}
    assert {path.name for path in tools.PROJECT.iterdir()} <= kept


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_what_is_installed_is_not_committed():
    done = subprocess.run(
        ["git", "ls-files", "worker/node_modules"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""

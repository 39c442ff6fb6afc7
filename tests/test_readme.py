"""The README is what a newcomer types from: what it names must exist."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from bench import cli, errors
from bench.path import stages

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCE = ROOT / "results" / "reference"
PAGES = ["README.md", "results/README.md", "fixtures/README.md"]
CONTEXT = click.Context(cli.bench, info_name="bench")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def verb(name):
    return cli.bench.get_command(CONTEXT, name)


def targets(page):
    """Relative links and images of a page, as paths in the checkout."""
    text = (ROOT / page).read_text(encoding="utf-8")
    local = [link for link in LINK.findall(text) if "://" not in link]
    return [((ROOT / page).parent / link.split("#")[0]).resolve() for link in local]


@pytest.mark.parametrize("page", PAGES)
def test_relative_links_lead_somewhere(page):
    wanted = [
        path
        for path in targets(page)
        # Made by a run that takes minutes, and checked as a whole once it is there.
        if REFERENCE.is_dir() or not path.is_relative_to(REFERENCE)
    ]
    assert [str(path) for path in wanted if not path.exists()] == []


def test_the_readme_shows_the_reference_run():
    assert any(path.is_relative_to(REFERENCE) for path in targets("README.md"))


@pytest.mark.parametrize("name", cli.bench.list_commands(CONTEXT))
def test_every_verb_is_a_row_of_the_table(name):
    assert re.search(rf"^\| `bench {name}` \| .+ \|$", README, re.MULTILINE)


def test_every_row_of_the_table_is_a_verb():
    rows = re.findall(r"^\| `bench (\w+)` \|", README, re.MULTILINE)
    assert sorted(rows) == cli.bench.list_commands(CONTEXT)


def test_every_exit_code_is_named():
    raised = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.BenchError)
    }
    sentence = re.search(r"Exit codes: (.+)", README)
    named = {int(code) for code in re.findall(r"(?:^|, )(\d+) ", sentence[1])}
    assert named == raised | {0, errors.INTERRUPTED}
    shown = cli.bench.get_help(CONTEXT)
    assert all(re.search(rf"\b{code} \w", shown) for code in named)


def commands():
    """Each ``bench`` line of the code blocks, split as a shell would."""
    blocks = re.findall(r"^ {4}(bench .+)$", README, re.MULTILINE)
    return [line.split() for line in blocks]


@pytest.mark.parametrize("line", commands(), ids=" ".join)
def test_every_shown_command_can_be_parsed(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = verb(line[1])
    with command.make_context(line[1], line[2:], parent=CONTEXT) as context:
        assert context.params


def test_options_in_the_text_are_options_of_a_verb():
    named = set(re.findall(r"`(--[a-z-]+)", README))
    known = {
        option
        for name in cli.bench.list_commands(CONTEXT)
        for parameter in verb(name).params
        for option in parameter.opts
    }
    assert named <= known


@pytest.mark.parametrize("invocation", ["ingest", "consume", "chat"])
def test_the_table_of_stages_is_the_path(invocation):
    row = re.search(rf"^\| `{invocation}` \| (.+) \|$", README, re.MULTILINE)
    assert row[1].split(", ") == list(stages(invocation))


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^ {4}make (\w+)|`make (\w+)", README, re.MULTILINE):
        name = "".join(target)
        assert re.search(rf"^{name}:", makefile, re.MULTILINE), name

"""A project is read as wrangler reads it, whatever is in it."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from project_support import DATE, SECRET, error_of, project

from bench.errors import UserError
from bench.project import STUB, bindings
from bench.project._wrangler import LARGEST, load

TOML = f"""
name = "mine"
main = "src/index.ts"
compatibility_date = "{DATE}" # a comment

[vars]
NAME = "value"

[[kv_namespaces]]
binding = "KV"
id = "abc"

[[d1_databases]]
binding = "DB"
database_name = "data"
migrations_dir = "sql"

[env.staging]
name = "staged"
vars = {{ NAME = "other" }}

[env.bare]
"""


@pytest.fixture
def toml(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "index.ts").write_text("export default {};")
    (tmp_path / "wrangler.toml").write_text(TOML)
    return tmp_path


def test_a_toml_is_read(toml):
    found = load(toml)
    assert (found.name, found.compatibility_date) == ("mine", DATE)
    assert found.main == (toml / "src" / "index.ts").resolve()
    assert found.variables == {"NAME": "value"}
    assert [(b.name, b.kind, b.target) for b in found.bindings] == [
        ("DB", "d1", "data"),
        ("KV", "kv", "abc"),
    ]
    assert found.of("d1")[0].details == {"migrations": "sql"}


def test_an_environment_inherits_the_worker_and_not_its_resources(toml):
    found = load(toml, "staging")
    assert found.name == "staged"
    assert found.variables == {"NAME": "other"}
    assert found.bindings == ()
    assert found.compatibility_date == DATE
    assert load(toml, "bare").name == "mine-bare"


def test_an_unknown_environment_names_those_that_there_are(toml):
    with pytest.raises(UserError) as raised:
        load(toml, "prod")
    assert "staging, bare" in error_of(raised)


def test_comments_and_commas_are_allowed_in_jsonc(tmp_path):
    project(tmp_path)
    (tmp_path / "wrangler.json").unlink()
    text = f'{{ "main": "index.js", /* x */ "compatibility_date": "{DATE}", }} // y'
    (tmp_path / "wrangler.jsonc").write_text(text)
    assert load(tmp_path).name == "worker"


EVERY = {
    "kv_namespaces": [{"binding": "KV", "id": "1"}],
    "d1_databases": [{"binding": "DB", "database_name": "d"}],
    "r2_buckets": [{"binding": "BUCKET", "bucket_name": "b"}],
    "vectorize": [{"binding": "INDEX", "index_name": "i"}],
    "queues": {"producers": [{"binding": "QUEUE", "queue": "q"}]},
    "ai": {"binding": "AI"},
    "services": [{"binding": "SELF", "service": "mine", "entrypoint": "Own"}],
    "durable_objects": {"bindings": [{"name": "OBJECT", "class_name": "Counter"}]},
    "version_metadata": {"binding": "VERSION"},
    "analytics_engine_datasets": [{"binding": "POINTS"}],
    "assets": {"directory": "public", "binding": "FILES"},
    "ratelimits": [{"name": "LIMIT", "namespace_id": "1"}],
}


def test_every_kind_is_read_from_its_field(tmp_path):
    found = load(project(tmp_path, EVERY))
    assert {each.kind for each in found.bindings} == set(bindings.load())
    assert not found.unavailable


@pytest.mark.parametrize("name", bindings.load())
def test_a_kind_says_what_stands_behind_it_and_gives_a_value(name, tmp_path):
    module = bindings.load()[name]
    assert module.NOTE.strip() == module.NOTE
    assert not module.NOTE.endswith(".")
    assert issubclass(module.Entry, msgspec.Struct)
    [mine] = load(project(tmp_path, EVERY)).of(name)
    assert " = " in module.value(mine, "0")
    assert (module.SERVICE is None) or isinstance(module.SERVICE, str)


@pytest.mark.parametrize("name", [n for n, m in bindings.load().items() if m.SERVICE])
def test_a_service_of_a_kind_can_be_made(name):
    import importlib

    service = bindings.load()[name].SERVICE
    package = "bench.project" if service.startswith("_") else "bench.services"
    made = importlib.import_module(f"{package}.{service}").Service(1)
    made.clear()


UNKNOWN = {
    "browser": {"binding": "BROWSER"},
    "hyperdrive": [{"binding": "PG", "id": "1"}],
    "send_email": [{"name": "MAIL"}],
    "workflows": [{"binding": "FLOW", "name": "f", "class_name": "F"}],
    "unsafe": {"bindings": [{"name": "ODD", "type": "x"}]},
    "of_next_year": [{"binding": "NEW"}],
    "services": [{"binding": "AUTH", "service": "another"}],
    "durable_objects": {
        "bindings": [{"name": "FAR", "class_name": "C", "script_name": "another"}]
    },
}


def test_what_cannot_be_provided_is_named_before_it_starts(tmp_path):
    found = load(project(tmp_path, UNKNOWN))
    names = {"BROWSER", "PG", "MAIL", "FLOW", "ODD", "NEW", "AUTH", "FAR"}
    assert {each.name for each in found.unavailable} == names
    with pytest.raises(UserError) as raised:
        found.stubbed(("PG",))
    said = error_of(raised)
    assert "--stub BROWSER" in said
    assert "--stub PG" not in said
    stubbed = found.stubbed(tuple(names))
    assert not stubbed.unavailable
    assert len(stubbed.of(STUB)) == len(names)


def test_a_stub_of_no_binding_is_refused(tmp_path):
    with pytest.raises(UserError, match="no binding is called 'NOPE'"):
        load(project(tmp_path)).stubbed(("NOPE",))


def test_fields_that_change_nothing_are_listed(tmp_path):
    found = load(project(tmp_path, {"placement": {}, "strange": 3}))
    assert found.ignored == ("placement", "strange")


def test_secrets_are_read_and_never_shown(tmp_path):
    lines = f"# mine\nexport KEY=\"{SECRET}\\n\"\nTWO='a#b'\nTHREE = x # y\n\n"
    project(tmp_path)
    (tmp_path / ".dev.vars").write_text(lines)
    found = load(tmp_path)
    assert found.secrets == {"KEY": f"{SECRET}\n", "TWO": "a#b", "THREE": "x"}
    assert SECRET not in repr(found)


def test_a_bad_line_of_secrets_is_named_by_its_number(tmp_path):
    project(tmp_path)
    (tmp_path / ".dev.vars").write_text(f"A=1\n{SECRET}\n")
    with pytest.raises(UserError, match="line 2") as raised:
        load(tmp_path)
    assert SECRET not in error_of(raised)


def test_secrets_of_an_environment_come_first(tmp_path):
    project(tmp_path, {"env": {"e": {}}})
    (tmp_path / ".dev.vars").write_text("A=1")
    (tmp_path / ".dev.vars.e").write_text("A=2")
    assert load(tmp_path, "e").secrets == {"A": "2"}
    assert load(tmp_path).secrets == {"A": "1"}


HOSTILE = [
    ({"main": "../../etc/passwd"}, "main"),
    ({"main": "/etc/passwd"}, "main"),
    ({"main": "no\0thing"}, "main"),
    ({"main": "gone.ts"}, "main"),
    ({"main": 3}, "main"),
    ({"name": ""}, "name"),
    ({"compatibility_date": "tomorrow"}, "compatibility_date"),
    ({"compatibility_date": ""}, "compatibility_date"),
    ({"compatibility_flags": "x"}, "compatibility_flags"),
    ({"vars": []}, "vars"),
    ({"no_bundle": True}, "no_bundle"),
    ({"tsconfig": "../x.json"}, "tsconfig"),
    ({"kv_namespaces": {"binding": 1}}, "kv_namespaces.binding"),
    ({"kv_namespaces": [{"binding": "A"}, {"id": "x"}]}, "kv_namespaces[1]"),
    ({"kv_namespaces": [{"binding": 'x", evil'}]}, "kv_namespaces[0].binding"),
    ({"kv_namespaces": [{"binding": "A"}] * 2}, "kv"),
    ({"migrations": 3}, "migrations"),
    ({"migrations": [[]]}, "migrations[0]"),
    ({"migrations": [{"new_sqlite_classes": 3}], "main": "x"}, "main"),
    ({"queues": []}, "queues"),
    ({"triggers": []}, "triggers"),
    ({"triggers": {"crons": "* * * * *"}}, "triggers.crons"),
    ({"queues": {"consumers": [{}]}}, "queues.consumers[0].queue"),
    ({"ai": {"binding": "<script>"}}, "ai.binding"),
    ({"env": 3}, "env"),
    ({"kv_namespaces": [{"binding": f"K{n}"} for n in range(300)]}, "bindings"),
]


@pytest.mark.parametrize(("config", "field"), HOSTILE, ids=str)
def test_a_bad_field_is_named(config, field, tmp_path):
    with pytest.raises(UserError) as raised:
        load(project(tmp_path, config))
    assert raised.value.field == field
    assert raised.value.file
    assert "<script>" not in error_of(raised)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", "{", "[" * 50_000, '{"a": ' * 20_000, "\0", "x" * (LARGEST + 1)],
    ids=range(8),
)
def test_what_is_no_configuration_is_refused(text, tmp_path):
    project(tmp_path)
    (tmp_path / "wrangler.json").write_text(text)
    with pytest.raises(UserError) as raised:
        load(tmp_path)
    assert len(error_of(raised)) < 1000


def test_no_project_says_what_one_has(tmp_path):
    with pytest.raises(UserError, match="holds no Worker project") as raised:
        load(tmp_path)
    assert "wrangler.toml" in error_of(raised)
    with pytest.raises(UserError, match="is not a folder"):
        load(tmp_path / "gone")


def test_a_project_without_a_worker_says_so(tmp_path):
    project(tmp_path)
    text = json.dumps({"name": "site", "assets": {"directory": "x"}})
    (tmp_path / "wrangler.json").write_text(text)
    with pytest.raises(UserError, match="no Worker to measure"):
        load(tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner)
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [*EVERY, *UNKNOWN, "vars", "env", "rules", "migrations", "main", "name"]
)


@given(st.dictionaries(KEYS, JSON, max_size=5))
def test_whatever_a_field_holds_it_is_read_or_refused(tmp_path_factory, config):
    folder = project(tmp_path_factory.mktemp("any"), config)
    try:
        found = load(folder)
    except UserError:
        return
    assert all(each.name.isprintable() for each in found.bindings)

"""Facts of the machine: complete, quiet about what is absent, naming no one."""

from __future__ import annotations

import json
import os
import platform
import socket
from importlib import metadata
from pathlib import Path

import pytest

from bench import doctor, machine

CALM = {
    "cpu": "Some(R) CPU 9000 @ 3.00GHz",
    "arch": "x86_64",
    "cores": 4,
    "cores_allowed": 4,
    "memory_mib": 8000,
    "load": [0.1, 0.1, 0.1],
    "governor": None,
    "turbo": None,
    "steal": 0.0,
    "cgroup_quota": None,
    "virtualisation": None,
    "lacking": [],
}


@pytest.fixture(scope="module")
def facts():
    return machine.collect()


def test_all_facts_of_a_run_are_there(facts):
    assert set(facts) >= {
        "host",
        "cpu",
        "cores",
        "kernel",
        "python",
        "load",
        "governor",
        "cgroup_quota",
        "steal",
        "virtualisation",
        "versions",
        "workerd",
        "v8",
        "warnings",
    }
    assert facts["python"] == f"CPython {platform.python_version()}"
    assert facts["versions"]["orjson"] == metadata.version("orjson")
    assert json.loads(json.dumps(facts)) == facts


def test_no_fact_identifies_the_machine(monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "secret-box")
    monkeypatch.setattr(socket, "gethostname", lambda: "secret-box")
    text = json.dumps(machine.collect())
    assert "secret-box" not in text
    assert str(Path.home()) + "/" not in text


def test_host_is_readable_and_depends_on_hardware_alone():
    host = machine.host(CALM)
    assert host.startswith("some-cpu-4c-")
    assert len(host.rpartition("-")[2]) == 6
    busy = CALM | {"load": [9, 9, 9], "memory_mib": 8100, "steal": 0.3}
    assert machine.host(busy) == host
    assert machine.host(CALM | {"cores": 8}) != host
    assert machine.host(CALM | {"memory_mib": 16000}) != host


def test_collectors_skip_what_the_platform_lacks(monkeypatch):
    monkeypatch.setattr(machine, "_read", lambda path: "")
    facts = machine.collect()
    assert facts["cpu"] == platform.machine()
    assert facts["governor"] is facts["cgroup_quota"] is facts["steal"] is None
    assert facts["warnings"] == machine.warnings(facts)


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"/sys/fs/cgroup/cpu.max": "150000 100000"}, 1.5),
        ({"/sys/fs/cgroup/cpu.max": "max 100000"}, None),
        (
            {
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            0.5,
        ),
        (
            {
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            None,
        ),
    ],
)
def test_the_quota_is_read_from_both_kinds_of_cgroup(monkeypatch, files, quota):
    monkeypatch.setattr(machine, "_read", lambda path: files.get(path, ""))
    assert machine.collect_cgroup() == {"cgroup_quota": quota}


def test_steal_is_the_eighth_field_of_the_cpu_line(monkeypatch):
    line = "cpu  10 0 10 70 0 0 0 10 5 5\ncpu0 1 1 1 1 1 1 1 1"
    monkeypatch.setattr(machine, "_read", lambda path: line)
    assert machine.collect_steal() == {"steal": 0.1}


def test_a_calm_machine_has_no_warnings():
    assert machine.warnings(CALM) == []


@pytest.mark.parametrize(
    ("change", "command"),
    [
        ({"cores_allowed": 1}, "nproc"),
        ({"load": [3.0, 1.0, 1.0]}, "top"),
        ({"governor": "powersave"}, "cpupower"),
        ({"turbo": True}, "pyperf system tune"),
        ({"steal": 0.2}, "bench selftest"),
        ({"cgroup_quota": 0.5}, "--cpus"),
        ({"lacking": ["bench"]}, "no `bench`"),
        ({"lacking": ["--async-trace"]}, "no `--async-trace`"),
    ],
)
def test_each_warning_says_what_to_type(change, command):
    [warning] = machine.warnings(CALM | change)
    assert command in warning


def test_doctor_answers_every_check_with_what_it_saw():
    checks = doctor.doctor()
    names = [check["check"] for check in checks]
    assert len(names) == len(set(names)) >= 9
    for check in checks:
        assert set(check) == {"check", "ok", "detail", "remedy"}
        assert check["detail"]
        assert bool(check["remedy"]) == (not check["ok"])


def test_doctor_knows_a_package_that_is_not_the_pinned_one(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        f"orjson=={metadata.version('orjson')} \\\n    --hash=sha256:00\n"
        "numpy==0.0.1\n"
        "no-such-package==1.0\n"
        "winonly==1.0 ; sys_platform == 'never'\n"
    )
    check = doctor.check_lock(lock)
    assert not check["ok"]
    assert "numpy is" in check["detail"]
    assert "no-such-package 1.0 is missing" in check["detail"]
    assert "orjson" not in check["detail"]
    assert "winonly" not in check["detail"]
    assert not doctor.check_lock(tmp_path / "missing")["ok"]


@pytest.mark.parametrize(
    ("content", "ok"), [("12 34 5", True), ("0 0 0", False), ("", False)]
)
def test_doctor_knows_counters_that_are_switched_off(tmp_path, content, ok):
    path = tmp_path / "schedstat"
    path.write_text(content)
    assert doctor.check_schedstat(str(path))["ok"] is ok


def test_pinning_is_undone():
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system cannot pin a process")
    before = os.sched_getaffinity(0)
    doctor.check_pinning()
    assert os.sched_getaffinity(0) == before

import os
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from pylot_ls import machine


def test_this_process_is_alive():
    assert machine.process_alive(os.getpid())


@pytest.mark.parametrize("pid", [0, -1, 2**31 - 1, 2**70])
def test_what_is_no_process_is_dead(pid):
    assert not machine.process_alive(pid)


@pytest.mark.skipif(os.name != "posix", reason="zombies are POSIX's")
def test_a_zombie_is_dead():
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet collected
        assert psutil.pid_exists(child.pid)
        assert not machine.process_alive(child.pid)
    finally:
        child.communicate()


def test_a_process_that_hides_its_state_is_alive(monkeypatch):
    def denied(pid):
        raise psutil.AccessDenied(pid)

    monkeypatch.setattr(psutil, "Process", denied)
    assert machine.process_alive(7)


@pytest.mark.parametrize(
    ("counts", "allowed", "quota", "expected"),
    [
        ((8, 16), 16, None, 8),
        ((8, 16), 4, None, 4),
        ((8, 16), 16, 2.5, 2),
        ((8, 16), 16, 0.5, 1),
        ((None, 6), 6, None, 6),
        ((None, None), 1, None, 1),
    ],
)
def test_the_tightest_limit_gives_the_cores(monkeypatch, counts, allowed, quota, expected):
    monkeypatch.setattr(psutil, "cpu_count", lambda *, logical: counts[logical])
    monkeypatch.setattr(machine, "_allowed_cores", lambda _: allowed)
    monkeypatch.setattr(machine, "_quota_cores", lambda *_: quota)
    assert machine.physical_cores() == expected


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no CPU affinity here")
def test_the_cores_are_at_least_one_and_within_the_affinity():
    assert 1 <= machine.physical_cores() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        pytest.param("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "150000 100000"}, 1.5, id="v2-parent"),
        pytest.param("0::/a\n", {"a/cpu.max": "max 100000"}, None, id="v2-none"),
        pytest.param("0::/\n", {"cpu.max": "200000 100000"}, 2.0, id="v2-container"),
        pytest.param(
            "3:cpu,cpuacct:/a\n",
            {"cpu/a/cpu.cfs_quota_us": "50000", "cpu/a/cpu.cfs_period_us": "100000"},
            0.5,
            id="v1",
        ),
        pytest.param(
            "3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None, id="v1-none"
        ),
        pytest.param("0::/\n", {"cpu.max": "garbage"}, None, id="garbage"),
        pytest.param("0::/\n", {"cpu.max": "1 0"}, None, id="zero-period"),
        pytest.param("", {}, None, id="no-cgroups"),
    ],
)
def test_the_quota_of_a_cgroup_is_read(tmp_path, own, files, expected):
    (tmp_path / "own").write_text(own)
    for name, content in files.items():
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    assert machine._quota_cores(tmp_path / "root", tmp_path / "own") == expected


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        pytest.param(
            "0::/a/b\n",
            {
                "a/b/memory.max": "max",
                "a/memory.max": "4000",
                "a/memory.current": "3000",
                "a/memory.stat": "anon 1500\ninactive_file 1000\nactive_file 200\nslab 9",
            },
            [(4000, 1800)],
            id="v2-parent",
        ),
        pytest.param("0::/a\n", {"a/memory.max": "max"}, [], id="v2-none"),
        pytest.param("0::/\n", {"memory.max": "garbage"}, [], id="garbage"),
        pytest.param(
            "4:memory:/a\n",
            {
                "memory/a/memory.limit_in_bytes": "4000",
                "memory/a/memory.usage_in_bytes": "3000",
                "memory/a/memory.stat": "inactive_file 1\ntotal_inactive_file 500\ntotal_active_file 300",
            },
            [(4000, 2200)],
            id="v1",
        ),
        pytest.param("4:cpu:/a\n", {"cpu/a/memory.limit_in_bytes": "4000"}, [], id="v1-other"),
        pytest.param("0::/a\n", {"a/memory.max": "4000", "a/memory.current": "9"}, [(4000, 9)], id="no-stat"),
        pytest.param("", {}, [], id="no-cgroups"),
    ],
)
def test_the_memory_of_a_cgroup_is_read(tmp_path, own, files, expected):
    (tmp_path / "own").write_text(own)
    for name, content in files.items():
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    assert machine._memory_limits(tmp_path / "root", tmp_path / "own") == expected


def test_a_cgroup_limits_what_there_is_and_what_is_free(monkeypatch):
    monkeypatch.setattr(machine, "_memory_limits", lambda *_: [(2**30, 2**29), (2**40, 0)])
    assert machine.total_memory_bytes() == 2**30
    assert machine.available_memory_bytes() == 2**29
    monkeypatch.setattr(machine, "_memory_limits", lambda *_: [(2**20, 2**30)])
    assert machine.available_memory_bytes() == 0


def test_a_limit_of_addresses_lowers_what_is_free(monkeypatch):
    resource = pytest.importorskip("resource")
    taken = psutil.Process().memory_info().vms
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (taken + 2**20, taken + 2**30))
    assert 0 <= machine.available_memory_bytes() <= machine.addresses_left_bytes() <= 2**20
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert machine.addresses_left_bytes() is None


def test_memory_and_time_are_plausible():
    assert 0 < machine.available_memory_bytes() <= machine.total_memory_bytes()
    assert 0 < machine.process_memory_bytes() < machine.total_memory_bytes()
    assert machine.user_cpu_seconds() > 0
    assert machine.process_cpu_seconds(os.getpid()) > 0


def test_what_is_no_process_spends_no_time():
    assert machine.process_cpu_seconds(2**31 - 1) == 0.0


def test_a_child_that_ends_meanwhile_does_not_end_the_sum(monkeypatch):
    class Process:
        def __init__(self, pid):
            self.pid = pid

        def children(self, *, recursive):
            return [Process(2), Process(3)] if recursive else []

        def cpu_times(self):
            if self.pid == 2:
                raise psutil.NoSuchProcess(2)
            return SimpleNamespace(user=1.0, system=0.5)

    monkeypatch.setattr(psutil, "Process", Process)
    assert machine.process_cpu_seconds(1) == 3.0


def test_a_suspended_process_stands_still_until_it_is_let_go_on():
    command = [sys.executable, "-c", "input(); print('on')"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with machine.suspended(child.pid):
        _, status = os.waitpid(child.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
    assert child.communicate(b"\n")[0].strip() == b"on"
    with machine.suspended(child.pid):
        pass

"""What is asked of the machine: processes, cores, memory. The only importer of psutil."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")
_FILE_PAGES = ("inactive_file", "active_file")


def process_alive(pid: int) -> bool:
    """Return whether a process runs; a zombie, an unknown id and an id below 1 count as dead."""
    if pid <= 0:
        return False
    try:
        status = psutil.Process(pid).status()
    except psutil.AccessDenied:
        return True  # it is there; only its state is hidden from us
    except (psutil.NoSuchProcess, OverflowError):
        return False
    return status not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}


def physical_cores() -> int:
    """Return how many physical cores this process may keep busy, at least 1.

    CPU affinity and a cgroup's quota lower it. A fraction of a core in a quota is dropped: threads that share it are
    throttled together.
    """
    logical = psutil.cpu_count(logical=True) or 1
    limits = [psutil.cpu_count(logical=False) or logical, _allowed_cores(logical)]
    quota = _quota_cores(_CGROUP_ROOT, _OWN_CGROUPS)
    if quota is not None:
        limits.append(int(quota))
    return max(1, min(limits))


def on_battery() -> bool:
    """Return whether the machine runs on its battery; one without a battery does not."""
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    return battery is not None and battery.power_plugged is False


def available_memory_bytes() -> int:
    """Return the memory that can be had without swapping, in bytes; limits of a cgroup or this process lower it."""
    limits = [limit - used for limit, used in _memory_limits(_CGROUP_ROOT, _OWN_CGROUPS)]
    addresses = addresses_left_bytes()
    if addresses is not None:
        limits.append(addresses)
    return max(0, min(int(psutil.virtual_memory().available), *limits, sys.maxsize))


def addresses_left_bytes() -> int | None:
    """Return how much more this process may reserve (``ulimit -v``), in bytes; None where nothing limits that."""
    try:
        import resource  # noqa: PLC0415 Windows has none
    except ImportError:
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else max(0, limit - int(psutil.Process().memory_info().vms))


def total_memory_bytes() -> int:
    """Return the physical memory that this process may use, in bytes: the machine's, or a cgroup's limit."""
    limits = [limit for limit, _ in _memory_limits(_CGROUP_ROOT, _OWN_CGROUPS)]
    return min(int(psutil.virtual_memory().total), *limits, sys.maxsize)


def process_memory_bytes(pid: int | None = None) -> int:
    """Return a process's resident memory, in bytes; the mapped pages of a model are part of it.

    ``pid``: of the process; None for this one. One that does not run has none.
    """
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


def user_cpu_seconds() -> float:
    """Return the processor time that this process, with all its threads, has spent in user mode, in seconds."""
    return float(psutil.Process().cpu_times().user)


@contextlib.contextmanager
def suspended(pid: int) -> Iterator[None]:
    """Let a process of ours stand still for a while, all its threads; one that is gone stays gone."""
    with contextlib.suppress(psutil.Error):
        psutil.Process(pid).suspend()
    try:
        yield
    finally:
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).resume()


def process_cpu_seconds(pid: int) -> float:
    """Return the processor time that a process and its living children have spent, in seconds, user and system.

    0.0 for a process that does not run.
    """
    processes: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        processes.append(psutil.Process(pid))
        processes += processes[0].children(recursive=True)
    seconds = 0.0
    for each in processes:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # one that ends meanwhile
            times = each.cpu_times()
            seconds += times.user + times.system
    return float(seconds)


def _allowed_cores(otherwise: int) -> int:
    if not hasattr(os, "sched_getaffinity"):
        return otherwise
    return len(os.sched_getaffinity(0)) or otherwise


def _quota_cores(root: Path, own: Path) -> float | None:
    """Return the smallest CPU quota from this process's cgroup up to the root, in cores; None is no quota."""
    quotas = map(_quota_of, _own_groups("cpu", root, own))
    return min((quota for quota in quotas if quota is not None), default=None)


def _own_groups(controller: str, root: Path, own: Path) -> Iterator[Path]:
    """Yield the folders of this process's cgroup and those above it, as far as they are about a controller."""
    for line in _read(own).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "" or controller in controllers.split(","):
            # Version 2 has one tree and no controllers named; version 1 a tree for the controller.
            mount = root if controllers == "" else root / controller
            group = mount / path.lstrip("/")
            yield from (each for each in (group, *group.parents) if each.is_relative_to(mount))


def _quota_of(group: Path) -> float | None:
    fields = _read(group / "cpu.max").split() or [
        *_read(group / "cpu.cfs_quota_us").split(),
        *_read(group / "cpu.cfs_period_us").split(),
    ]
    with contextlib.suppress(ValueError):  # "max" is no quota, and so is anything unknown
        quota, period = (int(field) for field in fields)
        if quota > 0 and period > 0:
            return quota / period
    return None


def _memory_limits(root: Path, own: Path) -> list[tuple[int, int]]:
    """Return the limits of this process's cgroup and of those above it, each with what is used of it, in bytes.

    Pages of files do not count as used: they are given back before anything is swapped.
    """
    limits = []
    for group in _own_groups("memory", root, own):
        limit = _number(group / "memory.max") or _number(group / "memory.limit_in_bytes")
        if limit:
            used = _number(group / "memory.current") or _number(group / "memory.usage_in_bytes")
            fields = dict(line.rpartition(" ")[::2] for line in _read(group / "memory.stat").splitlines())
            # Version 1 says both, the group's own and those of all below it.
            files = sum(int(fields.get(f"total_{name}") or fields.get(name) or 0) for name in _FILE_PAGES)
            limits.append((limit, max(0, used - files)))
    return limits


def _number(path: Path) -> int:
    """Return the number in a file; 0 where there is none ("max" is no limit)."""
    text = _read(path).strip()
    return int(text) if text.isascii() and text.isdigit() else 0


def _read(path: Path) -> str:
    with contextlib.suppress(OSError, ValueError):
        return path.read_text(encoding="ascii")
    return ""

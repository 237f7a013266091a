"""A file that llama.cpp has mapped, and that stays as it is in memory whatever becomes of it on disk.

A mapped file that is rewritten in place changes under who has mapped it, and one that is cut short ends his process
(SIGBUS). So a file is mapped only under a lease: when somebody wants to write to it, a copy of what is mapped takes
its place in memory, at the same addresses, before he may. Where there is no lease the file has to be read instead.
"""

from __future__ import annotations

import ctypes
import logging
import mmap
import os
import re
import threading
from pathlib import Path
from typing import ClassVar

from pylot_ls.engine.file_lease import FileLease

_log = logging.getLogger(__name__)

_MAPS = Path("/proc/self/maps")
# address-address permissions offset device inode path, see proc_pid_maps(5).
_REGION = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r-\S\S [0-9a-f]+ ([0-9a-f]+):([0-9a-f]+) (\d+)\s*(.*)")
# How long who wants to write waits at most for us to notice.
_LOOK_S = 1.0
_OF_SEVERAL_FILES = re.compile(r"-\d{5}-of-\d{5}\.gguf$")
# From <bits/mman-shared.h>, which Python's mmap does not name.
_MREMAP_MAYMOVE, _MREMAP_FIXED = 1, 2
_FAILED = ctypes.c_void_p(-1).value


class MappedFile:
    """A file under a lease, and where it is mapped.

    Args:
        path: the file.
        lease: on it; given back by ``close``, or once there is a copy in memory.
    """

    # Files that are just being mapped: of two at once nobody could tell whose mapping is whose.
    _opening: ClassVar[set[tuple[int, int]]] = set()
    _opening_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, path: Path, lease: FileLease) -> None:
        self._path = path.resolve()
        self._lease: FileLease | None = lease
        self._status = lease.status
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._is_opening = True
        self._others = self._mapped()
        self._regions: set[tuple[int, int]] = set()

    @classmethod
    def open(cls, path: Path) -> MappedFile | None:
        """Of a file about to be mapped; None where it must not be, since nobody would tell before it changes."""
        # llama.cpp would map the other parts as well.
        lease = None if _OF_SEVERAL_FILES.search(path.name) else FileLease.take(path)
        if lease is None:
            return None
        with cls._opening_lock:
            if _key(lease.status) in cls._opening:
                lease.give_back()
                return None
            cls._opening.add(_key(lease.status))
        return cls(path, lease)

    def guard(self) -> None:
        """Begin to watch; called once the file is mapped."""
        self._regions = self._mapped() - self._others
        self._done_opening()
        # Without regions all of it was copied while it was read.
        if self._regions:
            threading.Thread(target=self._watch, name="pylot-mapped-file", daemon=True).start()
        else:
            self._give_back()

    def close(self) -> None:
        """Stop watching; called before the file is unmapped, or when it could not be mapped."""
        self._closed.set()
        self._done_opening()
        with self._lock:
            self._regions = set()
            self._give_back()

    def _watch(self) -> None:
        while not self._closed.wait(_LOOK_S):
            with self._lock:
                if self._lease is not None and self._lease.is_wanted_back():
                    self._copy()
                    self._give_back()
                    return

    def _copy(self) -> None:
        try:
            for start, end in self._regions & self._mapped():
                _put_copy_in_place(start, end - start)
        except OSError as error:
            _log.error("%s is about to be changed; there is no memory for a copy: %s", self._path.name, error.strerror)
        else:
            _log.warning("%s is about to be changed; what is loaded of it stays as it is", self._path.name)

    def _mapped(self) -> set[tuple[int, int]]:
        """Where the file is mapped into this process, to be read: first address, and the one behind the last."""
        found = set()
        for line in _MAPS.read_text(encoding="utf-8", errors="replace").splitlines():
            region = _REGION.match(line)
            if region is None or int(region[5]) != self._status.st_ino:
                continue
            # In a file system of layers, devices have two numbers.
            device = os.makedev(int(region[3], 16), int(region[4], 16))
            if device == self._status.st_dev or region[6] == str(self._path):
                found.add((int(region[1], 16), int(region[2], 16)))
        return found

    def _done_opening(self) -> None:
        with self._opening_lock:
            if self._is_opening:
                self._is_opening = False
                self._opening.discard(_key(self._status))

    def _give_back(self) -> None:
        if self._lease is not None:
            self._lease.give_back()
            self._lease = None


def _key(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _put_copy_in_place(start: int, n_bytes: int) -> None:
    """Exchange a mapping for memory of the process's own with the same content, in one step for who reads it.

    Raises:
        OSError: there is no room.
    """
    libc = _libc()
    copy = libc.mmap(None, n_bytes, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    _check(copy)
    ctypes.memmove(copy, start, n_bytes)
    libc.mprotect(copy, n_bytes, mmap.PROT_READ)
    moved = libc.mremap(copy, n_bytes, n_bytes, _MREMAP_MAYMOVE | _MREMAP_FIXED, ctypes.c_void_p(start))
    _check(moved)


def _check(address: int | None) -> None:
    if address == _FAILED:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    size, pointer = ctypes.c_size_t, ctypes.c_void_p
    libc.mmap.argtypes = pointer, size, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long
    libc.mprotect.argtypes = pointer, size, ctypes.c_int
    libc.mremap.argtypes = pointer, size, size, ctypes.c_int, pointer
    libc.mmap.restype = libc.mremap.restype = pointer
    return libc

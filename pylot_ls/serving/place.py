"""Where the user's shared server is met: a folder of the user's own, a lock, a socket, and the first line on it.

The bridge between an editor and the server stands on this, so it needs nothing but the standard library.

Whoever connects sends one line of JSON, ``{"version", "command", ...}``, and gets one back, ``{"version", "ok", ...}``.
After that the connection is the command's own. A server of any version knows ``hello``, ``status`` and ``stop``; to
bridges of its own version it does ``lsp``. Where sockets have no place in the file system, the server listens on the
loopback device, and the first line has to show the token that stands in the folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pylot_ls.errors import PylotError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_LINE_BYTES = 256 * 1024
# The address of a socket in the file system has room for so many bytes, its end included, on the systems there are.
_MOST_PATH_BYTES = 100
_ANSWER_S = 10.0


class NotRunningError(PylotError):
    """No shared server answers."""


class PlaceError(PylotError):
    """The folder is not one that the user can trust."""


def runtime_folder(environment: Mapping[str, str]) -> Path:
    """The folder of what is there only while the user is logged in; it need not exist."""
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or Path.home()) / "pylot-ls" / "run"
    named = environment.get("XDG_RUNTIME_DIR", "")
    if named and Path(named).is_dir():
        return Path(named) / "pylot-ls"
    # Others can write there, too: what they put in its place is refused by ``make_folder``.
    return Path(environment.get("TMPDIR") or "/tmp") / f"pylot-ls-{os.getuid()}"  # noqa: S108 - see above


def make_folder(folder: Path) -> None:
    """Make the folder, or see that the one that is there is the user's alone.

    Raises:
        PlaceError: it belongs to somebody else, others may enter it, it is a link, or it cannot be made.
    """
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700, parents=True)
        found = folder.lstat()
    except OSError as error:
        raise PlaceError(f"the folder {folder} cannot be made: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise PlaceError(f"{folder} is no folder; remove it, and ask who made it")
    if sys.platform != "win32":
        if found.st_uid != os.getuid():
            raise PlaceError(f"the folder {folder} belongs to another user; remove it, and ask who made it")
        if found.st_mode & 0o077:
            raise PlaceError(f"other users may enter the folder {folder}; remove it, or close it: chmod 700 {folder}")


def socket_path(folder: Path) -> Path | None:
    """The socket's place; None where the server listens on the loopback device."""
    path = folder / "server.sock"
    has_room = len(os.fsencode(path)) < _MOST_PATH_BYTES
    return path if has_room and hasattr(socket, "AF_UNIX") and sys.platform != "win32" else None


def address_path(folder: Path) -> Path:
    """The file with the port and the token of a server on the loopback device."""
    return folder / "server.json"


def log_path(folder: Path) -> Path:
    """What the server logs."""
    return folder / "server.log"


def lock_path(folder: Path) -> Path:
    """What the one server holds for as long as it runs; see ``locked``."""
    return folder / "server.lock"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold a lock, if nobody else does; the operating system takes it back when the process ends, however it does.

    Raises:
        PlaceError: its file cannot be had.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        raise PlaceError(f"{path} cannot be opened: {error.strerror}; remove it") from error
    try:
        yield _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - it exists there alone

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - likewise

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def ask(folder: Path, version: str, command: str, **fields: Any) -> tuple[socket.socket, dict[str, Any]]:
    """Connect to the server and send the first line; the connection and the server's line.

    Raises:
        NotRunningError: there is none, or it does not answer.
        PlaceError: see ``make_folder``.
    """
    make_folder(folder)
    connection, token = _connected(folder)
    line = {"version": version, "command": command, **({"token": token} if token else {}), **fields}
    try:
        connection.settimeout(_ANSWER_S)
        connection.sendall(json.dumps(line).encode("ascii") + b"\n")
        answer = json.loads(_line(connection))
        connection.settimeout(None)
    except (OSError, ValueError) as error:
        connection.close()
        raise NotRunningError(f"the shared server does not answer: {error}") from error
    if not isinstance(answer, dict):
        connection.close()
        raise NotRunningError("what listens in the place of the shared server is something else")
    return connection, answer


def _connected(folder: Path) -> tuple[socket.socket, str]:
    path = socket_path(folder)
    try:
        if path is not None:
            connection = socket.socket(socket.AF_UNIX)
            with _closed_on_error(connection):
                connection.connect(os.fspath(path))
            return connection, ""
        address = json.loads(address_path(folder).read_text(encoding="ascii"))
        return socket.create_connection(("127.0.0.1", int(address["port"])), _ANSWER_S), str(address["token"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NotRunningError("no shared server is running") from error


@contextlib.contextmanager
def _closed_on_error(connection: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _line(connection: socket.socket) -> bytes:
    """The first line; what follows it is not read."""
    line = bytearray()
    while not line.endswith(b"\n"):
        # Seen first and then taken as far as it goes, so that the rest stays where it is.
        seen = connection.recv(4096, socket.MSG_PEEK)
        if not seen or len(line) > MAX_LINE_BYTES:
            raise ValueError("it closed the connection")
        line += connection.recv(seen.find(b"\n") + 1 or len(seen))
    return bytes(line)

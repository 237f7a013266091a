"""``pylot-ls --shared``: an editor's stdin and stdout, carried to the server that several editors share.

It takes the place of a server of the editor's own, so it is to take as little memory as it can: the standard library,
nothing of ours that imports more, and of what starts a server only what is needed when one is to be started.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pylot_ls import __version__
from pylot_ls.errors import PylotError
from pylot_ls.serving.place import NotRunningError, ask, locked, log_path, make_folder, runtime_folder

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping, Sequence

FLAG = "--shared"
_READ_BYTES = 64 * 1024
# A server listens before its model is loaded; only a machine under great load takes so long to import it.
_START_S = 60.0
_POLL_S = 0.05
# Editors start a server again that ends like this.
_SERVER_DIED = 1
# Options of the command line that say which settings count, and under which names these are known.
_SETTINGS = {"--model": ("model", "path"), "--log-level": ("log", "level"), "--log-file": ("log", "file")}
_ENVIRONMENT_PREFIX = "PYLOT_LS_"


def run(arguments: Sequence[str]) -> int | None:
    """Carry the editor's messages to the shared server, which is started if there is none.

    Args:
        arguments: of the command line, the program's name not among them.

    Returns:
        The process's exit code, or None where this process is to serve by itself; why is said on stderr.
    """
    overrides = _overrides(arguments)
    if overrides is None:
        return None  # for the command line to say what is wrong with them
    folder = runtime_folder(os.environ)
    try:
        connection, client = _join(folder, overrides, _for_the_server(arguments))
    except (PylotError, OSError) as error:
        _say(f"{error}; this editor has a server of its own instead")
        return None
    _carry(connection)
    return _exit_code(folder, client)


def _join(folder: Path, overrides: Mapping[str, Any], options: Sequence[str]) -> tuple[socket.socket, str]:
    """A connection to the server, and what it calls this client."""
    make_folder(folder)
    given = {name: value for name, value in os.environ.items() if name.startswith(_ENVIRONMENT_PREFIX)}
    fields = {"pid": os.getpid(), "overrides": overrides, "environment": given}
    try:
        connection, answer = ask(folder, __version__, "lsp", **fields)
    except NotRunningError:
        _start(folder, options)
        connection, answer = ask(folder, __version__, "lsp", **fields)
    if not answer.get("ok"):
        connection.close()
        raise NotRunningError(str(answer.get("error", "the shared server refuses this editor")))
    return connection, str(answer["client"])


def _start(folder: Path, options: Sequence[str]) -> None:
    """Start a server, or wait for the one that another bridge is starting.

    Raises:
        NotRunningError: it does not answer.
    """
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        with locked(folder / "start.lock") as is_ours:
            if is_ours:
                if not _answers(folder):
                    _start_and_wait(folder, options, deadline)
                return
        time.sleep(_POLL_S)
    raise NotRunningError("another editor has been starting the shared server for too long")


def _start_and_wait(folder: Path, options: Sequence[str], deadline: float) -> None:
    # Imported here: most bridges join a server that is there.
    import subprocess  # noqa: PLC0415

    log = log_path(folder)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0), 0o600)
    # Of a session of its own: it outlives this editor, and signals for the editor's terminal do not reach it. Nor does
    # it stay in the editor's folder, from which ``-m`` would import.
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        detached = {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    # Of this very installation, also where it is not on the path.
    root = str(Path(__file__).resolve().parents[2])
    search = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    try:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "pylot_ls", "serve", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=descriptor,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": search},
            **detached,
        )
    finally:
        os.close(descriptor)
    while not _answers(folder):
        code = process.poll()
        if code is not None:
            raise NotRunningError(f"the shared server ended at once (exit code {code}), {log} says why")
        if time.monotonic() > deadline:
            process.kill()
            raise NotRunningError(f"the shared server took over {_START_S:.0f} s to start, {log} may say why")
        time.sleep(_POLL_S)
    process.returncode = 0  # it is to live on; nobody waits for it


def _answers(folder: Path) -> bool:
    try:
        connection, _ = ask(folder, __version__, "hello")
    except NotRunningError:
        return False
    connection.close()
    return True


def _carry(connection: socket.socket) -> None:
    """Carry both ways until the server closes the connection."""
    threading.Thread(target=_carry_input, args=(connection,), daemon=True).start()
    with contextlib.suppress(OSError):  # the server died, or the editor reads no more
        while data := connection.recv(_READ_BYTES):
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(1, rest) :]
    connection.close()


def _carry_input(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # os.read and not sys.stdin: its lock, held by a thread that blocks, ends the interpreter badly.
        while data := os.read(0, _READ_BYTES):
            connection.sendall(data)
        # The server then ends the connection, once it has answered.
        connection.shutdown(1)


def _exit_code(folder: Path, client: str) -> int:
    """What the server says this client's process is to exit with."""
    try:
        connection, answer = ask(folder, __version__, "ended", client=client)
    except PylotError:
        answer = {}
    else:
        connection.close()
    code = answer.get("exit_code")
    if isinstance(code, int):
        return code
    _say("the shared server ended while this editor was using it; start the language server again")
    return _SERVER_DIED


def _overrides(arguments: Sequence[str]) -> dict[str, Any] | None:
    """The settings that options give; None where there is an option that a shared server does not have."""
    found: dict[str, dict[str, Any]] = {}
    left = list(arguments)
    while left:
        name, is_joined, value = left.pop(0).partition("=")
        if name in {FLAG, "--stdio"} and not is_joined:
            continue
        if name == "--scripted" and not is_joined:
            found.setdefault("model", {})["backend"] = "scripted"
            continue
        if name not in _SETTINGS or not (is_joined or left):
            return None
        group, setting = _SETTINGS[name]
        chosen = value if is_joined else left.pop(0)
        # The server has a working folder of its own.
        found.setdefault(group, {})[setting] = (
            chosen if setting == "level" else str(Path(chosen).expanduser().absolute())
        )
    return found


def _for_the_server(arguments: Sequence[str]) -> list[str]:
    """The same options, for the server that is to be started."""
    options = []
    for group, values in (_overrides(arguments) or {}).items():
        for setting, value in values.items():
            if (group, setting) == ("model", "backend"):
                options.append("--scripted")
            else:
                name = next(name for name, known in _SETTINGS.items() if known == (group, setting))
                options.append(f"{name}={value}")
    return options


def _say(message: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"pylot-ls: {message}\n")
        sys.stderr.flush()

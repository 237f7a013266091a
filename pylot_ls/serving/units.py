"""The shared server as a service that systemd or launchd starts when the user logs in."""

from __future__ import annotations

import plistlib
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.config.folders import launch_agents_folder, user_units_folder
from pylot_ls.errors import PylotError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NAME = "pylot-ls"
_LABEL = "io.pylot-ls.serve"
_TIMEOUT_S = 60.0


class UnitError(PylotError):
    """The service cannot be set up."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the user's.

    Attributes:
        path: of its file.
        content: of its file.
        starts, stops: the commands by which it is started now and at each login, and no longer.
    """

    path: Path
    content: str
    starts: tuple[tuple[str, ...], ...]
    stops: tuple[tuple[str, ...], ...]

    def install(self) -> None:
        """Write the file and start the service.

        Raises:
            UnitError: that is not possible.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(self.content, encoding="utf-8")
        except OSError as error:
            raise UnitError(f"{self.path} cannot be written: {error.strerror}") from error
        for command in self.starts:
            _run(command)

    def uninstall(self) -> bool:
        """Stop the service and remove its file; False where there is none.

        Raises:
            UnitError: that is not possible.
        """
        if not self.path.exists():
            return False
        *befores, last = self.stops
        for command in befores:
            _run(command)
        try:
            self.path.unlink()
        except OSError as error:
            raise UnitError(f"{self.path} cannot be removed: {error.strerror}") from error
        _run(last)
        return True


def service(options: Sequence[str], user_id: int) -> Service:
    """The service of this machine.

    Args:
        options: of ``pylot-ls serve``.
        user_id: of the user whose it is.

    Raises:
        UnitError: this system starts services otherwise.
    """
    # It ends by itself nowhere: it was asked to be there always.
    command = (sys.executable, "-m", "pylot_ls", "serve", *options, "--idle-exit", "0")
    if sys.platform == "darwin":
        path = launch_agents_folder() / f"{_LABEL}.plist"
        domain = f"gui/{user_id}"
        return Service(
            path,
            launchd_plist(command),
            (("launchctl", "bootstrap", domain, str(path)),),
            (("launchctl", "bootout", f"{domain}/{_LABEL}"), ("launchctl", "print", domain)),
        )
    if sys.platform.startswith("linux"):
        control = ("systemctl", "--user")
        return Service(
            user_units_folder() / f"{_NAME}.service",
            systemd_unit(command),
            ((*control, "daemon-reload"), (*control, "enable", "--now", _NAME)),
            ((*control, "disable", "--now", _NAME), (*control, "daemon-reload")),
        )
    raise UnitError("on this system pylot-ls makes no service; editors with --shared start the server by themselves")


def systemd_unit(command: Sequence[str]) -> str:
    """A unit for ``systemctl --user`` (systemd.service(5))."""
    return (
        "[Unit]\n"
        "Description=pylot-ls, one language server for all editors\n"
        "\n"
        "[Service]\n"
        f"ExecStart={' '.join(map(_quoted, command))}\n"
        "Restart=on-failure\n"
        # The process that holds the models is ended by the one that serves.
        "KillMode=mixed\n"
        "\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


def launchd_plist(command: Sequence[str]) -> str:
    """A property list for launchd (launchd.plist(5))."""
    settings = {
        "Label": _LABEL,
        "ProgramArguments": list(command),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ProcessType": "Interactive",
    }
    return plistlib.dumps(settings).decode("utf-8")


def _quoted(argument: str) -> str:
    """An argument as systemd reads it: % begins a specifier and $ a variable."""
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != argument or not argument or any(map(str.isspace, argument)) else argument


def _run(command: Sequence[str]) -> None:
    said = " ".join(command)
    try:
        done = subprocess.run(  # noqa: S603 - named above
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnitError(f"{said}: {error}") from error
    if done.returncode != 0:
        raise UnitError(f"{said} failed: {done.stderr.strip() or done.stdout.strip()}")

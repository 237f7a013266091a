"""The service that starts the server at login: what is written, and which commands are run."""

from __future__ import annotations

import plistlib
import sys

import pytest

from pylot_ls.serving.units import launchd_plist, systemd_unit

needs_systemd = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is Linux'")


@pytest.fixture
def control(user, home):
    """A ``systemctl`` that notes how it was called, and fails while ``fails`` lies beside it."""
    folder = home / "bin"
    folder.mkdir()
    program, called = folder / "systemctl", folder / "called"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {called}\n[ -e {folder}/fails ] && echo no bus >&2 && exit 1\nexit 0\n'
    )
    program.chmod(0o755)
    called.touch()
    user.environment["PATH"] = f"{folder}:{user.environment['PATH']}"
    return folder


@needs_systemd
def test_a_service_is_written_and_started_and_taken_out_again(user, home, control):
    unit = home / "config" / "systemd" / "user" / "pylot-ls.service"
    model = home / "my model.gguf"
    code, said = user.run_inside("serve", "--install", "--model", str(model))
    assert (code, str(unit) in said) == (0, True)
    (line,) = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    assert line == f'ExecStart={sys.executable} -m pylot_ls serve "--model={model}" --idle-exit 0'
    calls = (control / "called").read_text().splitlines()
    assert calls == ["--user daemon-reload", "--user enable --now pylot-ls"]
    assert user.run_inside("serve", "--uninstall") == (0, f"removed {unit}\n")
    assert not unit.exists()
    assert (control / "called").read_text().splitlines()[2:] == [
        "--user disable --now pylot-ls",
        "--user daemon-reload",
    ]
    assert user.run_inside("serve", "--uninstall") == (0, f"there is no {unit}\n")


@needs_systemd
def test_what_would_be_written_is_shown_and_nothing_done(user, home, control):
    code, said = user.run_inside("serve", "--install", "--dry-run", "--scripted")
    assert code == 0
    assert f"ExecStart={sys.executable} -m pylot_ls serve --scripted --idle-exit 0" in said
    assert "systemctl --user enable --now pylot-ls" in said
    assert not (home / "config").exists()
    assert (control / "called").read_text() == ""


@needs_systemd
def test_what_systemd_says_when_it_fails_is_told(user, control):
    (control / "fails").touch()
    code, said = user.run_inside("serve", "--install")
    assert code == 1
    assert "systemctl --user daemon-reload failed: no bus" in said


def test_arguments_that_systemd_would_read_otherwise_are_quoted():
    unit = systemd_unit(["/usr/bin/python3", '--model=/a b/50%/$x"y\\z'])
    assert 'ExecStart=/usr/bin/python3 "--model=/a b/50%%/$$x\\"y\\\\z"' in unit


def test_launchd_is_given_the_same_command():
    command = ["/usr/bin/python3", "-m", "pylot_ls", "serve", "--model=/a & b.gguf"]
    settings = plistlib.loads(launchd_plist(command).encode())
    assert settings["ProgramArguments"] == command
    assert settings["RunAtLoad"] is True


def test_one_thing_at_a_time(user):
    code, said = user.run_inside("serve", "--status", "--stop")
    assert code == 2
    assert "one at a time" in said
    assert user.run_inside("serve", "--status")[0] == 1
    assert user.run_inside("serve", "--stop") == (0, "no shared server was running\n")

"""What ``doctor --bundle`` packs, and what it does not."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pylot_ls.cli.bundle import write_bundle
from pylot_ls.cli.checks import Check, Status
from pylot_ls.errors import SettingsError

LOG = """\
2026-01-02 03:04:05,678 WARNING pylot_ls.lsp: version 3 follows version 5
    a line that belongs to it: password = 'hunter2'
2026-01-02 03:04:06,678 DEBUG pylot_ls.lsp: text of a document, password = 'hunter2'
2026-01-02 03:04:07,678 ERROR pylot_ls.engine: {home}/models/m.gguf is damaged\x1b[31m
"""


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A user with a name, settings, a log and a crash behind him."""
    home = tmp_path / "jane.doe"
    (home / "config" / "pylot-ls").mkdir(parents=True)
    for name, folder in {"HOME": "", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state"}.items():
        monkeypatch.setenv(name, str(home / folder))
    log = home / "server.log"
    log.write_text(LOG.format(home=home))
    (home / "config" / "pylot-ls" / "config.toml").write_text(f'[log]\nfile = "{log}"\nlevel = "debug"\n')
    crashes = home / "state" / "pylot-ls" / "crashes"
    crashes.mkdir(parents=True)
    (crashes / "crashes.log").write_text("a server (process 7) ended in the middle of textDocument/hover\n")
    return home


def packed(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name).decode() for name in file.namelist()}


def test_a_report_tells_versions_settings_findings_crashes_and_warnings_but_no_code_and_no_name(home, tmp_path):
    path = tmp_path / "report.zip"
    write_bundle(path, [Check("model", Status.BROKEN, f"no model at {home}/models/m.gguf")])
    parts = packed(path)
    assert json.loads(parts["versions.json"])["llama-cpp-python"]
    assert json.loads(parts["doctor.json"]) == [
        {"name": "model", "status": "broken", "found": "no model at ~/models/m.gguf"}
    ]
    assert json.loads(parts["settings.json"])["log.file"].startswith("~/server.log from ")
    assert "textDocument/hover" in parts["crashes.txt"]
    assert parts["log.txt"].splitlines() == [
        "2026-01-02 03:04:05,678 WARNING pylot_ls.lsp: version 3 follows version 5",
        "2026-01-02 03:04:07,678 ERROR pylot_ls.engine: ~/models/m.gguf is damaged[31m",
    ]
    for text in parts.values():
        assert "jane.doe" not in text
        assert "hunter2" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_not_overwritten(home, tmp_path):
    path = tmp_path / "precious"
    path.write_bytes(b"precious")
    with pytest.raises(SettingsError, match="name another file"):
        write_bundle(path, [])
    with pytest.raises(SettingsError, match="cannot be written"):
        write_bundle(tmp_path / "none" / "report.zip", [])
    assert path.read_bytes() == b"precious"


def test_without_settings_log_or_crashes_there_is_a_report_too(monkeypatch, tmp_path):
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    write_bundle(tmp_path / "report.zip", [])
    assert packed(tmp_path / "report.zip")["log.txt"] == ""


def test_the_command_packs_it_and_says_where(home, tmp_path):
    path = Path(tmp_path / "report.zip")
    done = subprocess.run(
        (sys.executable, "-m", "pylot_ls", "doctor", "--scripted", "--bundle", str(path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"The report is in {path}" in done.stderr
    assert "doctor.json" in packed(path)

"""What stays of a server that ended in the middle of something."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys

import pytest
from protocol_client import HOVER, hang

from pylot_ls.lsp.crash_note import CrashNote, find_crashes, past_crashes

_WRITE = (
    "import sys, pathlib; from pylot_ls.lsp.crash_note import CrashNote; note = CrashNote(pathlib.Path(sys.argv[1]))"
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "crashes"


def run(folder, program):
    """Run a program with a note in a process of its own; its id and exit code."""
    with subprocess.Popen((sys.executable, "-c", f"{_WRITE}\n{program}", str(folder))) as process:
        process.wait(60)
    return process.pid, process.returncode


def nobody_is_alive(_pid):
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="a process that native code ends there does so otherwise")
def test_a_process_that_native_code_ends_leaves_behind_which_requests_it_served(folder):
    crash = "note.serving(1, 'b/two'); note.serving('x', 'a/one'); import os; os.abort()"
    pid, code = run(folder, crash)
    assert code == -signal.SIGABRT
    (told,) = find_crashes(folder, nobody_is_alive)
    assert f"(process {pid}) ended in the middle of a/one, b/two" in told
    assert past_crashes(folder) == [told]
    assert find_crashes(folder, nobody_is_alive) == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "crashes.log").stat().st_mode) == 0o600


@pytest.mark.parametrize("end", ["note.serving(1, 'a'); note.close()", "note.serving(1, 'a'); note.serving(1, '')"])
def test_one_that_ends_as_it_should_or_with_nothing_to_do_has_not_crashed(folder, end):
    run(folder, end)
    assert find_crashes(folder, nobody_is_alive) == []
    assert list(folder.iterdir()) == []


def test_a_process_that_lives_is_left_alone(folder):
    note = CrashNote(folder)
    note.serving(1, "a/method")
    (folder / "1.serving").write_bytes(b"another/method")
    assert find_crashes(folder, lambda _pid: True) == []
    assert len(list(folder.iterdir())) == 2
    note.close()


def test_what_stands_in_a_note_cannot_be_more_than_a_line_and_only_the_latest_are_remembered(folder):
    folder.mkdir()
    for pid in range(1000, 1030):
        (folder / f"{pid}.serving").write_bytes(b"a\n2026 forged\x1b[0m" * 100)
    (folder / "name.serving").write_bytes(b"a")
    assert len(find_crashes(folder, nobody_is_alive)) == 30
    lines = past_crashes(folder)
    assert len(lines) == 20
    assert not any("\x1b" in line for line in lines)


def test_without_a_folder_there_is_no_note_and_nothing_fails(tmp_path):
    (tmp_path / "file").touch()
    note = CrashNote(tmp_path / "file")
    note.serving(1, "a")
    note.close()
    assert find_crashes(tmp_path / "file", nobody_is_alive) == []
    assert past_crashes(tmp_path / "file") == []


@pytest.mark.asyncio
async def test_the_note_is_told_of_requests_as_long_as_they_are_in_work(server, client):
    told = []
    server.protocol.tell_served = lambda *each: told.append(each)
    hang(server, "textDocument/hover")
    client.send(id=7, method="textDocument/hover", params=HOVER)
    assert told == [(7, "textDocument/hover")]
    await server.protocol.close(timeout_s=5)
    assert told[1:] == [(7, "")]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_real_server_leaves_no_note_when_it_ends_and_one_when_it_is_killed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    done = subprocess.run((sys.executable, "-m", "pylot_ls", "--scripted"), stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 1
    notes = tmp_path / "pylot-ls" / "crashes"
    assert list(notes.iterdir()) == []
    with subprocess.Popen(
        (sys.executable, "-m", "pylot_ls", "--scripted"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        body = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}'
        process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        process.stdin.flush()
        assert process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    assert [path.name for path in notes.iterdir()] == [f"{process.pid}.serving"]

"""Editors that are started with ``--shared``: real processes, one server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import psutil
import pytest
from lsp_process import TIMEOUT_S, EditorProcess

from pylot_ls.serving.bridge import _overrides

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="ends processes as only POSIX can")


def test_five_editors_that_start_at_once_share_one_server(user):
    editors = [user.editor("--scripted") for _ in range(5)]
    answers = {}

    def begin(number):
        editors[number].initialize()
        editors[number].open(f"x_{number} = \n")
        answers[number] = editors[number].suggestion(0, 6)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert answers == dict.fromkeys(range(5), "scripted_suggestion")
    status = user.status()
    assert {each["pid"] for each in status["editors"]} == {editor.popen.pid for editor in editors}
    assert [each["n_documents"] for each in status["editors"]] == [1] * 5
    assert "ok  shared server: it is running" in user.run("doctor", "--scripted")[1]
    code, said = user.run("serve", "--status")
    assert code == 0
    assert "editors: 5\nmodel for complete and chat: ready scripted, " in said
    assert [editor.leave() for editor in editors] == [0] * 5
    assert user.status()["editors"] == []
    assert user.run("serve", "--stop") == (0, f"process {status['pid']} has ended\n")
    assert user.status() == {"running": False}


def test_an_editor_that_goes_without_a_word_has_exit_code_1_and_the_server_stays(user):
    rude, other = user.editor("--scripted"), user.editor("--scripted")
    for editor in (rude, other):
        editor.initialize()
    pid = user.status()["pid"]
    rude.popen.stdin.close()
    assert rude.popen.wait(TIMEOUT_S) == 1
    other.open("x = \n")
    assert other.suggestion(0, 4) == "scripted_suggestion"
    assert user.status()["pid"] == pid


@needs_signals
def test_an_editor_that_is_killed_leaves_the_others_as_they_are(user):
    killed, other = user.editor("--scripted"), user.editor("--scripted")
    for editor in (killed, other):
        editor.initialize()
    killed.popen.kill()
    killed.popen.wait(TIMEOUT_S)
    other.open("x = \n")
    assert other.suggestion(0, 4) == "scripted_suggestion"


@needs_signals
def test_when_the_server_is_killed_its_editors_end_and_the_next_one_starts_another(user):
    editor = user.editor("--scripted")
    editor.initialize()
    pid = user.status()["pid"]
    os.kill(pid, signal.SIGKILL)
    assert editor.popen.wait(TIMEOUT_S) == 1
    assert b"the shared server ended" in editor.popen.stderr.read()
    assert (user.folder / "server.sock").exists(), "it was left behind"
    again = user.editor("--scripted")
    again.initialize()
    assert user.status()["pid"] != pid


def test_where_a_sockets_name_would_be_too_long_the_server_is_met_on_the_loopback_device(user):
    runtime = user.runtime / ("long" * 25)
    runtime.mkdir(mode=0o700)
    user.environment["XDG_RUNTIME_DIR"] = str(runtime)
    editors = [user.editor("--scripted") for _ in range(2)]
    for editor in editors:
        editor.initialize()
        editor.open("x = \n")
        assert editor.suggestion(0, 4) == "scripted_suggestion"
    assert len(user.status()["editors"]) == 2
    assert {path.name for path in (runtime / "pylot-ls").iterdir()} >= {"server.json", "server.lock"}
    assert not (runtime / "pylot-ls" / "server.sock").exists()
    assert [editor.leave() for editor in editors] == [0, 0]


@needs_signals
def test_a_server_that_is_told_to_end_by_a_signal_leaves_nothing_behind(user):
    editor = user.editor("--scripted")
    editor.initialize()
    found = user.status()
    processes = [psutil.Process(found["pid"]), psutil.Process(found["engine"]["pid"])]
    os.kill(found["pid"], signal.SIGTERM)
    assert editor.popen.wait(TIMEOUT_S) == 1
    assert psutil.wait_procs(processes, TIMEOUT_S)[1] == []
    assert not (user.folder / "server.sock").exists()


def test_where_no_server_can_be_started_the_editor_has_one_of_its_own(user):
    user.folder.mkdir(mode=0o700)
    user.folder.chmod(0o755)
    editor = user.editor("--scripted")
    editor.initialize()
    editor.open("x = \n")
    assert editor.suggestion(0, 4) == "scripted_suggestion"
    assert editor.leave() == 0
    said = editor.popen.stderr.read().decode()
    assert "other users may enter the folder" in said
    assert "this editor has a server of its own instead" in said
    code, said = user.run("doctor", "--scripted")
    assert code == 1
    assert "broken  shared server: editors with --shared each have a server of their own: other users may enter" in said


def test_a_server_of_another_version_is_left_alone(user):
    editor = user.editor("--scripted")
    editor.initialize()
    pid = user.status()["pid"]
    script = (
        "import sys, pylot_ls; pylot_ls.__version__ = '0.0.1'; sys.argv = ['pylot-ls', '--shared', '--scripted'];"
        "from pylot_ls.__main__ import main; main()"
    )
    older = EditorProcess([sys.executable, "-c", script], user.environment)
    older.initialize()
    assert older.leave() == 0
    assert b"the shared server is of version" in older.popen.stderr.read()
    older.end()
    assert [user.status()["pid"], len(user.status()["editors"])] == [pid, 1]


def test_a_bridge_imports_nothing_but_the_standard_library(user):
    user.editor("--scripted").initialize()
    script = (
        "import sys, json; sys.argv = ['pylot-ls', '--shared', '--scripted']; from pylot_ls.serving import bridge;"
        "code = bridge.run(sys.argv[1:]); sys.stderr.write(json.dumps([code, sorted(sys.modules)]))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={**user.environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        input=b"",
        capture_output=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 1, "stdin ended without exit"
    foreign = {name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names}
    ours = {"pylot_ls", "pylot_ls.errors", "pylot_ls.serving", "pylot_ls.serving.bridge", "pylot_ls.serving.place"}
    assert foreign - {"__main__", "sitecustomize"} == ours
    assert not {"asyncio", "subprocess", "dataclasses", "typing", "logging"} & set(modules) - {"typing"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not say what is shared")
def test_a_bridge_takes_a_fifth_of_the_memory_of_a_server(user):
    editor = user.editor("--scripted")
    editor.initialize()
    of_server = psutil.Process(user.status()["pid"]).memory_full_info().uss
    of_bridge = psutil.Process(editor.popen.pid).memory_full_info().uss
    assert of_bridge < of_server / 5


def test_a_server_ends_by_itself_after_the_time_that_was_said(user):
    assert user.run("serve", "--scripted", "--idle-exit", "0.1") == (0, "")
    assert user.status() == {"running": False}


def test_the_server_has_the_options_of_the_editor_that_starts_it():
    found = _overrides(["--shared", "--stdio", "--model=/a.gguf", "--log-level", "debug", "--scripted"])
    assert found == {"model": {"path": "/a.gguf", "backend": "scripted"}, "log": {"level": "debug"}}
    assert _overrides(["--shared", "--nonsense"]) is None
    assert _overrides(["--shared", "--model"]) is None
    assert _overrides(["complete", "--shared"]) is None


def test_an_option_that_does_not_exist_is_refused_as_always(user):
    code, said = user.run("--shared", "--nonsense")
    assert code == 2
    assert "--nonsense" in said

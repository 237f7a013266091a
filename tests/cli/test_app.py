from __future__ import annotations

import gc
import json
import subprocess
import sys

import pytest

from pylot_ls import __main__, __version__


def test_help_names_every_command(pylot):
    done = pylot("--help")
    assert done.returncode == 0
    for command in ("complete", "demo", "doctor", "config", "bench"):
        assert command in done.stdout


def test_the_version_is_printed(pylot):
    assert pylot("--version").stdout.strip() == f"pylot-ls {__version__}"


def test_without_a_command_it_is_the_server(pylot):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}})
    tail = "".join(
        f"Content-Length: {len(each)}\r\n\r\n{each}"
        for each in (
            body,
            json.dumps({"jsonrpc": "2.0", "id": 2, "method": "shutdown"}),
            json.dumps({"jsonrpc": "2.0", "method": "exit"}),
        )
    )
    for arguments in ((), ("--stdio",), ("--scripted",)):
        done = pylot(*arguments, text_input=tail)
        assert done.returncode == 0, done.stderr
        assert '"inlineCompletionProvider"' in done.stdout
        assert '"id":2,"result":null' in done.stdout


def test_the_collector_leaves_alone_what_is_imported(monkeypatch):
    left = []
    monkeypatch.setattr("pylot_ls.cli.app.app", lambda: left.append(gc.get_freeze_count()))
    try:
        __main__.main()
    finally:
        gc.unfreeze()
    assert left[0] > 10_000


def test_it_does_so_in_the_process_of_the_models():
    code = (
        "import gc, sys; from pylot_ls.serving import engine_child\n"
        "engine_child.read_frame = lambda _source: print(gc.get_freeze_count(), file=sys.stderr)\n"
        "engine_child.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert int(done.stderr) > 10_000


def test_options_of_the_server_before_a_command_are_refused(pylot_inside):
    done = pylot_inside("--scripted", "complete", "a.py:1:1")
    assert done.returncode == 2
    assert "after complete" in done.stderr


def test_an_unknown_command_is_an_error(pylot_inside):
    assert pylot_inside("fly").returncode == 2


@pytest.mark.parametrize("as_json", [False, True])
def test_doctor_finds_everything_in_order(pylot, as_json):
    done = pylot("doctor", *(["--json"] if as_json else []))
    assert done.returncode == 0, done.stdout
    if as_json:
        checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
        assert {"Python", "llama.cpp", "settings", "memory", "model", "memory plan", "cache folder"} <= checks.keys()
        assert "prompt cache 256 MiB" in checks["memory plan"]["found"]
        assert "pylot-tiny" in checks["model"]["found"]
    else:
        assert "pylot-tiny" in done.stdout


def test_doctor_says_what_is_broken_and_ends_with_one(pylot, tmp_path):
    model = tmp_path / "bad.gguf"
    model.write_bytes(b"not a model")
    (tmp_path / "home" / "pylot-ls").write_text("a file where the cache folder should be", encoding="utf-8")
    done = pylot("doctor", "--json", "--model", model)
    assert done.returncode == 1
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert found["model"]["status"] == "broken"
    assert "not a GGUF" in found["model"]["found"]
    assert found["cache folder"]["status"] == "broken"


def test_doctor_counts_a_wrong_setting_as_broken(pylot_inside):
    done = pylot_inside("doctor", "--scripted", "--json", PYLOT_LS_LOG_LEVEL="loud")
    assert done.returncode == 1
    assert "PYLOT_LS_LOG_LEVEL" in done.stdout

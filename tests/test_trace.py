import logging
import os
import stat
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls import trace
from pylot_ls.errors import SettingsError

STEERS_DIRECTION = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@pytest.fixture(autouse=True)
def logging_as_it_was():
    root, pygls = logging.getLogger(), logging.getLogger("pygls")
    handlers, levels = list(root.handlers), (root.level, pygls.level)
    yield
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    pygls.setLevel(levels[1])


def ours():
    return [each for each in logging.getLogger().handlers if each.name == "pylot-ls"]


def test_records_go_to_stderr_with_time_level_and_logger(capsys):
    trace.configure("warning", None)
    logging.getLogger("a.b").warning("hello")
    logging.getLogger("a.b").info("quiet")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith(" WARNING a.b: hello\n")
    assert captured.err[:2] == "20"


def test_configured_again_it_replaces_itself(tmp_path):
    for level, file in [("error", None), ("info", tmp_path / "a.log"), ("info", tmp_path / "a.log")]:
        trace.configure(level, file)
        assert len(ours()) == 1
    logging.getLogger("a").info("once")
    assert (tmp_path / "a.log").read_text().count("once") == 1


@pytest.mark.parametrize(
    ("level", "ours_at", "pygls_at"),
    [
        ("error", logging.ERROR, logging.ERROR),
        ("warning", logging.WARNING, logging.WARNING),
        ("info", logging.INFO, logging.WARNING),
        ("debug", logging.DEBUG, logging.DEBUG),
    ],
)
def test_pygls_tells_message_bodies_only_at_debug(level, ours_at, pygls_at):
    trace.configure(level, None)
    assert logging.getLogger("pylot_ls.x").getEffectiveLevel() == ours_at
    assert logging.getLogger("pygls.protocol").getEffectiveLevel() == pygls_at


def test_control_characters_are_stripped_and_no_line_poses_as_a_record(tmp_path):
    file = tmp_path / "a.log"
    trace.configure("warning", file)
    logging.getLogger("a").warning("x\x1b[2J\x9b\x00\u202e\u2066\u2028\r\ud800y\n2026-01-01 ERROR b: fake")
    assert file.read_text(encoding="utf-8").endswith(" WARNING a: x[2Jy\n    2026-01-01 ERROR b: fake\n")


def test_a_traceback_keeps_its_lines_and_loses_control_characters(tmp_path):
    file = tmp_path / "a.log"
    trace.configure("warning", file)
    error = ValueError("bad\x1b[31m\nforged")
    try:
        raise error
    except ValueError:
        logging.getLogger("a").exception("failed")
    text = file.read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert "\n    Traceback" in text
    assert "\n    forged" in text


@given(st.text(st.characters()))
def test_what_is_left_of_any_text_cannot_steer_a_terminal_or_reorder_a_line(text):
    left = trace.without_control_characters(text)
    assert not {unicodedata.category(each) for each in left} & {"Cs", "Zl", "Zp"}
    assert {each for each in left if unicodedata.category(each) == "Cc"} <= {"\t", "\n"}
    assert not {unicodedata.bidirectional(each) for each in left} & STEERS_DIRECTION
    assert trace.without_control_characters(left) == left


def test_one_line_is_one_line():
    assert trace.on_one_line(" a\n\tb\x1b\u202ec ") == "a bc"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_file_and_the_folders_made_for_it_are_private(tmp_path):
    file = tmp_path / "new" / "deep" / "a.log"
    trace.configure("warning", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(each.stat().st_mode) for each in (file.parent, file.parent.parent)} == {0o700}


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_folder_that_was_there_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    trace.configure("warning", tmp_path / "a.log")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_file_that_was_open_to_others_is_made_private(tmp_path):
    file = tmp_path / "a.log"
    file.touch(mode=0o644)
    trace.configure("warning", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_file_is_rotated_and_the_new_one_is_private(tmp_path, monkeypatch):
    monkeypatch.setattr(trace, "MAX_FILE_BYTES", 200)
    file = tmp_path / "a.log"
    trace.configure("warning", file)
    for n in range(40):
        logging.getLogger("a").warning("record %d", n)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.log", "a.log.1", "a.log.2"]
    if os.name == "posix":
        assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()} == {0o600}


def test_a_file_that_cannot_be_opened_is_an_error_and_what_was_set_up_stands(tmp_path):
    trace.configure("info", None)
    before = ours()
    (tmp_path / "plain").touch()
    for bad in (tmp_path, tmp_path / "plain" / "a.log", tmp_path / "a\0b"):
        with pytest.raises(SettingsError, match=r"log\.file"):
            trace.configure("debug", bad)
    assert ours() == before
    assert logging.getLogger().level == logging.INFO


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_is_refused_and_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(SettingsError, match="no regular file"):
        trace.configure("warning", tmp_path / "fifo")


def test_an_unknown_level_is_an_error():
    with pytest.raises(SettingsError, match="accepted: error, warning, info, debug"):
        trace.configure("loud", None)


@pytest.mark.parametrize(
    "setup", ["", "import sys; sys.stderr.close(); sys.stderr = None; "], ids=["stderr", "no stderr"]
)
def test_faulthandler_is_on_where_there_is_a_stderr(setup):
    code = (
        f"{setup}import faulthandler, sys; from pylot_ls import trace; trace.configure('warning', None); "
        "sys.exit(0 if faulthandler.is_enabled() == (sys.stderr is not None) else 3)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

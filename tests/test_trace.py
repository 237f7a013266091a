import io
import logging
import os
import stat
import subprocess
import sys
import threading
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
        handler.flush()
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    pygls.setLevel(levels[1])


def ours():
    return [each for each in logging.getLogger().handlers if hasattr(each, "destination")]


def written():
    """Wait for the thread that writes."""
    (handler,) = ours()
    handler.flush()


class Stuck(logging.Handler):
    """A target that takes nothing until it is let go."""

    def __init__(self):
        super().__init__()
        self.go_on = threading.Event()
        self.lines = []

    def emit(self, record):
        self.go_on.wait()
        self.lines.append(record.getMessage())


@pytest.fixture
def stuck(monkeypatch):
    target = Stuck()
    monkeypatch.setattr(trace, "_stderr_handler", lambda: target)
    monkeypatch.setattr(trace, "MAX_WAITING_CHARACTERS", 1000)
    monkeypatch.setattr(trace, "FLUSH_S", 0.01)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    trace.configure("warning", None)
    yield target
    target.go_on.set()


def test_whoever_logs_does_not_wait_and_what_is_lost_is_counted(stuck, monkeypatch):
    for n in range(100):
        logging.getLogger("a").warning("record %d", n)
    (handler,) = ours()
    handler.flush()
    assert stuck.lines == []
    monkeypatch.setattr(trace, "FLUSH_S", 10)
    stuck.go_on.set()
    handler.flush()
    n_written = len(stuck.lines)
    assert 5 < n_written < 100
    logging.getLogger("a").warning("again")
    handler.flush()
    note, last = stuck.lines[n_written:]
    assert f" WARNING pylot_ls.trace: {100 - n_written} records were lost" in note
    assert last.endswith("again")


def test_a_record_larger_than_all_that_may_wait_is_written_where_nothing_waits(stuck):
    logging.getLogger("a").warning("x" * 5000)
    logging.getLogger("a").warning("lost")
    stuck.go_on.set()
    ours()[0].flush()
    assert [len(line) > 5000 for line in stuck.lines] == [True]


def test_a_write_that_fails_loses_its_record_and_no_other(stuck, monkeypatch):
    failing = iter([OSError(28, "No space left on device"), ValueError("closed")])

    def emit(record):
        if (error := next(failing, None)) is not None:
            raise error
        stuck.lines.append(record.getMessage())

    monkeypatch.setattr(stuck, "emit", emit)
    monkeypatch.setattr(trace, "FLUSH_S", 10)
    for n in range(3):
        logging.getLogger("a").warning("record %d", n)
        ours()[0].flush()
    after_the_first, note, last = stuck.lines  # the first note was lost too
    assert after_the_first.endswith("record 1")
    assert "1 records were lost" in note
    assert last.endswith("record 2")


def test_a_stream_that_was_closed_loses_records_and_nothing_is_said_elsewhere(monkeypatch):
    stream, elsewhere = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    trace.configure("info", None)
    stream.close()
    monkeypatch.setattr(sys, "stderr", elsewhere)
    logging.getLogger("pylot_ls").warning("gone")
    written()
    assert not elsewhere.getvalue()


def test_a_record_that_cannot_be_formatted_is_named_and_its_logger_goes_on(stuck):
    stuck.go_on.set()
    # Not through logging's own call: pytest's handlers raise.
    ours()[0].emit(logging.makeLogRecord({"name": "a", "msg": "%d", "args": ("x",)}))
    ours()[0].flush()
    assert "a record of a cannot be formatted: TypeError" in stuck.lines[0]


def test_a_client_that_does_not_drain_stderr_holds_nothing_up():
    code = (
        "import logging, sys; from pylot_ls import trace; trace.FLUSH_S = 0.05; trace.configure('warning', None); "
        "[logging.getLogger('a').warning('x' * 1000) for _ in range(500)]; sys.stdout.write('done'); sys.stdout.flush()"
    )
    reading, writing = os.pipe()
    try:
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=writing, check=False)
    finally:
        os.close(reading)
        os.close(writing)
    assert (done.returncode, done.stdout) == (0, b"done")


def test_what_is_logged_last_is_written_before_the_process_ends():
    code = "import logging; from pylot_ls import trace; trace.configure('warning', None); logging.warning('last')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.endswith(" WARNING root: last\n")


def test_the_same_destination_is_not_opened_again(tmp_path):
    trace.configure("warning", tmp_path / "a.log")
    before = ours()
    trace.configure("info", tmp_path / "a.log")
    assert ours() == before
    assert logging.getLogger().level == logging.INFO


def test_records_go_to_stderr_with_time_level_and_logger(capsys):
    trace.configure("warning", None)
    logging.getLogger("a.b").warning("hello")
    logging.getLogger("a.b").info("quiet")
    written()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith(" WARNING a.b: hello\n")
    assert captured.err[:2] == "20"


def test_configured_again_it_replaces_itself(tmp_path):
    for level, file in [("error", None), ("info", tmp_path / "a.log"), ("info", tmp_path / "a.log")]:
        trace.configure(level, file)
        assert len(ours()) == 1
    logging.getLogger("a").info("once")
    written()
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
    written()
    assert file.read_text(encoding="utf-8").endswith(" WARNING a: x[2Jy\n    2026-01-01 ERROR b: fake\n")


def test_a_traceback_keeps_its_lines_and_loses_control_characters(tmp_path):
    file = tmp_path / "a.log"
    trace.configure("warning", file)
    error = ValueError("bad\x1b[31m\nforged")
    try:
        raise error
    except ValueError:
        logging.getLogger("a").exception("failed")
    written()
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
    written()
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

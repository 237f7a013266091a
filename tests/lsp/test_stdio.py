"""The transport, with a real process at the other end of real pipes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pygls.lsp.server import LanguageServer

from pylot_ls.errors import PylotError
from pylot_ls.lsp.connection import ConnectionLimits
from pylot_ls.lsp.framing import Frame, FrameDecoder, encode_frame
from pylot_ls.lsp.stdio import claim_stdio, serve_stdio

TOY_SERVER = Path(__file__).with_name("toy_server.py")
TIMEOUT_S = 60

needs_posix_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without asking it")


def message(**fields) -> bytes:
    return encode_frame(json.dumps({"jsonrpc": "2.0", **fields}).encode())


INITIALIZE = message(id="init", method="initialize", params={"capabilities": {}})
SHUTDOWN = message(id="shutdown", method="shutdown")
EXIT = message(method="exit")


class Process:
    """A toy server and the client's ends of its pipes."""

    def __init__(self, *options: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, str(TOY_SERVER), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self.decoder = FrameDecoder()
        self.messages: list[dict] = []

    def send(self, *data: bytes) -> None:
        self.popen.stdin.write(b"".join(data))

    def take(self, data: bytes) -> None:
        for event in self.decoder.feed(data):
            assert isinstance(event, Frame), event
            self.messages.append(event.value)

    def answer(self, msg_id) -> dict:
        """Read until the answer with this id has come."""
        while True:
            for each in self.messages:
                if "method" not in each and each["id"] == msg_id:
                    self.messages.remove(each)
                    return each
            data = os.read(self.popen.stdout.fileno(), 65536)
            assert data, "the server closed stdout"
            self.take(data)

    def end(self) -> tuple[int, str]:
        """Close stdin, wait for the end; return the exit code and what was logged."""
        out, err = self.popen.communicate(timeout=TIMEOUT_S)
        self.take(out)
        return self.popen.returncode, err.decode()

    def wait(self) -> tuple[int, str]:
        """Wait for the end with stdin open and stdout unread; return the exit code and what was logged."""
        self.popen.wait(TIMEOUT_S)
        return self.popen.returncode, self.popen.stderr.read().decode()


@pytest.fixture
def start():
    processes = []

    def start_one(*options: str, initialized=True) -> Process:
        process = Process(*options)
        processes.append(process)
        if initialized:
            process.send(INITIALIZE)
            process.answer("init")
        return process

    yield start_one
    for each in processes:
        each.popen.kill()
        each.popen.wait()
        for pipe in (each.popen.stdin, each.popen.stdout, each.popen.stderr):
            pipe.close()


def test_a_session_sent_in_one_piece_is_served_to_its_end(start):
    server = start(initialized=False)
    server.send(INITIALIZE, message(id=1, method="toy/echo", params={"text": "ä😀\ud800"}), SHUTDOWN, EXIT)
    code, log = server.end()
    assert [each["id"] for each in server.messages] == ["init", 1, "shutdown"]
    assert server.messages[1]["result"] == {"text": "ä😀\ud800"}
    assert code == 0
    assert log.count("on_stop ran") == 1


def test_nothing_that_handlers_print_reaches_the_client(start):
    server = start()
    server.send(message(id=1, method="toy/print"), SHUTDOWN, EXIT)
    code, log = server.end()
    assert [each["id"] for each in server.messages] == [1, "shutdown"]
    assert code == 0
    for stray in ("a stray print of Python", "a stray write of native code", "a stray line of a child process"):
        assert stray in log


def test_nothing_but_the_server_reads_what_the_client_sends(start):
    server = start()
    server.send(message(id=1, method="toy/readStdin"))
    assert server.answer(1)["result"] == ""
    server.send(message(id=2, method="toy/echo", params=[1]))
    assert server.answer(2)["result"] == [1]


def test_exit_without_shutdown_ends_with_code_1(start):
    server = start()
    server.send(EXIT)
    code, log = server.end()
    assert code == 1
    assert "on_stop ran" in log


@pytest.mark.parametrize("before", [b"", SHUTDOWN])
def test_a_closed_stdin_ends_the_server_with_code_1_and_requests_in_flight_are_answered(start, before):
    server = start()
    server.send(message(id=1, method="toy/wait"), before)
    code, log = server.end()
    assert {each["id"]: each.get("error", {}).get("code") for each in server.messages}[1] == -32800
    assert code == 1
    assert log.count("on_stop ran") == 1
    assert "closed the server's stdin" in log


def test_a_stdin_closed_within_a_message_ends_the_server(start):
    server = start(initialized=False)
    server.send(INITIALIZE[:-5])
    assert server.end()[0] == 1


@needs_posix_signals
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_clean_stop(start, number):
    server = start()
    server.send(message(id=1, method="toy/wait"), message(id=2, method="toy/echo"))
    server.answer(2)
    server.popen.send_signal(number)
    assert server.answer(1)["error"]["code"] == -32800
    code, log = server.wait()
    assert code == 128 + number
    assert log.count("on_stop ran") == 1
    assert "Traceback" not in log


def test_cleaning_up_that_hangs_is_broken_off(start):
    server = start("--stop-hangs")
    server.send(SHUTDOWN, EXIT)
    code, log = server.end()
    assert code == 0
    assert "broken off" in log


def test_the_server_ends_when_its_parent_has_died(start):
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    server = start(initialized=False)
    server.send(message(id="init", method="initialize", params={"capabilities": {}, "processId": parent.pid}))
    server.answer("init")
    parent.communicate(b"\n", timeout=TIMEOUT_S)
    code, log = server.wait()
    assert code == 1
    assert f"process {parent.pid} is gone" in log
    assert "on_stop ran" in log


def test_a_client_that_does_not_read_ends_the_server_which_says_why(start):
    server = start("--max-unsent-bytes", str(1024 * 1024))
    server.send(message(id=1, method="toy/flood"))
    code, log = server.wait()
    assert code == 1
    assert "the client does not read" in log
    assert "on_stop ran" in log


def test_a_stdout_that_the_client_closed_ends_the_server(start):
    server = start()
    server.popen.stdout.close()
    server.send(message(id=1, method="toy/echo"))
    code, log = server.wait()
    assert code == 1
    assert "closed the server's stdout" in log
    assert "on_stop ran" in log


def test_requests_that_were_cancelled_hold_no_other_one_up(start):
    server = start()
    waiting = [message(id=number, method="toy/wait") for number in range(40)]
    cancelled = [message(method="$/cancelRequest", params={"id": number}) for number in range(40)]
    server.send(*waiting, *cancelled, message(id="other", method="toy/echo", params=[1]))
    server.answer("other")
    assert {server.answer(number)["error"]["code"] for number in range(40)} == {-32800}


def test_what_is_waited_for_is_over_in_time():
    limits = ConnectionLimits()
    # A wrong Content-Length is answered within a second, a parent's death ends the process within two.
    assert limits.stall_s < 1
    assert limits.parent_interval_s + limits.handlers_s + limits.stop_s + limits.drain_s < 2


def test_input_is_read_while_much_waits_for_the_client(start):
    server = start("--max-unsent-bytes", str(64 * 1024 * 1024))
    text = "x" * 300_000
    for number in range(20):  # more than the pipes hold
        server.send(message(id=number, method="toy/echo", params=[text]))
    assert [server.answer(number)["result"] for number in range(20)] == [[text]] * 20


HOVER_BODY = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "textDocument/hover",
        "params": {"textDocument": {"uri": "file:///ä"}, "position": {"line": 3, "character": 0}},
    },
    ensure_ascii=False,
).encode()
ECHO = message(id=2, method="toy/echo", params=[2])


def headed(length: int, body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % length + body


def test_after_a_short_content_length_the_server_says_so_and_goes_on(start):
    server = start()
    server.send(headed(len(HOVER_BODY) - 3, HOVER_BODY))
    assert server.answer(None)["error"]["code"] == -32700
    server.send(ECHO)
    assert server.answer(2)["result"] == [2]


@pytest.mark.parametrize("n_over", [1, 7, 1000])
def test_a_request_with_a_long_content_length_is_answered_though_nothing_follows(start, n_over):
    server = start()
    server.send(headed(len(HOVER_BODY) + n_over, HOVER_BODY))
    assert server.answer(1)["result"] == {"contents": "line 3"}
    server.send(ECHO)
    assert server.answer(2)["result"] == [2]


@pytest.mark.parametrize("n_over", [1, 7, 40, 1000])
def test_a_request_with_a_long_content_length_does_not_take_the_next_with_it(start, n_over):
    server = start()
    server.send(headed(len(HOVER_BODY) + n_over, HOVER_BODY), ECHO)
    assert server.answer(1)["result"] == {"contents": "line 3"}
    assert server.answer(2)["result"] == [2]


@pytest.mark.parametrize("header", [b"Content-Length: 100000000000\r\n\r\n", b"Content-Length: -1\r\n\r\n"])
def test_an_impossible_content_length_is_refused_and_the_server_goes_on(start, header):
    server = start()
    server.send(header, HOVER_BODY, ECHO)
    assert "Content-Length" in server.answer(None)["error"]["message"]
    assert server.answer(2)["result"] == [2]


def test_a_server_with_another_protocol_is_refused_before_stdio_is_touched():
    async def on_stop() -> None:
        raise AssertionError

    with pytest.raises(TypeError, match="PylotProtocol"):
        asyncio.run(serve_stdio(LanguageServer("x", "1"), on_stop=on_stop, is_alive=bool))


@pytest.mark.skipif(sys.platform == "win32", reason="closing descriptors before exec is POSIX")
def test_without_a_stdin_the_error_says_what_to_do():
    code = "import os; os.close(0)\nfrom pylot_ls.lsp.stdio import claim_stdio\nclaim_stdio()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=TIMEOUT_S, check=False)
    assert PylotError.__name__ in run.stderr.decode()
    assert "start it from an editor" in run.stderr.decode()
    assert claim_stdio.__doc__

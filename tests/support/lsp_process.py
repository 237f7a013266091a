"""An editor at the other end of a process's pipes."""

from __future__ import annotations

import json
import os
import subprocess

from pylot_ls.lsp.framing import Frame, FrameDecoder, encode_frame

TIMEOUT_S = 120
URI = "file:///project/a.py"


def message(**fields) -> bytes:
    return encode_frame(json.dumps({"jsonrpc": "2.0", **fields}).encode())


class EditorProcess:
    """Starts a language server and talks to it, one message after the other."""

    def __init__(self, command, environment=None):
        self.popen = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            bufsize=0,
        )
        self._decoder, self._messages, self._n = FrameDecoder(), [], 0

    def request(self, method, params=None):
        """The whole answer."""
        self._n += 1
        msg_id = self._n
        self.popen.stdin.write(message(id=msg_id, method=method, params=params))
        while True:
            for each in self._messages:
                if each.get("id") == msg_id and "method" not in each:
                    self._messages.remove(each)
                    return each
            data = os.read(self.popen.stdout.fileno(), 65536)
            assert data, "the server closed stdout: " + self.popen.stderr.read().decode()
            self._take(data)

    def _take(self, data):
        for event in self._decoder.feed(data):
            assert isinstance(event, Frame), event
            self._messages.append(event.value)

    def notify(self, method, params=None):
        self.popen.stdin.write(message(method=method, params=params))

    def initialize(self):
        capabilities = {"textDocument": {"inlineCompletion": {}}}
        answer = self.request("initialize", {"processId": None, "capabilities": capabilities})
        self.notify("initialized", {})
        return answer["result"]

    def open(self, text, uri=URI, language="python"):
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def suggestion(self, line, character, uri=URI):
        """The text that would be shown; None for none."""
        params = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        answer = self.request("textDocument/inlineCompletion", {**params, "context": {"triggerKind": 2}})
        items = answer["result"] and answer["result"]["items"]
        return items[0]["insertText"] if items else None

    def leave(self):
        """Shut down as LSP has it; the process's exit code. Each request has to have been answered once by then."""
        self.request("shutdown")
        self.notify("exit")
        while data := os.read(self.popen.stdout.fileno(), 65536):
            self._take(data)
        superfluous = [each for each in self._messages if "method" not in each]
        assert not superfluous, superfluous
        return self.popen.wait(TIMEOUT_S)

    def end(self):
        """Be gone, whatever state it is in."""
        if self.popen.poll() is None:
            self.popen.kill()
        if self.popen.stdin.closed:
            self.popen.stdin = None
        self.popen.communicate(timeout=TIMEOUT_S)

"""An editor that talks to a server in this process, so that a test decides what happens when."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest
import pytest_asyncio
from protocol_client import Client
from pygls.lsp.server import LanguageServer

from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.lsp.protocol import PylotProtocol
from pylot_ls.lsp.server import PylotServer

URI = "file:///project/a.py"


class Editor:
    """A client of one server, with every message it received.

    At the test's end each request must have been answered once, and the user have been shown nothing but what the test
    has looked at: see ``faults``.
    """

    def __init__(self, server, backend):
        self.server = server
        self.backend = backend
        self.notifications = []
        self.requests = []
        self._answers = {}
        self._superfluous = []
        self._n_looked_at = 0
        self._ids = itertools.count(1)
        self._arrived = asyncio.Condition()
        self.configuration = None
        # Answers to the server's requests by method, None for all others, and methods that are never answered.
        self.results = {}
        self.silent = set()
        server.protocol.connect(self)

    # What the protocol asks of its transport.

    def send(self, body):
        message = json.loads(body)
        if "method" not in message:
            answer = self._answers.get(message["id"])
            if answer is None or answer.done():
                self._superfluous.append(message)
            else:
                answer.set_result(message)
        elif "id" in message:
            self.requests.append(message)
            if message["method"] in self.silent:
                return
            configuration = {"workspace/configuration": [self.configuration]}
            answer = {**configuration, **self.results}.get(message["method"])
            asyncio.get_running_loop().call_soon(self._receive, {"id": message["id"], "result": answer})
        else:
            self.notifications.append(message)

    def stop(self, exit_code, reason):
        """Nothing to end."""

    def watch_parent(self, pid):
        """Nobody to watch."""

    # What a test asks of the editor.

    def _receive(self, message):
        self.server.protocol.handle_message({"jsonrpc": "2.0", **message})

    def request(self, method, params):
        """A future of the whole answer; ``.msg_id`` is the request's."""
        msg_id = next(self._ids)
        answer = self._answers[msg_id] = asyncio.get_running_loop().create_future()
        answer.msg_id = msg_id
        self._receive({"id": msg_id, "method": method, "params": params})
        return answer

    def notify(self, method, params):
        self._receive({"method": method, "params": params})

    async def initialize(self, capabilities=None, options=None, client="an editor"):
        params = {"processId": None, "capabilities": capabilities or {}, "initializationOptions": options}
        params["clientInfo"] = {"name": client}
        answer = await self.request("initialize", params)
        self.notify("initialized", {})
        return answer["result"]

    def open(self, text, uri=URI, language="plaintext"):
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, version, text, start=None, end=None, uri=URI):
        change = {"text": text}
        if start is not None:
            change["range"] = {
                "start": {"line": start[0], "character": start[1]},
                "end": {"line": end[0], "character": end[1]},
            }
        document = {"uri": uri, "version": version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})

    def ask(self, line, character, method="textDocument/inlineCompletion", uri=URI):
        params = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        if method == "textDocument/inlineCompletion":
            params["context"] = {"triggerKind": 2}
        return self.request(method, params)

    async def suggestion(self, line, character, uri=URI):
        """The text that would be shown, None for none."""
        result = (await self.ask(line, character, uri=uri))["result"]
        return result["items"][0]["insertText"] if result and result["items"] else None

    async def settled(self):
        """Wait for what was begun beside the requests."""
        session = self.server.session
        while work := session._tasks - {session.power_watch}:
            await asyncio.wait(work)

    def messages(self):
        """What the user was shown."""
        self._n_looked_at = len(self._shown())
        return self._shown()

    def _shown(self):
        return [note["params"]["message"] for note in self.notifications if note["method"] == "window/showMessage"]

    def faults(self):
        """What is wrong with all that was received, once the connection has ended."""
        return {
            "answers to no request, or second ones": self._superfluous,
            "requests without an answer": [msg_id for msg_id, answer in self._answers.items() if not answer.done()],
            "messages that nobody expected": self._shown()[self._n_looked_at :],
        }


@pytest.fixture(autouse=True)
def whole_answers(monkeypatch):
    """However slow the machine is; who wants another patience says so."""
    monkeypatch.setenv("PYLOT_LS_COMPLETION_ANSWER_AFTER_MS", "0")


@pytest_asyncio.fixture
async def connect(monkeypatch, tmp_path):
    """Make an editor with a server on a scripted backend; no settings of this machine's user count."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    editors = []

    def make(backend=None, overrides=None, store=None, new_pool=None, **others):
        backend = backend or ScriptedBackend("completed()")
        pool = ModelPool({Role.COMPLETE: backend, Role.CHAT: backend}, store)
        server = PylotServer(overrides or {}, new_pool or (lambda _settings: pool), **others)
        editors.append(Editor(server, backend))
        return editors[-1]

    yield make
    for editor in editors:
        await editor.server.session.close()
        await editor.server.protocol.close(timeout_s=5)
    for editor in editors:
        assert not any(editor.faults().values()), editor.faults()


INLINE = {"textDocument": {"inlineCompletion": {}}}


@pytest.fixture
def inline_capabilities():
    """Of a client that asks for inline completions by itself."""
    return INLINE


@pytest.fixture
def server():
    return LanguageServer("test", "1", protocol_cls=PylotProtocol)


@pytest.fixture
def client(server):
    client = Client(server)
    client.initialize()
    return client

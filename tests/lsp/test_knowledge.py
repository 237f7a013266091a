"""What stands in the open documents is known to the engine, and no longer than they are open."""

from __future__ import annotations

import sys

import pytest

from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.features import knowledge
from pylot_ls.lsp.client import EditorClient

pytestmark = pytest.mark.asyncio

URI = "file:///project/a.py"


class Taught(ScriptedBackend):
    """Keeps what it is to learn."""

    def __init__(self):
        super().__init__()
        self.texts = []
        self.own_only = {}

    def learn(self, text):
        self.texts.append((text.text_id, text.text))
        self.own_only[text.text_id] = text.own_only


@pytest.fixture
def rests_at_once(monkeypatch):
    monkeypatch.setattr(knowledge, "_REST_S", 0)


async def started(connect, options=None):
    editor = connect(Taught(), options)
    await editor.initialize()
    return editor


async def test_a_document_is_learnt_when_it_is_opened_and_forgotten_when_it_is_closed(connect):
    editor = await started(connect)
    editor.open("one\r\ntwo\r")
    editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert editor.backend.texts == [(URI, "one\ntwo\n"), (URI, None)]


async def test_of_a_huge_document_the_beginning_is_learnt(connect):
    editor = await started(connect)
    editor.open("x" * 400_000)
    ((_, text),) = editor.backend.texts
    assert text == "x" * 300_000


async def test_edits_are_learnt_when_the_document_rests(connect, monkeypatch):
    editor = await started(connect)
    editor.open("one\n")
    timers = []
    monkeypatch.setattr(
        knowledge.asyncio.get_running_loop(), "call_later", lambda *call: timers.append(Timer(*call)) or timers[-1]
    )
    editor.change(2, "x", (0, 3), (0, 3))
    editor.change(3, "y", (0, 4), (0, 4))
    first, second = timers
    assert (first.is_cancelled, second.is_cancelled) == (True, False)
    assert editor.backend.texts == [(URI, "one\n")]
    second.fire()
    assert editor.backend.texts[1:] == [(URI, "onexy\n")]
    editor.change(4, "z", (0, 5), (0, 5))
    editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert timers[2].is_cancelled


class Timer:
    def __init__(self, delay_s, callback, *args):
        self.delay_s = delay_s
        self.is_cancelled = False
        self._call = lambda: callback(*args)

    def cancel(self):
        self.is_cancelled = True

    def fire(self):
        self._call()


@pytest.mark.parametrize(
    "options", [{"languages_off": ["plaintext"]}, {"files_off": ["*.py"]}, {"enabled": False}], ids=str
)
async def test_where_nothing_is_suggested_nothing_is_learnt(connect, options):
    editor = await started(connect, {"completion": options})
    editor.open("one\n")
    assert editor.backend.texts == []


async def test_others_draw_on_a_document_once_it_is_known_to_be_no_secret(connect):
    editor = await started(connect)
    editor.open("one\n")
    assert editor.backend.own_only == {URI: True}
    await editor.settled()
    assert editor.backend.own_only == {URI: False}
    assert editor.backend.texts == [(URI, "one\n")] * 2


@pytest.mark.parametrize("name", [".env", "server.key", "private/a.py"])
async def test_others_never_draw_on_secrets_and_what_is_ignored(connect, tmp_path, name):
    (tmp_path / ".gitignore").write_text("private/\n", encoding="utf-8")
    (tmp_path / "private").mkdir()
    uri = (tmp_path / name).as_uri()
    editor = await started(connect)
    editor.open("one\n", uri=uri)
    await editor.settled()
    assert editor.backend.texts == [(uri, "one\n")]
    assert editor.backend.own_only == {uri: True}


async def test_what_rules_that_are_saved_leave_out_is_no_longer_drawn_on(connect, tmp_path):
    editor = await started(connect)
    one, other = ((tmp_path / name).as_uri() for name in ("a.py", "b.py"))
    editor.open("one\n", uri=one)
    editor.open("two\n", uri=other)
    await editor.settled()
    (tmp_path / ".gitignore").write_text("a.py\n", encoding="utf-8")
    editor.notify("textDocument/didSave", {"textDocument": {"uri": (tmp_path / ".gitignore").as_uri()}})
    await editor.settled()
    assert editor.backend.own_only == {one: True, other: False}


async def test_a_suggestion_draws_on_another_open_document_unless_that_is_a_secret(tmp_path):
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "PYLOT_LS_CACHE_ENABLED": "false"}
    environment["PYLOT_LS_COMPLETION_CONFIDENCE"] = "0"
    call = 'ledger.reconcile_quarter(accounts, "Zwischenbilanz", currency="CHF")\n'
    texts = []
    async with EditorClient((sys.executable, "-m", "pylot_ls"), environment) as editor:
        await editor.loaded()
        known = f"def close():\n    {call}\n\ndef audit():\n    {call}\n"
        for name, other in (("other.py", "x = 1\n"), ("other.py", known), ("client_secret.py", known)):
            editor.open(f"file:///project/{name}", "python", other)
            editor.open("file:///project/here.py", "python", "def here():\n    \n")
            # Between two keystrokes there is time to learn.
            for column, character in enumerate("ledger.reconcile_", 4):
                answer = await editor.type((1, column), (1, column), character, (1, column + 1))
            texts.append(answer.text)
            editor.close(f"file:///project/{name}")
            editor.close("file:///project/here.py")
    assert texts[1].startswith("quarter(accounts, ")
    assert not texts[0].startswith("quarter(accounts, ")
    assert not texts[2].startswith("quarter(accounts, ")

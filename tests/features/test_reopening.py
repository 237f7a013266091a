"""A document that is opened again stands where it stood."""

from __future__ import annotations

import asyncio

import pytest
from shelf import Shelf

from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.types import Priority
from pylot_ls.features import reopening
from pylot_ls.features.anchors import Anchors
from pylot_ls.features.completion import CompletionOptions, complete
from pylot_ls.features.reopening import Reopening
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

pytestmark = pytest.mark.asyncio

URI = "file:///project/a.py"
SOURCE = "".join(f"line_{n} = {n}\n" for n in range(40))
CURSOR = SOURCE.index("line_20") + 5


class Desk:
    """The documents of one session, and what is remembered of them."""

    def __init__(self, engine, store, *, may_be_kept=True):
        self.engine = engine
        self.anchors = Anchors()
        self.documents = {}
        self.reopening = Reopening(self.anchors, self.documents.get, lambda _uri: may_be_kept)
        self.reopening.records.store = store

    def put(self, text=SOURCE):
        self.documents[URI] = Document(URI, "python", 1, Text.from_str(text))
        return self.documents[URI]

    def open(self, text=SOURCE):
        self.put(text)
        learned = asyncio.get_running_loop().create_future()
        learned.set_result(None)
        return asyncio.ensure_future(self.reopening.opened(URI, learned, self.engine))

    async def ask(self, cursor=CURSOR):
        await complete(self.documents[URI], cursor, self.engine, CompletionOptions(), self.anchors, keep=True)


@pytest.fixture
def desk(start_engine, watched_backend):
    def make(store, **options):
        return Desk(start_engine(watched_backend()), store, **options)

    return make


async def asked_before(desk, *cursors, text=SOURCE):
    """A store that holds where an earlier session asked."""
    before = desk(Shelf())
    await before.open(text)
    for cursor in cursors or (CURSOR,):
        await before.ask(cursor)
    before.reopening.close()
    return before.reopening.records.store.restarted(), before.anchors.last_prompts(URI)


async def next_request(desk):
    backend = desk.engine._backend
    return await asyncio.wait_for(backend.asked.get(), 60)


async def test_its_anchor_comes_back_and_its_last_prompt_is_restored(desk):
    store, prompts = await asked_before(desk)
    now = desk(store)
    await now.open()
    assert now.anchors.last_prompts(URI) == prompts
    request = await next_request(now)
    assert request.restore_only
    assert request.priority is Priority.BACKGROUND
    assert request.max_tokens == 0
    texts = [part.text for part in request.prompt if isinstance(part, TextSegment)]
    assert "".join((texts[0], texts[2], texts[1])) == SOURCE
    # The first request stands on the same prompt.
    await now.ask()
    assert (await next_request(now)).prompt == request.prompt


async def test_earlier_anchors_come_back_too(desk):
    store, prompts = await asked_before(desk, CURSOR, SOURCE.index("line_2 "), len(SOURCE))
    assert len(prompts) == 3
    now = desk(store)
    await now.open()
    assert now.anchors.last_prompts(URI) == prompts


async def test_a_crash_loses_at_most_what_was_typed_on_the_last_anchor(desk):
    before = desk(Shelf())
    await before.open()
    await before.ask()
    now = desk(before.reopening.records.store.restarted())
    await now.open()
    assert now.anchors.of(URI) == before.anchors.of(URI)


async def test_the_keystrokes_on_one_anchor_write_nothing(desk):
    shelf = Shelf()
    before = desk(shelf)
    await before.open()
    await before.ask()
    shelf.disk.clear()
    before.put(SOURCE[:CURSOR] + "x" + SOURCE[CURSOR:])
    await before.ask(CURSOR + 1)
    assert not shelf.disk
    before.reopening.closed(URI)
    assert shelf.disk


async def test_a_request_that_came_first_keeps_its_anchor(desk):
    store, _ = await asked_before(desk)
    now = desk(store)
    store.held = True
    recalling = now.open()
    await now.ask(len(SOURCE))
    mine = now.anchors.last_prompts(URI)
    store.release()
    await recalling
    assert now.anchors.last_prompts(URI) == mine
    assert len(now.engine._backend.submitted) == 1


async def test_who_asks_at_once_waits_for_what_is_being_read(desk, monkeypatch):
    monkeypatch.setattr(reopening, "_RECALL_S", 60)
    monkeypatch.setattr(reopening, "_RESTORE_S", 60)
    store, prompts = await asked_before(desk)
    now = desk(store)
    opening = now.open()
    await now.reopening.known(URI, now.engine)
    assert now.anchors.last_prompts(URI) == prompts
    assert (await next_request(now)).restore_only
    await opening
    # Nobody waits where nothing is being found out.
    await now.reopening.known(URI, now.engine)


async def test_a_changed_document_gets_new_anchors(desk):
    store, _ = await asked_before(desk)
    now = desk(store)
    await now.open(SOURCE.replace("line_15 = 15\n", "something = else\n"))
    assert now.anchors.of(URI) is None
    assert now.engine._backend.submitted == []


async def test_what_was_pasted_behind_the_last_cursor_does_no_harm(desk):
    store, prompts = await asked_before(desk, CURSOR, text=SOURCE[:CURSOR] + "\n" + SOURCE[CURSOR + 7 :])
    now = desk(store)
    await now.open(SOURCE[:CURSOR] + "0 = old\npasted = 1\n" + SOURCE[CURSOR + 7 :])
    assert now.anchors.last_prompts(URI) == prompts


async def test_a_document_closed_meanwhile_is_forgotten(desk):
    store, _ = await asked_before(desk)
    now = desk(store)
    store.held = True
    recalling = now.open()
    del now.documents[URI]
    store.release()
    await recalling
    assert now.anchors.uris == ()


async def test_a_private_document_leaves_no_record_and_none_is_read(desk):
    shelf = Shelf()
    private = desk(shelf, may_be_kept=False)
    await private.open()
    await private.ask()
    private.reopening.closed(URI)
    assert not shelf.disk
    store, _ = await asked_before(desk)
    again = desk(store, may_be_kept=False)
    await again.open()
    assert again.anchors.uris == ()
    assert not store.asked.is_set()

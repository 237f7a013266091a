"""Hovers of a session on a backend whose steps the test allows, and whose time the test ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import pytest_asyncio

from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL, ScriptedBackend
from pylot_ls.features.hover.hovers import HoverOptions, Hovers, _Job
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

FIM_ONLY = replace(SCRIPTED_MODEL, chats=False, n_params=500_000_000)


class SteppedBackend(ScriptedBackend):
    """Makes only as many steps as it is allowed; the load is one, and each token. Keeps what it is asked."""

    def __init__(self, *args, n_steps=10**9, **kwargs):
        super().__init__(*args, **kwargs)
        self.n_steps = n_steps
        self.requests = []
        self.cancelled = []
        self.on_call = lambda: None

    def submit(self, request):
        self.requests.append(request)
        self.on_call()
        super().submit(request)

    def cancel(self, request_id):
        self.cancelled.append(request_id)
        self.on_call()
        super().cancel(request_id)

    def allow(self, n_steps=10**9):
        with self._steps:
            self.n_steps += n_steps
            self._steps.notify_all()

    def _step(self, stopped):
        with self._steps:
            self._steps.wait_for(lambda: self.n_steps > 0 or stopped())
            self.n_steps -= 1


class Pointer:
    """A user who hovers in documents; the budget ends when ``time_is_up`` is set.

    Args:
        store: where explanations are kept.
    """

    def __init__(self, backend, store=None):
        self.backend = backend
        self.pool = ModelPool({Role.COMPLETE: backend, Role.CHAT: backend}, store)
        self.pool.start()
        self.time_is_up = asyncio.Event()
        # The backend was called, a model said something, or a job ended.
        self.happened = asyncio.Event()
        backend.on_call = self.happened.set
        self.hovers = Hovers(lambda: self.pool, self._keep, lambda _seconds: self.time_is_up.wait())

    def _keep(self, work):
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda _task: self.happened.set())
        return task

    def hover(self, source, at, *, to=None, language_id="python", kept=True, uri="file:///a.py"):
        """The hover where ``at`` first stands, or of what is selected from there to the end of ``to``, on its way."""
        document = Document(uri, language_id, 1, Text.from_str(source))
        offset = at if isinstance(at, int) else source.index(at)
        places = (offset, offset if to is None else source.index(to) + len(to))
        return asyncio.ensure_future(self.hovers.hover(document, places, HoverOptions(), kept=kept))

    async def until(self, condition):
        while not condition():
            self.happened.clear()
            await self.happened.wait()

    async def until_said(self, text):
        """Until a model has said so much."""
        await self.until(lambda: any(job.said == text for job in self.hovers._jobs.values()))

    async def until_idle(self):
        await self.until(lambda: not self.hovers._jobs)


@pytest.fixture
def stepped_backend():
    return SteppedBackend


@pytest.fixture
def fim_only():
    """A scripted model that fills holes and does not chat."""
    return FIM_ONLY


@pytest_asyncio.fixture
async def point(monkeypatch):
    """Make a pointer on a backend."""
    pointers = []
    hear = _Job.hear

    def overhear(job, said):
        hear(job, said)
        for pointer in pointers:
            pointer.happened.set()

    monkeypatch.setattr(_Job, "hear", overhear)

    def make(backend, store=None):
        pointers.append(Pointer(backend, store))
        return pointers[-1]

    yield make
    for pointer in pointers:
        await pointer.pool.close()

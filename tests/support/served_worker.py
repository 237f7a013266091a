"""A worker run by hand over a model of llama.cpp's cells and a model whose next token shows any mix-up."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from fake_kv import FakeKv, next_token

from pylot_ls.engine.inbox import Inbox
from pylot_ls.engine.loading import Loaded
from pylot_ls.engine.rendering import PromptRenderer
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL
from pylot_ls.engine.sequences import Sequences
from pylot_ls.engine.types import Failed, Finished, FinishReason, GenerateRequest, Priority, TextSegment, Token
from pylot_ls.engine.worker import Worker

N_CTX = 48
END = ord("z")
MEMORIES = {
    "attention": {"cuts": True, "rolls_back": True, "partial": True},
    "recurrent": {"cuts": False, "rolls_back": False, "partial": False},
    "windowed": {"cuts": True, "rolls_back": True, "partial": False},
}


class LetterModel:
    """Each token is a character; one of them ends the text."""

    def ends_text(self, token):
        return token == END

    def piece(self, token):
        return bytes([token])


def cold_run(prompt, max_tokens):
    """What a request gets that is alone from beginning to end: its text and why it ends."""
    tokens = [ord(c) for c in prompt]
    for _ in range(max_tokens):
        token = next_token(tokens)
        if token == END:
            return bytes(tokens[len(prompt) :]).decode(), FinishReason.END
        tokens.append(token)
    return bytes(tokens[len(prompt) :]).decode(), FinishReason.LENGTH


class Served:
    """A worker turned by hand for as long as there is something to do."""

    def __init__(self, n_cells=1000, *, memory="attention", n_batch=8, n_sequences=8, max_active=6):
        properties = dict(MEMORIES[memory])
        partial = properties.pop("partial")
        self.events = []
        self.requests = {}
        self.kv = FakeKv(n_cells, n_batch, **properties)
        self.inbox = Inbox(self.kv.interrupt)
        self.sequences = Sequences(self.kv, n_cells, n_sequences, partial=partial)
        loaded = Loaded(
            info=replace(SCRIPTED_MODEL, n_ctx=N_CTX),
            model=LetterModel(),
            context=self.kv,
            renderer=PromptRenderer(lambda text: tuple(map(ord, text)), {}),
            sequences=self.sequences,
            max_active=max_active,
        )
        self.worker = Worker(self.inbox, self.events.append, loaded)

    def submit(self, prompt, max_tokens=4, priority=Priority.KEYSTROKE, session="", stop=()):
        request_id = str(len(self.requests))
        request = GenerateRequest(request_id, (TextSegment(prompt),), max_tokens, stop, priority, session)
        self.requests[request_id] = request
        if not self.inbox.put(request):
            del self.requests[request_id]
        return request_id

    def ask(self, *args, **kwargs):
        request_id = self.submit(*args, **kwargs)
        self.serve()
        return self.end(request_id).usage

    @property
    def is_idle(self):
        return not (self.inbox._waiting or self.worker._waiting or self.worker._active)

    def serve(self):
        while not self.is_idle:
            assert self.worker.turn()

    def during(self, *acts):
        """Do something in each of the evaluations that come."""
        left = iter(acts)
        self.kv.during = lambda _parts: next(left, lambda: None)()

    def end(self, request_id):
        (end,) = [e for e in self.events if isinstance(e, Finished | Failed) and e.request_id == request_id]
        return end

    def text(self, request_id):
        said = [e.text for e in self.events if isinstance(e, Token) and e.request_id == request_id]
        return "".join(said) + self.end(request_id).text

    def ends(self):
        return [event.request_id for event in self.events if isinstance(event, Finished | Failed)]

    def check(self, *, cancelled=frozenset(), aborted=False):
        """Every request had one last event and got what a cold run gives; nothing of it is left behind."""
        assert Counter(self.ends()) == dict.fromkeys(self.requests, 1)
        for request_id, request in self.requests.items():
            end = self.end(request_id)
            prompt = request.prompt[0].text
            text, reason = cold_run(prompt, request.max_tokens)
            assert isinstance(end, Finished)
            if end.reason is FinishReason.CANCELLED:
                assert request_id in cancelled
                assert text.startswith(self.text(request_id))
                continue
            assert (self.text(request_id), end.reason) == (text, reason)
            usage = end.usage
            assert (usage.prompt_tokens, usage.tokens_decoded) == (len(prompt), len(text))
            assert usage.tokens_reused + usage.tokens_evaluated >= len(prompt)
            assert usage.tokens_reused + usage.tokens_evaluated == len(prompt) or aborted
        tree = self.sequences.tree
        tree.check_integrity()
        assert not self.inbox._live
        assert not self.inbox._running
        assert not self.kv.damaged
        assert not any(map(tree.is_locked, tree.sequences))
        assert tree.n_cells == len(self.kv.cells)
        assert all(tree.tokens(seq) == self.kv.tokens(seq) for seq in tree.sequences)

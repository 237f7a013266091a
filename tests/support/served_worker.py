"""A worker run by hand over a model of llama.cpp's cells and a model whose next token shows any mix-up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from fake_kv import FakeKv, logprob_after, next_token

from pylot_ls.engine.healing import healing_of
from pylot_ls.engine.inbox import Inbox
from pylot_ls.engine.loading import Loaded
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.rendering import PromptRenderer
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL
from pylot_ls.engine.sequences import Sequences
from pylot_ls.engine.speculation import Speculation
from pylot_ls.engine.types import Failed, Finished, FinishReason, GenerateRequest, KnownText, Priority, Token
from pylot_ls.engine.vocabulary import Vocabulary
from pylot_ls.engine.worker import Worker

N_CTX = 48
END = ord("z")
MEMORIES = {
    "attention": {"cuts": True, "rolls_back": True, "partial": True},
    "recurrent": {"cuts": False, "rolls_back": False, "partial": False},
    "windowed": {"cuts": True, "rolls_back": True, "partial": False},
}


# A token for each character, and for these.
WORDS = [b"aaaa", b"abab", b"ba", b"bbb", b"aba", b"babababa"]
PIECES = [*(bytes([token]) for token in range(128)), *WORDS]
VOCABULARY = Vocabulary([b"" if token == END else piece for token, piece in enumerate(PIECES)])


class LetterModel:
    """A text is tokenised into characters, one of which ends it; words are only said."""

    def tokenize(self, text):
        return tuple(map(ord, text))

    def ends_text(self, token):
        return token == END

    def piece(self, token):
        return PIECES[token]

    spelling = piece


class Eager(Speculation):
    """Checks all that may be drafted."""

    def length(self, draft, n_most):
        return max(0, min(n_most, len(draft.tokens)))


@dataclass(frozen=True)
class Cold:
    """What a request gets that is alone from beginning to end."""

    text: str
    reason: FinishReason
    logprobs: list
    n_prompt: int
    n_decoded: int


def cold(prompt, max_tokens, says=next_token, *, heal=False):
    """The plainest way: one token after another, each after all before it."""
    tokens = [ord(c) for c in prompt]
    taken = healing_of(VOCABULARY, [PIECES[token] for token in tokens[1:]]) if heal and max_tokens else None
    n_prompt = len(tokens) - (taken.n_tokens if taken else 0)
    left, text, logprobs, n_repeated = bytes(tokens[n_prompt:]), b"", [], 0
    del tokens[n_prompt:]
    while len(tokens) - n_prompt - n_repeated < max_tokens:
        among = [n for n, piece in enumerate(PIECES) if n != END and (piece.startswith(left) or left.startswith(piece))]
        token = says(tokens, among if left else None)
        if token == END:
            return Cold(text.decode(), FinishReason.END, logprobs, n_prompt, len(tokens) - n_prompt)
        piece = PIECES[token]
        new, left = piece[len(left) :], left[len(piece) :]
        if new:
            logprobs.append(logprob_after(tokens))
        n_repeated += not new and n_repeated < taken.n_tokens
        tokens.append(token)
        text += new
    return Cold(text.decode(), FinishReason.LENGTH, logprobs, n_prompt, len(tokens) - n_prompt)


def cold_run(prompt, max_tokens):
    """Its text and why it ends."""
    end = cold(prompt, max_tokens)
    return end.text, end.reason


class Served:
    """A worker turned by hand for as long as there is something to do."""

    def __init__(
        self,
        n_cells=1000,
        *,
        memory="attention",
        n_batch=8,
        n_sequences=8,
        max_active=6,
        says=next_token,
        speculation=None,
        ngrams=None,
    ):
        properties = dict(MEMORIES[memory])
        partial = properties.pop("partial")
        self.events = []
        self.requests = {}
        self.kv = FakeKv(n_cells, n_batch, says=says, **properties)
        self.inbox = Inbox(self.kv.interrupt)
        self.sequences = Sequences(self.kv, n_cells, n_sequences, partial=partial)
        loaded = Loaded(
            info=replace(SCRIPTED_MODEL, n_ctx=N_CTX, removes_partially=partial),
            model=LetterModel(),
            context=self.kv,
            renderer=PromptRenderer(lambda text: tuple(map(ord, text)), {}),
            sequences=self.sequences,
            vocabulary=VOCABULARY,
            max_active=max_active,
            speculation=speculation if partial else None,
            ngrams=ngrams,
        )
        self.worker = Worker(self.inbox, self.events.append, loaded)

    def submit(self, prompt, max_tokens=4, priority=Priority.KEYSTROKE, session="", stop=(), **others):
        request_id = str(len(self.requests))
        request = GenerateRequest(request_id, (TextSegment(prompt),), max_tokens, stop, priority, session, **others)
        self.requests[request_id] = request
        if not self.inbox.put(request):
            del self.requests[request_id]
        return request_id

    def learn(self, text_id, text):
        """Learn a text to its end."""
        self.worker._lessons.give(KnownText("", text_id, text))
        while self.worker._lessons.is_ready:
            self.worker.turn()

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
            expected = cold(prompt, request.max_tokens, self.kv.says, heal=request.heal)
            assert isinstance(end, Finished)
            if end.reason is FinishReason.CANCELLED:
                assert request_id in cancelled
                assert expected.text.startswith(self.text(request_id))
                continue
            assert (self.text(request_id), end.reason) == (expected.text, expected.reason)
            said = [e.logprob for e in self.events if isinstance(e, Token) and e.request_id == request_id]
            assert said == expected.logprobs
            usage = end.usage
            assert (usage.prompt_tokens, usage.tokens_decoded) == (expected.n_prompt, expected.n_decoded)
            assert usage.tokens_reused + usage.tokens_evaluated >= expected.n_prompt
            assert usage.tokens_reused + usage.tokens_evaluated == expected.n_prompt or aborted
            assert usage.tokens_accepted <= min(usage.tokens_drafted, max(0, usage.tokens_decoded - 1))
        tree = self.sequences.tree
        tree.check_integrity()
        assert not self.inbox._live
        assert not self.inbox._running
        assert not self.kv.damaged
        assert not any(map(tree.is_locked, tree.sequences))
        assert tree.n_cells == len(self.kv.cells)
        assert all(tree.tokens(seq) == self.kv.tokens(seq) for seq in tree.sequences)

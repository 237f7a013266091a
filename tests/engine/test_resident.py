"""The record of the KV against a context that knows what it really holds."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine.resident import Outcome, ResidentRun, common_prefix
from pylot_ls.errors import DecodeError

N_BATCH = 4


@dataclass
class FakeContext:
    """A context as llama.cpp's: positions in order, batches of a limited size, aborts that take the batch back.

    Attributes:
        fates: of the coming batches: None is done, a number is an abort that leaves so many of its tokens, an
            exception is raised.
        rolls_back: False for a recurrent model: its state cannot be cut, and an abort leaves it damaged.
    """

    fates: list = field(default_factory=list)
    rolls_back: bool = True
    n_batch: int = N_BATCH
    held: list = field(default_factory=list)
    damaged: bool = False
    submitted: int = 0

    def decode(self, tokens, position):
        assert not self.damaged
        assert position == len(self.held)
        assert 0 < len(tokens) <= self.n_batch
        self.submitted += len(tokens)
        fate = self.fates.pop(0) if self.fates else None
        if isinstance(fate, Exception):
            self.damaged = True
            raise fate
        if fate is None or not self.rolls_back:
            self.held.extend(tokens)
            self.damaged = fate is not None
        else:
            self.held.extend(tokens[: min(fate, len(tokens) - 1)])
        return Outcome.DONE if fate is None else Outcome.ABORTED

    def remove_from(self, position):
        assert position >= 0
        if not self.rolls_back and 0 < position < len(self.held):
            return False
        del self.held[position:]
        return True

    def clear(self):
        self.held.clear()
        self.damaged = False

    def n_stored(self):
        return len(self.held)


prompts = st.lists(st.integers(0, 2), min_size=1, max_size=20)
fates = st.none() | st.integers(0, N_BATCH) | st.builds(DecodeError)
requests = st.lists(st.tuples(prompts, prompts, st.lists(fates, max_size=4)), max_size=8)


def serve(run, context, prompt, decoded):
    """What the backend does: rewind, prefill, then a token at a time. Returns how many prompt tokens were reused."""
    n_reused = run.rewind(prompt)
    assert run.tokens == context.held
    if run.extend(prompt[n_reused:]) is Outcome.DONE:
        assert run.tokens == prompt
        for token in decoded:
            if run.extend([token]) is Outcome.ABORTED:
                break
    return n_reused


@given(requests, st.booleans())
def test_the_record_is_what_the_context_holds_whatever_happens(requests, rolls_back):
    context = FakeContext(rolls_back=rolls_back)
    run = ResidentRun(context)
    for prompt, decoded, fates in requests:
        context.fates = list(fates)
        try:
            serve(run, context, prompt, decoded)
        except DecodeError:
            assert run.tokens == []
        assert run.tokens == context.held
        assert not context.damaged
        assert run.n_evaluated == context.submitted


@given(prompts, prompts, prompts)
def test_all_that_two_prompts_share_is_reused_but_the_last_token(first, shared, second):
    context = FakeContext()
    run = ResidentRun(context)
    serve(run, context, shared + first, [])
    n_before = run.n_evaluated
    n_reused = serve(run, context, shared + second, [])
    assert n_reused == min(common_prefix(shared + first, shared + second), len(shared + second) - 1)
    assert run.n_evaluated - n_before == len(shared + second) - n_reused


def test_the_same_prompt_again_evaluates_its_last_token_only():
    context = FakeContext()
    run = ResidentRun(context)
    serve(run, context, [1, 2, 3], [4])
    assert serve(run, context, [1, 2, 3], []) == 2
    assert context.held == [1, 2, 3]


def test_a_context_that_cannot_be_cut_is_reused_only_for_a_longer_prompt():
    context = FakeContext(rolls_back=False)
    run = ResidentRun(context)
    serve(run, context, [1, 2, 3], [])
    assert serve(run, context, [1, 2, 3, 4], []) == 3
    assert serve(run, context, [1, 2, 5], []) == 0
    assert context.held == [1, 2, 5]


def test_an_abort_keeps_the_batches_before_it():
    context = FakeContext(fates=[None, 0])
    run = ResidentRun(context)
    assert run.extend([1, 2, 3, 4, 5, 6]) is Outcome.ABORTED
    assert run.tokens == context.held == [1, 2, 3, 4]
    assert run.n_evaluated == 6


def test_a_failing_batch_clears_the_context():
    context = FakeContext(fates=[None, DecodeError("no room")])
    run = ResidentRun(context)
    with pytest.raises(DecodeError, match="no room"):
        run.extend([1, 2, 3, 4, 5, 6])
    assert run.tokens == context.held == []


@given(prompts, prompts)
def test_common_prefix_is_the_longest(left, right):
    n = common_prefix(left, right)
    assert left[:n] == right[:n]
    assert n == min(len(left), len(right)) or left[n] != right[n]

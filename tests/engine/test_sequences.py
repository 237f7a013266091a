"""The record of what is resident equals what the context holds, whatever happens."""

from __future__ import annotations

import pytest
from fake_kv import FakeKv
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pylot_ls.engine import sequences as module
from pylot_ls.engine.kv_context import Outcome, Part
from pylot_ls.engine.prefix_tree import common_prefix
from pylot_ls.engine.sequences import Sequences

N_CELLS, N_SEQUENCES = 30, 5
PROMPTS = st.lists(st.integers(0, 1), min_size=1, max_size=14)
# What the model's memory can do, and what is known of it before it is tried.
MEMORIES = {
    "attention": {"cuts": True, "rolls_back": True, "partial": True},
    "recurrent": {"cuts": False, "rolls_back": False, "partial": False},
    "windowed": {"cuts": True, "rolls_back": True, "partial": False},
    "refusing": {"cuts": False, "rolls_back": True, "partial": True},
}


class SequencesMachine(RuleBasedStateMachine):
    """Requests come, are evaluated, aborted and end in any order."""

    @initialize(memory=st.sampled_from(sorted(MEMORIES)), worth_keeping=st.integers(0, 6))
    def begin(self, memory, worth_keeping):
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(module, "_WORTH_KEEPING", worth_keeping)
        self.memory = MEMORIES[memory]
        self.fate = None
        self.kv = FakeKv(
            N_CELLS,
            cuts=self.memory["cuts"],
            rolls_back=self.memory["rolls_back"],
            during=lambda _parts: self.fate,
        )
        self.sequences = Sequences(self.kv, N_CELLS, N_SEQUENCES, partial=self.memory["partial"])
        self.prompts = {}

    def teardown(self):
        if hasattr(self, "patch"):
            self.patch.undo()

    # A fork needs a sequence for itself and keeps its source while it is made.
    @precondition(lambda self: len(self.prompts) < N_SEQUENCES - 1)
    @rule(prompt=PROMPTS, n_logits=st.sampled_from([0, 1]), aside=st.booleans())
    def acquire(self, prompt, n_logits, aside):
        tree = self.sequences.tree
        resident = [tree.tokens(seq) for seq in tree.sequences]
        lease = self.sequences.acquire(prompt, n_logits, aside=aside)
        if aside:
            # At most one had to go, to make room for the fork.
            left = [tree.tokens(seq) for seq in tree.sequences if seq != lease.seq]
            assert len([tokens for tokens in resident if tokens not in left]) <= 1
        assert self.kv.tokens(lease.seq) == prompt[: lease.n_reused]
        assert lease.seq not in self.prompts
        usable = prompt[: len(prompt) - n_logits]
        shared = [common_prefix(tokens, usable) for tokens in resident]
        if not self.memory["partial"]:
            shared = [n for n, tokens in zip(shared, resident, strict=True) if n == len(tokens)]
        if self.memory["cuts"] or not self.memory["partial"]:
            assert lease.n_reused == max(shared, default=0)
        self.prompts[lease.seq] = prompt

    @precondition(lambda self: self.prompts)
    @rule(data=st.data(), fate=st.none() | st.integers(0, 8))
    def evaluate(self, data, fate):
        parts = []
        for seq in data.draw(st.sets(st.sampled_from(sorted(self.prompts)), min_size=1, max_size=2)):
            n_stored = self.kv.n_stored(seq)
            # What is left of the prompt, then what might be decoded.
            parts.append(Part(seq, n_stored, self.prompts[seq][n_stored:][:6] or [1]))
        n_tokens = sum(len(part.tokens) for part in parts)
        if not self.sequences.make_room(n_tokens):
            assert all(map(self.sequences.tree.is_locked, self.sequences.tree.sequences))
            assert len(self.kv.cells) + n_tokens > N_CELLS
            return
        self.fate = None if fate is None else min(fate, n_tokens)
        outcome = self.kv.evaluate(parts)
        assert outcome is (Outcome.DONE if fate is None else Outcome.ABORTED)
        (self.sequences.evaluated if fate is None else self.sequences.aborted)(parts)
        for part in parts:
            n_new = self.kv.n_stored(part.seq) - part.position
            # Its logits have to be computed again.
            assert n_new == len(part.tokens) if fate is None else n_new < len(part.tokens)

    @precondition(lambda self: self.prompts)
    @rule(data=st.data())
    def checkpoint(self, data):
        seq = data.draw(st.sampled_from(sorted(self.prompts)))
        before = set(self.sequences.tree.sequences)
        kept = self.sequences.checkpoint(seq)
        if kept is None:
            assert before == set(self.prompts)
            return
        assert self.kv.tokens(kept) == self.kv.tokens(seq)
        assert len(before - set(self.sequences.tree.sequences)) <= 1

    @precondition(lambda self: self.prompts)
    @rule(data=st.data(), failed=st.booleans(), is_spare=st.booleans())
    def end(self, data, failed, is_spare):
        seq = data.draw(st.sampled_from(sorted(self.prompts)))
        del self.prompts[seq]
        if failed:
            self.sequences.drop(seq)
        else:
            self.sequences.release(seq, is_spare=is_spare)

    @rule()
    def evict(self):
        before = set(self.sequences.tree.sequences)
        evicted = self.sequences.evict()
        gone = before - set(self.sequences.tree.sequences)
        assert len(gone) == evicted
        assert evicted or before == set(self.prompts)
        assert not gone & set(self.prompts)

    @invariant()
    def the_record_is_true(self):
        if not hasattr(self, "kv"):
            return
        tree = self.sequences.tree
        tree.check_integrity()
        assert tree.n_cells == len(self.kv.cells) <= N_CELLS
        assert self.kv.sequences <= set(tree.sequences)
        assert set(self.prompts) <= set(tree.sequences)
        # They are continued by forks alone.
        assert self.sequences.checkpoints <= set(tree.sequences) - set(self.prompts)
        assert not self.kv.damaged
        for seq in tree.sequences:
            assert tree.tokens(seq) == self.kv.tokens(seq)
            assert tree.is_locked(seq) == (seq in self.prompts)


SequencesMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestSequences = SequencesMachine.TestCase


def make(memory="attention", n_cells=1000, n_sequences=4):
    properties = MEMORIES[memory]
    kv = FakeKv(n_cells, n_batch=1000, cuts=properties["cuts"], rolls_back=properties["rolls_back"])
    return Sequences(kv, n_cells, n_sequences, partial=properties["partial"])


def hold_part(sequences, part):
    assert sequences.make_room(len(part.tokens))
    sequences._context.evaluate([part])
    sequences.evaluated([part])


def hold(sequences, prompt):
    """A request for the prompt, from its beginning to its end."""
    lease = sequences.acquire(prompt)
    hold_part(sequences, Part(lease.seq, lease.n_reused, prompt[lease.n_reused :]))
    sequences.release(lease.seq)
    return lease


def test_a_place_to_which_one_may_return_is_kept():
    sequences = make()
    head, here, there = [1] * 100, [2] * 100, [3] * 100
    first = hold(sequences, [*head, *here])
    second = hold(sequences, [*head, *there])
    assert second.n_reused == 100
    assert second.seq != first.seq
    assert hold(sequences, [*head, *here]).n_reused == 199
    assert sequences.tree.n_cells == 300


def test_a_short_end_is_replaced_in_place():
    sequences = make()
    first = hold(sequences, [1] * 100 + [2] * 5)
    second = hold(sequences, [1] * 100 + [3])
    assert (second.seq, second.n_reused) == (first.seq, 100)


def test_a_small_document_is_not_the_end_of_another_one():
    sequences = make()
    hold(sequences, [0, *[1] * 10])
    hold(sequences, [0, *[2] * 10])
    assert hold(sequences, [0, *[1] * 10]).n_reused == 10


def test_two_requests_for_one_prompt_share_what_the_first_has_evaluated():
    sequences = make()
    first = sequences.acquire([1] * 20)
    part = Part(first.seq, 0, [1] * 12)
    sequences._context.evaluate([part])
    sequences.evaluated([part])
    second = sequences.acquire([1] * 20)
    assert second.seq != first.seq
    assert (second.n_reused, sequences.tree.n_cells) == (12, 12)


@pytest.mark.parametrize("memory", ["recurrent", "windowed"])
def test_a_state_that_cannot_be_cut_is_continued_only_as_a_whole(memory):
    sequences = make(memory)
    hold(sequences, [1, 2, 3])
    assert hold(sequences, [1, 2, 3, 4]).n_reused == 3
    assert hold(sequences, [1, 2, 9]).n_reused == 0


def test_of_states_that_cannot_be_cut_the_longest_whole_one_is_continued():
    sequences = make("recurrent")
    hold(sequences, [1, 2])
    sequences._fork(sequences.tree.sequences[0], 2)
    hold(sequences, [1, 2, 3, 9])
    assert sequences.acquire([1, 2, 3, 4]).n_reused == 2


@pytest.mark.parametrize("memory", ["recurrent", "windowed"])
def test_a_checkpoint_survives_what_continues_it(memory):
    sequences = make(memory)
    lease = sequences.acquire([1, 2, 3])
    hold_part(sequences, Part(lease.seq, 0, [1, 2, 3]))
    kept = sequences.checkpoint(lease.seq)
    sequences.release(lease.seq)
    assert hold(sequences, [1, 2, 3, 4]).n_reused == 3
    assert hold(sequences, [1, 2, 3, 5]).n_reused == 3
    assert sequences.tree.tokens(kept) == [1, 2, 3]


@pytest.mark.parametrize("memory", ["recurrent", "windowed"])
def test_the_end_that_would_be_cut_if_it_could_be_goes(memory):
    sequences = make(memory)
    far, near = hold(sequences, [1] * 10 + [2] * 70), hold(sequences, [1] * 10 + [3] * 5)
    assert hold(sequences, [1] * 10 + [3] * 4 + [4]).n_reused == 0
    held = [sequences.tree.tokens(seq) for seq in sequences.tree.sequences]
    assert [1] * 10 + [3] * 5 not in held
    assert sequences.tree.tokens(far.seq)[-1] == 2
    assert near.seq != far.seq


def test_a_memory_that_unexpectedly_refuses_to_be_cut_costs_the_whole_sequence():
    sequences = make("refusing")
    hold(sequences, [1] * 100 + [2] * 5)
    assert hold(sequences, [1] * 100 + [3]).n_reused == 0
    assert sequences.tree.n_cells == 101


def test_the_source_of_a_fork_does_not_go_for_it():
    sequences = make(n_sequences=2)
    hold(sequences, [1] * 200)
    hold(sequences, [2] * 10)
    assert hold(sequences, [1] * 100 + [3]).n_reused == 100
    assert sorted(sequences.tree.tokens(seq)[-1] for seq in sequences.tree.sequences) == [1, 3]


def test_room_is_made_of_what_is_missed_least_and_never_of_what_is_in_use():
    sequences = make(n_cells=30)
    for token in (1, 2, 3):
        hold(sequences, [token] * 10)
    in_use = sequences.acquire([1] * 11)
    assert sequences.make_room(5)
    assert [sequences.tree.tokens(seq)[0] for seq in sequences.tree.sequences] == [3, 1]
    assert not sequences.make_room(21)
    assert sequences.tree.sequences == (in_use.seq,)


def lent(sequences, kv, tokens):
    """A sequence that holds these tokens, no longer in use."""
    lease = sequences.acquire(tokens, 0)
    part = Part(lease.seq, lease.n_reused, tokens[lease.n_reused :])
    assert kv.evaluate([part]) is Outcome.DONE
    sequences.evaluated([part])
    sequences.release(lease.seq)
    return lease.seq


def test_what_a_prompt_would_cost_others_is_told_beforehand():
    kv = FakeKv(N_CELLS)
    sequences = Sequences(kv, N_CELLS, 2, partial=True)
    seq = lent(sequences, kv, [1] * 12)
    assert not sequences.would_cut([1] * 14)  # it goes on
    assert sequences.would_cut([1] * 10)
    assert not sequences.would_cut([1, 2])  # it gets a fork
    sequences.tree.lock(seq)
    assert not sequences.would_cut([1] * 10)
    sequences.release(seq)
    assert sequences.has_room(N_CELLS - 12)
    assert not sequences.has_room(N_CELLS - 11)
    lent(sequences, kv, [3] * 4)
    assert not sequences.has_room(1)  # no sequence is left


def test_what_goes_since_it_cannot_be_cut_is_told_beforehand():
    sequences = make("windowed")
    hold(sequences, [1] * 12)
    assert not sequences.would_cut([1] * 14)  # it goes on
    assert sequences.would_cut([1] * 10)
    assert not sequences.would_cut([1, 2])  # it stays


def test_an_evicted_sequence_is_announced_while_it_is_whole():
    kv = FakeKv(N_CELLS)
    sequences = Sequences(kv, N_CELLS, 4, partial=True)
    seq = lent(sequences, kv, [1] * 12)
    told = []
    sequences.on_evict = lambda evicted: told.append((evicted, kv.tokens(evicted)))
    assert sequences.make_room(N_CELLS - 12)
    assert not told
    assert sequences.make_room(N_CELLS - 4)
    assert told == [(seq, [1] * 12)]

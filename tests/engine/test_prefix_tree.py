"""The tree against a plain model: each sequence a list, each cell the set of the sequences it belongs to."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pylot_ls.engine.prefix_tree import PrefixTree

N_SEQUENCES = 5
SALTS = st.sampled_from(["", "a", "b"])
RUNS = st.lists(st.integers(0, 2), max_size=6)


class TreeMachine(RuleBasedStateMachine):
    """Cells are made by ``extend`` and shared by ``fork``, as llama.cpp does it."""

    def __init__(self):
        super().__init__()
        self.tree = PrefixTree(N_SEQUENCES)
        self.cells = {}
        self.salts = {}

    def choose(self, data):
        return data.draw(st.sampled_from(sorted(self.cells)))

    @precondition(lambda self: self.tree.has_free_sequence)
    @rule(salt=SALTS)
    def new(self, salt):
        seq = self.tree.new(salt)
        self.cells[seq], self.salts[seq] = [], salt

    @precondition(lambda self: self.cells and self.tree.has_free_sequence)
    @rule(data=st.data())
    def fork(self, data):
        seq = self.choose(data)
        n_tokens = data.draw(st.integers(0, len(self.cells[seq])))
        fork = self.tree.fork(seq, n_tokens)
        self.cells[fork], self.salts[fork] = self.cells[seq][:n_tokens], self.salts[seq]

    @precondition(lambda self: self.cells)
    @rule(data=st.data(), tokens=RUNS)
    def extend(self, data, tokens):
        seq = self.choose(data)
        self.tree.extend(seq, tokens)
        self.cells[seq] = self.cells[seq] + [(token, object()) for token in tokens]

    @precondition(lambda self: self.cells)
    @rule(data=st.data())
    def truncate(self, data):
        seq = self.choose(data)
        n_tokens = data.draw(st.integers(0, len(self.cells[seq])))
        self.tree.truncate(seq, n_tokens)
        self.cells[seq] = self.cells[seq][:n_tokens]

    @precondition(lambda self: self.cells)
    @rule(data=st.data())
    def remove(self, data):
        seq = self.choose(data)
        self.tree.remove(seq)
        del self.cells[seq], self.salts[seq]

    @precondition(lambda self: self.cells)
    @rule(data=st.data(), locked=st.booleans())
    def lock(self, data, locked):
        seq = self.choose(data)
        (self.tree.lock if locked else self.tree.unlock)(seq)
        assert self.tree.is_locked(seq) == locked
        assert self.tree.sequences[-1] == seq

    @rule(prompt=RUNS, salt=SALTS)
    def match(self, prompt, salt):
        shared = {seq: common(self.tree.tokens(seq), prompt) for seq in self.cells if self.salts[seq] == salt}
        found = self.tree.match(prompt, salt)
        assert {each.seq for each in self.tree.matches(prompt, salt)} == {seq for seq, n in shared.items() if n}
        assert (found.n_shared if found else 0) == max(shared.values(), default=0)
        if found:
            assert shared[found.seq] == found.n_shared
            assert found.n_tail == len(self.cells[found.seq]) - found.n_shared

    @invariant()
    def it_holds_what_the_model_holds(self):
        self.tree.check_integrity()
        assert set(self.tree.sequences) == set(self.cells)
        assert {seq: self.tree.salt(seq) for seq in self.cells} == self.salts
        owners = {}
        for seq, cells in self.cells.items():
            assert self.tree.tokens(seq) == [token for token, _ in cells]
            assert self.tree.n_tokens(seq) == len(cells)
            for _, cell in cells:
                owners.setdefault(id(cell), set()).add(seq)
        assert self.tree.n_cells == len(owners)
        for seq in self.cells:
            assert self.tree.n_exclusive(seq) == sum(1 for who in owners.values() if who == {seq})

    @invariant()
    def what_is_evicted_is_never_locked(self):
        seq = self.tree.evictable()
        unlocked = [each for each in self.cells if not self.tree.is_locked(each)]
        assert (seq in unlocked) if unlocked else (seq is None)


def common(left, right):
    n = 0
    while n < min(len(left), len(right)) and left[n] == right[n]:
        n += 1
    return n


TestTree = TreeMachine.TestCase
TestTree.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


def test_a_sequence_in_use_is_matched_only_where_no_other_shares_as_much():
    tree = PrefixTree(3)
    busy = tree.new()
    tree.extend(busy, [1, 2, 3])
    tree.lock(busy)
    other = tree.fork(busy, 3)
    assert tree.match([1, 2, 3, 4]).seq == other
    tree.extend(busy, [4])
    assert tree.match([1, 2, 3, 4]).seq == busy


def test_the_sequence_unused_for_longest_that_frees_cells_is_evicted_first():
    tree = PrefixTree(3)
    old = tree.new()
    tree.extend(old, [1, 2])
    new = tree.fork(old, 2)
    tree.extend(new, [3])
    assert tree.n_exclusive(old) == 0
    assert tree.evictable() == new
    tree.lock(new)
    assert tree.evictable() == old


def test_more_tokens_than_a_sequence_has_cannot_be_shared():
    tree = PrefixTree(2)
    seq = tree.new()
    tree.extend(seq, [1])
    with pytest.raises(IndexError):
        tree.fork(seq, 2)

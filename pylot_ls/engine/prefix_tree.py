"""The token prefixes whose KV is resident: a radix tree with a ledger of cells. Pure; it decides, the worker acts.

Sequences that were forked from one another share the cells of their common prefix, so that removing one frees only
what no other shares. The tree says how much that is: a node is a run of tokens whose cells belong to all sequences
below it, a leaf is the end of one sequence. After SGLang's RadixAttention (Zheng et al. 2023). Each salt has a root of
its own, so that what has different salts shares nothing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(slots=True, eq=False)
class _Node:
    """A run of tokens.

    Attributes:
        seq: the sequence that ends here, None for an inner node.
        locked: whether a request is using the sequence.
        used: when the sequence was last used; larger is later.
    """

    parent: _Node | None
    tokens: list[int]
    children: list[_Node] = field(default_factory=list)
    seq: int | None = None
    locked: bool = False
    used: int = 0

    def path(self) -> list[_Node]:
        """The nodes from below the root to here."""
        nodes: list[_Node] = []
        node: _Node | None = self
        while node is not None and node.parent is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]


@dataclass(frozen=True, slots=True)
class Match:
    """A sequence that shares the beginning of a prompt.

    Attributes:
        seq: the sequence.
        n_shared: how many tokens.
        n_tail: how many more tokens the sequence holds.
    """

    seq: int
    n_shared: int
    n_tail: int


class PrefixTree:
    """Which sequence holds which tokens, and which cells they share.

    Args:
        n_sequences: how many sequences there can be; their ids are 0 to this, less one.
    """

    def __init__(self, n_sequences: int) -> None:
        self._roots: dict[str, _Node] = {}
        self._leaves: dict[int, _Node] = {}
        self._salts: dict[int, str] = {}
        self._free = list(range(n_sequences - 1, -1, -1))
        self._clock = itertools.count(1)

    @property
    def n_cells(self) -> int:
        """Cells in use: every node's tokens once."""
        return sum(len(node.tokens) for node in self._nodes())

    @property
    def sequences(self) -> tuple[int, ...]:
        """The sequences there are, the one unused for longest first."""
        return tuple(sorted(self._leaves, key=lambda seq: self._leaves[seq].used))

    @property
    def has_free_sequence(self) -> bool:
        """Whether ``new`` or ``fork`` can give out another id."""
        return bool(self._free)

    def tokens(self, seq: int) -> list[int]:
        """The tokens that a sequence holds."""
        return [token for node in self._leaves[seq].path() for token in node.tokens]

    def n_tokens(self, seq: int) -> int:
        """How many tokens a sequence holds."""
        return sum(len(node.tokens) for node in self._leaves[seq].path())

    def n_exclusive(self, seq: int) -> int:
        """How many cells removing the sequence would free."""
        return len(self._leaves[seq].tokens)

    def salt(self, seq: int) -> str:
        """The salt of a sequence."""
        return self._salts[seq]

    def match(self, tokens: Sequence[int], salt: str = "", *, whole: bool = False) -> Match | None:
        """The sequence that shares most of the prompt's beginning; among equals an unlocked one with a short tail.

        With ``whole`` only a sequence that the prompt shares to its end.
        """
        matches = [match for match in self.matches(tokens, salt) if match.n_tail == 0 or not whole]
        return max(matches, key=lambda m: (m.n_shared, not self._leaves[m.seq].locked, -m.n_tail), default=None)

    def matches(self, tokens: Sequence[int], salt: str = "") -> list[Match]:
        """Every sequence of a salt that shares anything of the prompt's beginning."""
        root = self._roots.get(salt)
        return [
            Match(leaf.seq, n_shared, self.n_tokens(leaf.seq) - n_shared)
            for leaf, n_shared in (_shared_with(root, list(tokens), 0) if root else ())
            if n_shared > 0 and leaf.seq is not None
        ]

    def is_locked(self, seq: int) -> bool:
        """Whether a request is using the sequence."""
        return self._leaves[seq].locked

    def lock(self, seq: int) -> None:
        """Keep a sequence from eviction."""
        self._leaves[seq].locked = True
        self._leaves[seq].used = next(self._clock)

    def unlock(self, seq: int, *, is_spare: bool = False) -> None:
        """Let a sequence be evicted; one that is spare goes before any other."""
        self._leaves[seq].locked = False
        self._leaves[seq].used = 0 if is_spare else next(self._clock)

    def new(self, salt: str = "") -> int:
        """An empty sequence."""
        return self._leaf(self._roots.setdefault(salt, _Node(None, [])), salt)

    def fork(self, seq: int, n_tokens: int) -> int:
        """A sequence that shares the first tokens of another; its cells are to be copied by reference."""
        return self._leaf(self._ending_at(self._leaves[seq], n_tokens), self._salts[seq])

    def extend(self, seq: int, tokens: Sequence[int]) -> None:
        """Add tokens to the end of a sequence; they take cells of their own."""
        self._leaves[seq].tokens.extend(tokens)

    def truncate(self, seq: int, n_tokens: int) -> None:
        """Drop a sequence's tokens from a position on."""
        leaf = self._leaves[seq]
        n_above = self.n_tokens(seq) - len(leaf.tokens)
        if n_tokens >= n_above:
            del leaf.tokens[n_tokens - n_above :]
            return
        place = self._ending_at(leaf, n_tokens)
        self._detach(leaf)
        leaf.tokens, leaf.parent = [], place
        place.children.append(leaf)
        self._merge(place)

    def remove(self, seq: int) -> None:
        """Forget a sequence; its id is free again."""
        self._detach(self._leaves.pop(seq))
        self._free.append(seq)
        salt = self._salts.pop(seq)
        if not self._roots[salt].children:
            del self._roots[salt]

    def evictable(self) -> int | None:
        """The unlocked sequence unused for longest that frees cells, else any unlocked one, else None."""
        unlocked = [seq for seq in self.sequences if not self._leaves[seq].locked]
        return next((seq for seq in unlocked if self.n_exclusive(seq) > 0), unlocked[0] if unlocked else None)

    def check_integrity(self) -> None:
        """Raise AssertionError where the tree contradicts itself."""
        for node in self._nodes():
            _demand(node.parent is not None and node in node.parent.children, "a node and its parent disagree")
            if node.seq is None:
                _demand(len(node.children) > 1, "an inner node joins nothing")
                _demand(bool(node.tokens), "an inner node is empty")
            else:
                _demand(not node.children, "a sequence ends within another node")
                _demand(self._leaves.get(node.seq) is node, "a sequence is not where it should be")
        _demand(len(self._leaves) == sum(1 for node in self._nodes() if node.seq is not None), "a sequence is lost")
        _demand(not set(self._leaves) & set(self._free), "a sequence in use is free")
        _demand(set(self._leaves) == set(self._salts), "a sequence has no salt, or a salt no sequence")
        _demand(set(self._roots) == set(self._salts.values()), "a salt is left behind")
        for seq, leaf in self._leaves.items():
            _demand(leaf.path()[0].parent is self._roots[self._salts[seq]], "a sequence is below another salt")

    def _nodes(self) -> Iterator[_Node]:
        stack = [node for root in self._roots.values() for node in root.children]
        while stack:
            node = stack.pop()
            stack.extend(node.children)
            yield node

    def _leaf(self, parent: _Node, salt: str) -> int:
        seq = self._free.pop()
        self._salts[seq] = salt
        leaf = self._leaves[seq] = _Node(parent, [], seq=seq, used=next(self._clock))
        parent.children.append(leaf)
        return seq

    def _ending_at(self, leaf: _Node, n_tokens: int) -> _Node:
        """The inner node on a leaf's path that ends at a depth; made by splitting where there is none."""
        path, depth = leaf.path(), 0
        if n_tokens == 0:
            return _parent_of(path[0])
        for node in path:
            if depth + len(node.tokens) >= n_tokens:
                at_end = depth + len(node.tokens) == n_tokens
                return node if at_end and node.seq is None else self._split(node, n_tokens - depth)
            depth += len(node.tokens)
        raise IndexError(f"the sequence has {depth} tokens, not {n_tokens}")

    def _split(self, node: _Node, n_tokens: int) -> _Node:
        """Put the first tokens of a node into a new inner node above it."""
        parent = _parent_of(node)
        upper = _Node(parent, node.tokens[:n_tokens], [node])
        parent.children[parent.children.index(node)] = upper
        del node.tokens[:n_tokens]
        node.parent = upper
        return upper

    def _detach(self, leaf: _Node) -> None:
        parent = _parent_of(leaf)
        parent.children.remove(leaf)
        self._merge(parent)

    def _merge(self, node: _Node) -> None:
        """Join an inner node with its only child, or drop it when it has none."""
        parent = node.parent
        if parent is None or node.seq is not None or len(node.children) > 1:
            return
        if not node.children:
            parent.children.remove(node)
            self._merge(parent)
            return
        (child,) = node.children
        child.tokens[:0] = node.tokens
        child.parent = parent
        parent.children[parent.children.index(node)] = child


def _shared_with(node: _Node, prompt: list[int], depth: int) -> Iterator[tuple[_Node, int]]:
    """Each sequence below a node that matches up to ``depth``, with how many tokens it shares with the prompt."""
    part = prompt[depth : depth + len(node.tokens)]
    # Equal lists are compared in C; a keystroke's prompt differs from the last one in its last few tokens.
    n_equal = len(part) if part == node.tokens else common_prefix(node.tokens, part)
    if n_equal == len(node.tokens) and node.seq is None:
        for child in node.children:
            yield from _shared_with(child, prompt, depth + n_equal)
    else:
        yield from ((leaf, depth + n_equal) for leaf in _leaves_of(node))


def _leaves_of(node: _Node) -> Iterator[_Node]:
    if node.seq is not None:
        yield node
    for child in node.children:
        yield from _leaves_of(child)


def _parent_of(node: _Node) -> _Node:
    if node.parent is None:
        raise AssertionError("the root has no parent")
    return node.parent


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - an assertion
    if not holds:
        raise AssertionError(otherwise)


def common_prefix(left: Sequence[object], right: Sequence[object]) -> int:
    """Length of the longest common prefix."""
    return next(
        (n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b),
        min(len(left), len(right)),
    )

"""A model of llama.cpp's unified KV buffer: cells with a position, a token and the sequences that they belong to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pylot_ls.engine.kv_context import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.engine.kv_context import Part
    from pylot_ls.engine.ngrams import Guess


# From this weight on the fake model says what a guess says.
CONVINCING = 0.45
LETTERS = range(ord("a"), ord("z") + 1)


def next_token(tokens: Sequence[int], among: Sequence[int] | None = None) -> int:
    """What the fake model says after these tokens: a lowercase letter, from which any other order or number shows."""
    value = 7
    for token in tokens:
        value = (value * 31 + token + 1) % 1009
    choice = LETTERS if among is None else sorted(among)
    return choice[value % len(choice)]


@dataclass(eq=False)
class Cell:
    position: int
    token: int
    seqs: set[int]


@dataclass(eq=False)
class FakeKv:
    """Behaves as ``LlamaContext`` does, with a language model whose next token depends on every token before it.

    Attributes:
        n_cells: how many tokens fit.
        cuts: whether a sequence can be cut.
        rolls_back: whether an aborted evaluation leaves the sequences as they were, up to whole micro-batches. If not,
            as with a recurrent state, they are damaged until they are cleared.
        says: the next token after some tokens, among some where that is restricted.
        during: called in each evaluation. With an integer the evaluation is aborted when so many of its tokens have
            been stored, and an exception is raised as a failure.
        log: the batches that were evaluated or aborted.
    """

    n_cells: int = 1000
    n_batch: int = 16
    cuts: bool = True
    rolls_back: bool = True
    says: Callable[[Sequence[int], Sequence[int] | None], int] = next_token
    during: Callable[[Sequence[Part]], int | Exception | None] = lambda _parts: None
    cells: list[Cell] = field(default_factory=list)
    damaged: set[int] = field(default_factory=set)
    log: list[Sequence[Part]] = field(default_factory=list)
    flag: bool = False
    _logits: dict[int, list[int]] = field(default_factory=dict)

    def interrupt(self, stop: bool) -> None:
        self.flag = stop

    def evaluate(self, parts: Sequence[Part]) -> Outcome:
        batch = [
            (part.seq, position, token) for part in parts for position, token in enumerate(part.tokens, part.position)
        ]
        assert 0 < len(batch) <= self.n_batch
        assert all(part.tokens for part in parts)
        assert len({part.seq for part in parts}) == len(parts)
        for part in parts:
            assert part.seq not in self.damaged
            assert part.position == self.n_stored(part.seq), "llama.cpp refuses positions that do not follow"
        if len(self.cells) + len(batch) > self.n_cells:
            return Outcome.NO_ROOM
        self.log.append(parts)
        self._logits = {}
        fate = self.during(parts)
        if fate is None and self.flag:
            fate = 0
        self.cells += [
            Cell(position, token, {seq}) for seq, position, token in batch[: fate if type(fate) is int else None]
        ]
        if fate is None:
            self._keep_logits(parts)
            return Outcome.DONE
        if isinstance(fate, Exception) or not self.rolls_back:
            self.damaged |= {part.seq for part in parts}
        if isinstance(fate, Exception):
            raise fate
        return Outcome.ABORTED

    def _keep_logits(self, parts: Sequence[Part]) -> None:
        end = 0
        for part in parts:
            end += len(part.tokens)
            held = self.tokens(part.seq)
            for n_after in range(part.n_logits):
                self._logits[end - 1 - n_after] = held[: len(held) - n_after]

    def greedy(
        self, index: int, among: Sequence[int] | None = None, rank: int = 0, guess: Guess | None = None
    ) -> tuple[int, float]:
        tokens = self._logits[index]
        for _ in range(rank):
            best = self._best(tokens, among, guess)
            among = [token for token in among or LETTERS if token != best] or [best]
        return self._best(tokens, among, guess), logprob_after(tokens)

    def most_probable(self, index: int, n_tokens: int) -> list[tuple[int, float]]:
        return [self.greedy(index, rank=rank) for rank in range(min(n_tokens, len(LETTERS)))]

    def _best(self, tokens: Sequence[int], among: Sequence[int] | None, guess: Guess | None) -> int:
        if guess is not None and guess.weight > CONVINCING and among is None:
            return int(guess.tokens[guess.shares.argmax()])
        return self.says(tokens, among)

    def remove_from(self, seq: int, position: int) -> bool:
        if position > 0 and position < self.n_stored(seq) and not self.cuts:
            return False
        for cell in self.cells:
            if cell.position >= position:
                cell.seqs.discard(seq)
        self.cells = [cell for cell in self.cells if cell.seqs]
        if position == 0:
            self.damaged.discard(seq)
        return True

    def copy_prefix(self, source: int, target: int, n_tokens: int) -> None:
        """As llama.cpp does: what the target held before stays in it."""
        assert source not in self.damaged
        assert self.rolls_back or n_tokens == self.n_stored(source), "a recurrent state is copied as a whole"
        for cell in self.cells:
            if source in cell.seqs and cell.position < n_tokens:
                cell.seqs.add(target)

    def n_stored(self, seq: int) -> int:
        return max((cell.position for cell in self.cells if seq in cell.seqs), default=-1) + 1

    def tokens(self, seq: int) -> list[int]:
        """What a sequence holds, in order. Fails where a position is missing or held twice."""
        held = sorted((cell.position, cell.token) for cell in self.cells if seq in cell.seqs)
        assert [position for position, _ in held] == list(range(len(held)))
        return [token for _, token in held]

    @property
    def sequences(self) -> set[int]:
        return set().union(*(cell.seqs for cell in self.cells))


def repetitive_token(tokens: Sequence[int], among: Sequence[int] | None = None) -> int:
    """What a model says that mostly repeats itself, and now and then does not."""
    token = next_token(tokens, among)
    return tokens[-3] if among is None and len(tokens) > 2 and token % 6 and tokens[-3] in LETTERS else token


def logprob_after(tokens: Sequence[int]) -> float:
    return -sum(tokens) % 101 / 100

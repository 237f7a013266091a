"""A byte-level BPE vocabulary of Qwen2's size and special tokens, made of a smaller one. Pure.

Qwen2's own cannot be had without a download. The cost of a decode step depends on the number of tokens (the last
matrix has a row for each), not on which they are; texts come out as the smaller vocabulary cuts them.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

# The values of llama_token_type in llama.h.
NORMAL = 1
CONTROL = 3

# Where Qwen2.5-Coder has its special tokens (tokenizer_config.json of its repositories).
QWEN_SIZE = 151_936
QWEN_SPECIAL = {
    151_643: "<|endoftext|>",
    151_644: "<|im_start|>",
    151_645: "<|im_end|>",
    151_659: "<|fim_prefix|>",
    151_660: "<|fim_middle|>",
    151_661: "<|fim_suffix|>",
    151_662: "<|fim_pad|>",
    151_663: "<|repo_name|>",
    151_664: "<|file_sep|>",
}
_FIRST_SPECIAL = min(QWEN_SPECIAL)
# How a space is written in byte-level BPE.
_SPACE = "\u0120"
_FILLER_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens by id, what kind each is, and the merges in their order."""

    tokens: tuple[str, ...]
    kinds: tuple[int, ...]
    merges: tuple[str, ...]


def qwen_sized(small: Vocabulary) -> Vocabulary:
    """A vocabulary that tokenises as ``small`` does and has Qwen2's size and special tokens.

    Between the ordinary tokens of ``small`` and the special ones stand fillers: words that no merge leads to, so that
    no text is ever cut into them, while a model with random weights picks them as often as any other token.
    """
    tokens = [token for token, kind in zip(small.tokens, small.kinds, strict=True) if kind == NORMAL]
    taken = set(tokens)
    number = 0
    while len(tokens) < _FIRST_SPECIAL:
        filler = _filler(number)
        number += 1
        if filler not in taken:
            tokens.append(filler)
    kinds = [NORMAL] * len(tokens)
    for token_id in range(_FIRST_SPECIAL, QWEN_SIZE):
        tokens.append(QWEN_SPECIAL.get(token_id, f"<|unused_{token_id}|>"))
        kinds.append(CONTROL)
    return Vocabulary(tuple(tokens), tuple(kinds), small.merges)


def _filler(number: int) -> str:
    """A word of four letters, every second one with a space before it."""
    rest, is_odd = divmod(number, 2)
    letters = ""
    for _ in range(_FILLER_LETTERS):
        rest, letter = divmod(rest, len(string.ascii_lowercase))
        letters += string.ascii_lowercase[letter]
    return (_SPACE if is_odd else "") + letters

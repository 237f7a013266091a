"""Step 2: the tokenizer, byte-level BPE as llama.cpp's ``qwen2`` pre-tokenizer cuts texts."""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from pylot_tiny.reading import Corpus
from pylot_tiny.special import SPECIAL

if TYPE_CHECKING:
    from collections.abc import Iterator

N_TOKENS = 4096
# The expression of llama.cpp's pre-tokenizer of that name (LLAMA_VOCAB_PRE_TYPE_QWEN2 in src/llama-vocab.cpp).
_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_SAMPLE_CHARACTERS = 40_000_000


def train_tokenizer(texts: Iterator[str], n_tokens: int) -> Tokenizer:
    """A tokenizer of so many tokens, the special ones included."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_QWEN2), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ],
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=n_tokens,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    """A tokenizer from its file; special tokens that are spelt out in a text stay ordinary text.

    Raises:
        ValueError: it has not the special tokens of this recipe.
    """
    described = json.loads(path.read_text("utf-8"))
    # Without them the tokenizer does not look for their spellings; they keep their ids in the vocabulary.
    described["added_tokens"] = []
    tokenizer = Tokenizer.from_str(json.dumps(described))
    if any(tokenizer.token_to_id(text) != number for number, text in enumerate(SPECIAL)):
        raise ValueError(f"{path} is not a tokenizer of this recipe; write it with python -m pylot_tiny.vocabulary")
    return tokenizer


def _sample(corpus: Corpus, n_characters: int) -> Iterator[str]:
    chooser = random.Random(0)  # noqa: S311 - repeatable, not secret
    while n_characters > 0:
        text = corpus.text(corpus.draw(chooser))
        n_characters -= len(text)
        yield text


def main() -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="folder that pylot_tiny.corpus wrote; tokenizer.json goes there")
    parser.add_argument("--tokens", type=int, default=N_TOKENS)
    options = parser.parse_args()
    tokenizer = train_tokenizer(_sample(Corpus(options.corpus, "train"), _SAMPLE_CHARACTERS), options.tokens)
    path = options.corpus / "tokenizer.json"
    tokenizer.save(str(path))
    held_out = "".join(_sample(Corpus(options.corpus, "held-out"), _SAMPLE_CHARACTERS // 40))
    n_tokens = len(load_tokenizer(path).encode(held_out).ids)
    Console().print(f"{path}: {tokenizer.get_vocab_size()} tokens, {len(held_out) / n_tokens:.2f} characters a token")


if __name__ == "__main__":
    main()

"""The loss on files that are not trained on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from pylot_tiny.model import IGNORED
from pylot_tiny.reading import Corpus
from pylot_tiny.samples import Samples
from pylot_tiny.special import END, FIM_MIDDLE, SPECIAL

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer

    from pylot_tiny.model import Network

_N_ROWS = 32


class Evaluation:
    """The same rows of samples each time.

    Args:
        folder: the corpus.
        tokenizer: the one it is read with.
        n_tokens: in a row.
        device: where the network is.
    """

    def __init__(self, folder: Path, tokenizer: Tokenizer, n_tokens: int, device: torch.device) -> None:
        samples = Samples(Corpus(folder, "held-out"), lambda text: tuple(tokenizer.encode(text).ids), "evaluation")
        rows = torch.tensor([samples.row(n_tokens + 1) for _ in range(_N_ROWS)])
        self._inputs = rows[:, :-1].to(device)
        targets = rows[:, 1:]
        is_text = targets >= len(SPECIAL)
        self._targets = torch.where(is_text | (targets == END), targets, IGNORED).to(device)
        self._is_middle = _in_middles(rows)[:, 1:].to(device) & (self._targets != IGNORED)
        # Byte-level tokens: each character of the spelling stands for a byte.
        spellings = [tokenizer.id_to_token(number) or "" for number in range(tokenizer.get_vocab_size())]
        n_bytes = torch.tensor([0] * len(SPECIAL) + [len(each) for each in spellings[len(SPECIAL) :]])
        self._n_bytes = int(n_bytes[targets].sum())

    @torch.no_grad()
    def measure(self, network: Network) -> dict[str, float]:
        """The held-out loss in nats a token, in the middles alone, and in bits a byte of all that is text."""
        losses = []
        for inputs, targets in zip(self._inputs.split(8), self._targets.split(8), strict=True):
            with torch.autocast(inputs.device.type, torch.bfloat16):
                losses.append(network.losses(inputs, targets).view(targets.shape))
        loss = torch.cat(losses)
        return {
            "held_out": round(float(loss.sum() / (self._targets != IGNORED).sum()), 4),
            "middle": round(float(loss[self._is_middle].mean()), 4),
            "bits_per_byte": round(float(loss.sum()) / self._n_bytes / math.log(2), 4),
        }


def _in_middles(rows: torch.Tensor) -> torch.Tensor:
    """Where the tokens of middles stand, the end token included."""
    marks = torch.zeros_like(rows, dtype=torch.bool)
    for row, tokens in enumerate(rows.tolist()):
        inside = False
        for place, token in enumerate(tokens):
            marks[row, place] = inside
            if token == FIM_MIDDLE:
                inside = True
            elif token == END:
                inside = False
    return marks

"""What saving and restoring KV does to it and to the logits, on llama.cpp with nothing around it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.bare import filler
from pylot_ls.engine.kv_context import Outcome, Part
from pylot_ls.engine.llama_context import LlamaContext
from pylot_ls.errors import DecodeError, RequestError
from pylot_ls.kvcache.keys import BLOCK_TOKENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from pylot_ls.engine.context_shape import ContextShape
    from pylot_ls.engine.llama_cpp_binding import LlamaModel

    Logits = npt.NDArray[np.float32]
    Block = tuple[int, int, bytes]

# A prime, as the one of the tokens that are saved.
_OTHER_STRIDE = 6007
# Cells of another sequence that stand between restored ones.
_N_BETWEEN = 100
_N_LAST = 32


@dataclass(frozen=True, slots=True)
class RestoreFindings:
    """What was found.

    Attributes:
        n_tokens: whose KV was saved, in blocks and a tail.
        n_bytes: of it.
        kv_identical: whether the bytes read back from an empty context are those that were saved.
        logits_identical: whether the next token's logits are the same there, bit for bit.
        elsewhere: the largest difference of a logit where other cells stand in between.
        noise_floor: the largest difference of a logit between batches of other shapes, with nothing restored.
    """

    n_tokens: int
    n_bytes: int
    kv_identical: bool
    logits_identical: bool
    elsewhere: float
    noise_floor: float


def check_restore(model: LlamaModel, shape: ContextShape, n_tokens: int) -> RestoreFindings:
    """Evaluate tokens, save their KV, put it back in several ways, and compare what the last token's logits are then.

    Args:
        model: whose KV can be cut.
        shape: of each context; there are several, one after the other.
        n_tokens: how many.

    Raises:
        RequestError: the context does not hold so many.
        DecodeError: llama.cpp failed, or did not take what it had saved.
    """
    if not _N_LAST < n_tokens <= shape.n_ctx - _N_BETWEEN:
        raise RequestError(f"{n_tokens} tokens and {_N_BETWEEN} others do not fit a context of {shape.n_ctx}")
    tokens = filler(model.n_vocab, range(n_tokens))
    with closing(LlamaContext(model, shape)) as context:
        expected = _evaluate(context, tokens, context.n_batch)
        blocks = _save(context, n_tokens - 1)
    noise_floor = _noise_floor(model, shape, tokens, expected)
    with closing(LlamaContext(model, shape)) as context:
        _load(context, blocks)
        kv_identical = _save(context, n_tokens - 1) == blocks
        logits = _last_logits(context, tokens)
        logits_identical = logits.tobytes() == expected.tobytes()
    with closing(LlamaContext(model, shape)) as context:
        others = filler(model.n_vocab, range(_N_BETWEEN), _OTHER_STRIDE)
        _load(context, blocks[: len(blocks) // 2])
        _decode(context, Part(1, 0, others))
        _load(context, blocks[len(blocks) // 2 :])
        elsewhere = _difference(_last_logits(context, tokens), expected)
    n_bytes = sum(len(data) for _, _, data in blocks)
    return RestoreFindings(n_tokens - 1, n_bytes, kv_identical, logits_identical, elsewhere, noise_floor)


def _noise_floor(model: LlamaModel, shape: ContextShape, tokens: Sequence[int], expected: Logits) -> float:
    with closing(LlamaContext(model, shape)) as context:
        in_small_batches = _evaluate(context, tokens, max(1, context.n_batch // 4))
        start = len(tokens) - _N_LAST
        context.remove_from(0, start)
        _decode(context, Part(0, start, tokens[start:]))
        return max(_difference(in_small_batches, expected), _difference(context.logits(), expected))


def _evaluate(context: LlamaContext, tokens: Sequence[int], n_batch: int) -> Logits:
    """Evaluate tokens in batches, the last one alone; its logits."""
    for start in range(0, len(tokens) - 1, n_batch):
        _decode(context, Part(0, start, tokens[start : min(start + n_batch, len(tokens) - 1)]))
    return _last_logits(context, tokens)


def _last_logits(context: LlamaContext, tokens: Sequence[int]) -> Logits:
    _decode(context, Part(0, len(tokens) - 1, tokens[-1:]))
    return context.logits()


def _decode(context: LlamaContext, part: Part) -> None:
    outcome = context.evaluate([part])
    if outcome is not Outcome.DONE:
        raise DecodeError(f"llama.cpp could not evaluate {len(part.tokens)} tokens: {outcome.name}")


def _save(context: LlamaContext, n_tokens: int) -> list[Block]:
    """The KV of the first tokens, in blocks and what is left."""
    starts = range(0, n_tokens, BLOCK_TOKENS)
    spans = [(start, min(start + BLOCK_TOKENS, n_tokens)) for start in starts]
    return [(start, end, context.save(0, start, end)) for start, end in spans]


def _load(context: LlamaContext, blocks: Sequence[Block]) -> None:
    for start, end, data in blocks:
        if not context.load(data, 0, start, end):
            raise DecodeError("llama.cpp did not take KV that it had saved")


def _difference(left: Logits, right: Logits) -> float:
    return float(abs(left - right).max())

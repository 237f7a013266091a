"""What answers of several routes have in common. Pure."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from pylot_ls import __version__
from pylot_ls.engine.types import FinishReason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylot_ls.engine.types import Usage

    Json = dict[str, Any]

# OpenAI's clients compare it to know whether answers with one seed may differ; llama-server's begins with b.
FINGERPRINT = f"b-pylot-ls-{__version__}"
_MS_IN_S = 1000.0


def head_of(kind: str, prefix: str, model: str) -> Json:
    """What each object of an answer begins with.

    Args:
        kind: of object.
        prefix: of its id.
        model: the model's name.
    """
    return {
        "id": f"{prefix}-{secrets.token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": FINGERPRINT,
    }


def finish_reason(reason: FinishReason) -> str:
    """Why a text ended, in OpenAI's words."""
    return "stop" if reason in {FinishReason.END, FinishReason.STOP} else "length"


def usage_of(usages: Iterable[Usage], n: int) -> Json:
    """What a request used.

    Args:
        usages: of its texts, those of one prompt together.
        n: texts for each prompt, which counts once.
    """
    found = list(usages)
    prompts = found[::n]
    n_prompt = sum(usage.prompt_tokens for usage in prompts)
    n_decoded = sum(usage.tokens_decoded for usage in found)
    return {
        "prompt_tokens": n_prompt,
        "completion_tokens": n_decoded,
        "total_tokens": n_prompt + n_decoded,
        "prompt_tokens_details": {"cached_tokens": sum(usage.tokens_reused for usage in prompts)},
    }


def timings_of(usage: Usage) -> Json:
    """What llama-server tells of a text's times, in ms and tokens a second."""
    n_evaluated = usage.prompt_tokens - usage.tokens_reused
    first_ms = usage.first_token_ms or usage.total_ms
    prompt_ms = max(0.0, first_ms - usage.queue_ms)
    predicted_ms = max(0.0, usage.total_ms - first_ms)
    # The first token comes with the evaluation of the prompt.
    n_steps = max(0, usage.tokens_decoded - 1)
    timings = {
        "cache_n": usage.tokens_reused,
        "prompt_n": n_evaluated,
        "prompt_ms": prompt_ms,
        "prompt_per_token_ms": prompt_ms / n_evaluated if n_evaluated else 0.0,
        "prompt_per_second": _per_second(n_evaluated, prompt_ms),
        "predicted_n": usage.tokens_decoded,
        "predicted_ms": predicted_ms,
        "predicted_per_token_ms": predicted_ms / n_steps if n_steps else 0.0,
        "predicted_per_second": _per_second(n_steps, predicted_ms),
    }
    if usage.tokens_drafted:
        timings |= {"draft_n": usage.tokens_drafted, "draft_n_accepted": usage.tokens_accepted}
    return timings


def _per_second(n_tokens: int, ms: float) -> float:
    return n_tokens / ms * _MS_IN_S if ms > 0 else 0.0

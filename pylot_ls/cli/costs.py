"""What a command's question to a model cost, for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylot_ls.engine.types import Usage


def costs(usage: Usage) -> dict[str, object]:
    """Tokens, and times in milliseconds; as ``Usage`` names them."""
    return {
        "tokens_evaluated": usage.tokens_evaluated,
        "tokens_reused": usage.tokens_reused,
        "tokens_decoded": usage.tokens_decoded,
        "timings": {
            "queue_ms": usage.queue_ms,
            "first_token_ms": usage.first_token_ms,
            "total_ms": usage.total_ms,
        },
    }

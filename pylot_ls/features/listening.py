"""Listening to a model until it has ended, or what it has written is enough."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.types import Finished, FinishReason, Token, Usage
from pylot_ls.prompts.window import with_line_feeds

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from pylot_ls.engine.engine import GenerationEvent


@dataclass(frozen=True, slots=True)
class Heard:
    r"""What a model has written.

    Attributes:
        text: all of it; line terminators are ``\n``.
        reason: why it ended; None where it was stopped, since that was enough.
        confidence: the geometric mean of its tokens' probabilities, 0 to 1; 0 where it wrote none.
        usage: what it cost.
    """

    text: str
    reason: FinishReason | None
    confidence: float
    usage: Usage


async def listen(generation: AsyncGenerator[GenerationEvent, None], is_enough: Callable[[str], bool]) -> Heard:
    """Listen to a generation, and end it where it is enough. Cancelling ends it, too.

    ``is_enough``: called with all that is written so far, whenever there may be more of it, and at the end.

    Raises:
        EngineError: the engine failed.
    """
    received, text, reason, usage = "", "", None, Usage()
    logprobs: list[float] = []
    async with contextlib.aclosing(generation) as events:
        async for event in events:
            received, usage = received + event.text, event.usage
            if isinstance(event, Token):
                logprobs.append(event.logprob)
            elif isinstance(event, Finished):
                reason = event.reason
            text = with_line_feeds(received)
            if is_enough(text):
                break
    confidence = math.exp(sum(logprobs) / len(logprobs)) if logprobs else 0.0
    return Heard(text, reason, confidence, usage)

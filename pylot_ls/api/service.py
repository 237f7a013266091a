"""What all routes of one API share."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pylot_ls.api.generation import Generation
from pylot_ls.api.infilling import Infilling
from pylot_ls.api.limits import Admission
from pylot_ls.api.metrics import Metrics
from pylot_ls.api.models import Models

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pylot_ls.api.generation import Piece, Wish
    from pylot_ls.api.limits import Place
    from pylot_ls.api.models import Model
    from pylot_ls.api.options import ApiOptions
    from pylot_ls.engine.pool import ModelPool


class Api:
    """Models, whose turn it is, and what was counted.

    Args:
        pool: of engines.
        options: see there.
    """

    def __init__(self, pool: ModelPool, options: ApiOptions) -> None:
        self.pool = pool
        self.options = options
        self.models = Models(pool, options)
        self.admission = Admission(options.limits)
        self.metrics = Metrics(self.admission)
        self.infilling = Infilling()

    def generation(self, model: Model, wish: Wish, place: Place) -> Generation:
        """A text to be generated."""
        return Generation(model, wish, place)

    async def pieces(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        """Its pieces; what it has cost is counted, whatever becomes of it."""
        try:
            async with contextlib.aclosing(generation.pieces()) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            usage, user = generation.usage, generation.place.user
            if usage.prompt_tokens:
                self.metrics.generated(user, usage)
                self.admission.spend(user, usage.prompt_tokens - usage.tokens_reused + usage.tokens_decoded)

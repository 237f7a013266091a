"""Several texts for one request, generated beside each other."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from pylot_ls.api.drawing import with_seed_of_choice
from pylot_ls.api.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from pylot_ls.api.generation import Generation, Piece, Wish
    from pylot_ls.api.limits import Place
    from pylot_ls.api.models import Model
    from pylot_ls.api.service import Api

# Pieces that nobody has taken yet; then the engine's own queue fills, which is bounded by what was asked for.
_MOST_PIECES = 64


class Choices:
    """The texts of one request, each with its number.

    Args:
        api: what is shared.
        model: that generates them.
        wishes: one for each prompt.
        n: texts for each prompt.
        place: of the request, with whose it is.

    Raises:
        ApiError: they are too many.
    """

    def __init__(self, api: Api, model: Model, wishes: Sequence[Wish], n: int, place: Place) -> None:
        most = api.options.limits.most_choices
        if len(wishes) * n > most:
            raise ApiError(f"{len(wishes) * n} texts were asked for at once; at most {most} may be", param="n")
        self._api = api
        self._n = n
        self.generations: list[Generation] = [
            api.generation(model, with_seed_of_choice(wish, number), place) for wish in wishes for number in range(n)
        ]

    async def pieces(self) -> AsyncGenerator[tuple[int, Piece], None]:
        """The pieces of all, as they come. Closing the generator cancels all; so does the failure of one."""
        if len(self.generations) == 1:
            async with contextlib.aclosing(self._api.pieces(self.generations[0])) as only:
                async for part in only:
                    yield 0, part
            return
        queue: asyncio.Queue[tuple[int, Piece | BaseException | None]] = asyncio.Queue(_MOST_PIECES)
        # Further texts of a prompt begin when it has been evaluated for the first one, whose KV they fork.
        begun = [asyncio.Event() for _ in self.generations[:: self._n]]
        tasks = [
            asyncio.ensure_future(self._run(number, queue, begun[number // self._n]))
            for number in range(len(self.generations))
        ]
        try:
            n_left = len(tasks)
            while n_left:
                number, piece = await queue.get()
                if piece is None:
                    n_left -= 1
                elif isinstance(piece, BaseException):
                    raise piece
                else:
                    yield number, piece
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(
        self, number: int, queue: asyncio.Queue[tuple[int, Piece | BaseException | None]], begun: asyncio.Event
    ) -> None:
        is_first = number % self._n == 0
        try:
            if not is_first:
                await begun.wait()
            async with contextlib.aclosing(self._api.pieces(self.generations[number])) as pieces:
                async for piece in pieces:
                    begun.set()
                    await queue.put((number, piece))
            await queue.put((number, None))
        except Exception as error:  # noqa: BLE001 - whatever it is, the request fails with it
            await queue.put((number, error))
        finally:
            begun.set()

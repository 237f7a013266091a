"""Whose turn it is: places in the engine, queues in front of it that have an end, and tokens a minute."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.api.errors import too_many

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pylot_ls.api.options import Limits
    from pylot_ls.api.users import User

_SECONDS_IN_MINUTE = 60.0
# How much the last request counts in what one takes on average.
_NEWEST_SHARE = 0.2
# Before any request has ended.
_FIRST_GUESS_S = 1.0


@dataclass(slots=True)
class Place:
    """A request that the engine works on.

    Attributes:
        number: from 0; the smallest that was free.
        user: whose it is.
        n_prompt, n_decoded: tokens so far.
    """

    number: int
    user: User
    n_prompt: int = 0
    n_decoded: int = 0


class _Budget:
    """Tokens that somebody may still use; they come back by the minute, up to what a minute has.

    What a request will cost is known when it has ended, so that it may be overdrawn: then he waits until it is made
    good.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._left = float(per_minute)
        self._at = clock()

    def seconds_until_more(self) -> float:
        """How long until there is a token; 0 where there is one."""
        now = self._clock()
        self._left = min(self.per_minute, self._left + (now - self._at) * self.per_minute / _SECONDS_IN_MINUTE)
        self._at = now
        return 0.0 if self._left >= 1 else (1 - self._left) * _SECONDS_IN_MINUTE / self.per_minute

    def spend(self, n_tokens: int) -> None:
        """Take tokens off."""
        self._left -= n_tokens


class _Account:
    """What one user has going on."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.n_running = 0
        self.waiting: deque[asyncio.Future[Place]] = deque()
        self.budget: _Budget | None = None


class Admission:
    """Hands out places. Users take turns, each has a queue of his own, and all queues have an end.

    Args:
        limits: see there.
        clock: seconds.

    Attributes:
        places: of the requests that run, by number.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        # In the order in which it is their turn; as many as there are keys at most.
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._seconds = _FIRST_GUESS_S
        self.places: dict[int, Place] = {}

    @property
    def n_waiting(self) -> int:
        """Requests that wait for a place."""
        return sum(len(account.waiting) for account in self._accounts.values())

    @contextlib.asynccontextmanager
    async def place(self, user: User) -> AsyncIterator[Place]:
        """Wait for a place, and give it back at the end.

        Raises:
            ApiError: too many wait already, or the user has used his tokens.
        """
        account = self._account(user)
        place = await self._enter(account)
        began = self._clock()
        try:
            yield place
        finally:
            self._seconds += (self._clock() - began - self._seconds) * _NEWEST_SHARE
            self._leave(account, place)

    def spend(self, user: User, n_tokens: int) -> None:
        """Count tokens that were evaluated or decoded for a user."""
        budget = self._account(user).budget
        if budget is not None:
            budget.spend(n_tokens)

    def _account(self, user: User) -> _Account:
        account = self._accounts.get(user.name)
        if account is None:
            account = self._accounts[user.name] = _Account(user)
            self._accounts.move_to_end(user.name, last=False)  # who has had nothing yet comes first
        per_minute = user.tokens_per_minute or self._limits.tokens_per_minute
        if per_minute is None:
            account.budget = None
        elif account.budget is None or account.budget.per_minute != per_minute:
            account.budget = _Budget(per_minute, self._clock)
        account.user = user
        return account

    async def _enter(self, account: _Account) -> Place:
        wait_s = account.budget.seconds_until_more() if account.budget is not None else 0.0
        name = account.user.name
        if wait_s > 0:
            raise too_many(f"{name} has used the tokens of this minute", wait_s, "tokens_per_minute")
        if not account.waiting and self._has_place(account):
            return self._give(account)
        turns = self.n_waiting / self._limits.most_running + 1
        if len(account.waiting) >= self._limits.most_waiting_of_user:
            message = f"{len(account.waiting)} requests of {name} wait already; let them be served first"
            raise too_many(message, turns * self._seconds, "too_many_requests")
        if self.n_waiting >= self._limits.most_waiting:
            raise too_many("the server has more to do than it can", turns * self._seconds, "too_many_requests")
        turn: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        account.waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn in account.waiting:
                account.waiting.remove(turn)
            elif not turn.cancelled():
                self._leave(account, turn.result())  # it had just been given
            raise

    def _has_place(self, account: _Account) -> bool:
        most = account.user.most_running or self._limits.most_running_of_user
        return len(self.places) < self._limits.most_running and account.n_running < most

    def _give(self, account: _Account) -> Place:
        number = next(each for each in range(self._limits.most_running) if each not in self.places)
        place = self.places[number] = Place(number, account.user)
        account.n_running += 1
        self._accounts.move_to_end(account.user.name)  # the others come first now
        return place

    def _leave(self, account: _Account, place: Place) -> None:
        del self.places[place.number]
        account.n_running -= 1
        for each in list(self._accounts.values()):
            while each.waiting and self._has_place(each):
                turn = each.waiting.popleft()
                if not turn.done():
                    turn.set_result(self._give(each))
                    break  # the next one's turn

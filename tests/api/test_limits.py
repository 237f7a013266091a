"""Places and queues: users take turns, and nothing grows without end."""

from __future__ import annotations

import asyncio

import pytest
from turns import settled

from pylot_ls.api.errors import ApiError
from pylot_ls.api.limits import Admission
from pylot_ls.api.options import Limits
from pylot_ls.api.users import User

ANN, BOB = User("ann"), User("bob")


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Client:
    """Requests that hold a place until they are told to leave."""

    def __init__(self, admission):
        self._admission = admission
        self.entered = []
        self._tasks = []

    def ask(self, user):
        leave = asyncio.Event()
        self._tasks.append(asyncio.ensure_future(self._hold(user, leave)))
        return leave

    async def _hold(self, user, leave):
        async with self._admission.place(user) as place:
            self.entered.append((user.name, place.number))
            await leave.wait()

    async def settle(self):
        """Let all go on that can: a turn of the loop each for being let go, leaving, being given a place, entering."""
        await settled(10)

    async def close(self):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.mark.asyncio
async def test_users_take_turns_whatever_each_of_them_asks_for():
    admission = Admission(Limits(most_running=1))
    client = Client(admission)
    first = client.ask(ANN)
    await client.settle()
    leaves = [client.ask(user) for user in (ANN, ANN, ANN, BOB)]
    await client.settle()
    first.set()
    await client.settle()
    assert client.entered == [("ann", 0), ("bob", 0)]
    leaves[3].set()
    await client.settle()
    assert client.entered[2:] == [("ann", 0)]
    await client.close()
    assert admission.places == {}
    assert admission.n_waiting == 0


@pytest.mark.asyncio
async def test_a_user_has_no_more_places_than_his_own_and_others_have_theirs():
    admission = Admission(Limits(most_running=3, most_running_of_user=2))
    client = Client(admission)
    for user in (ANN, ANN, ANN, BOB):
        client.ask(user)
    await client.settle()
    assert client.entered == [("ann", 0), ("ann", 1), ("bob", 2)]
    assert admission.n_waiting == 1
    await client.close()


@pytest.mark.asyncio
async def test_full_queues_send_away_with_a_time_to_come_again():
    limits = Limits(most_running=1, most_waiting=2, most_waiting_of_user=1)
    client = Client(admission := Admission(limits))
    for user in (ANN, ANN):
        client.ask(user)
    await client.settle()
    with pytest.raises(ApiError, match="requests of ann wait already") as refused:
        async with admission.place(ANN):
            pass
    assert refused.value.status == 429
    assert int(refused.value.headers["Retry-After"]) >= 1
    client.ask(BOB)
    await client.settle()
    with pytest.raises(ApiError, match="more to do than it can"):
        async with admission.place(User("eve")):
            pass
    await client.close()


@pytest.mark.asyncio
async def test_who_goes_while_he_waits_leaves_no_trace():
    admission = Admission(Limits(most_running=1))
    client = Client(admission)
    client.ask(ANN)
    await client.settle()
    waiting = asyncio.ensure_future(admission.place(BOB).__aenter__())
    await client.settle()
    waiting.cancel()
    await client.settle()
    assert admission.n_waiting == 0
    await client.close()
    async with admission.place(BOB) as place:
        assert place.number == 0


@pytest.mark.asyncio
async def test_who_goes_just_as_he_is_given_a_place_gives_it_back():
    admission = Admission(Limits(most_running=1))
    client = Client(admission)
    leave = client.ask(ANN)
    await client.settle()
    entered = admission.place(BOB)
    waiting = asyncio.ensure_future(entered.__aenter__())
    await client.settle()
    # It is given as the other one leaves, and taken when the loop turns next.
    leave.set()
    asyncio.get_running_loop().call_soon(waiting.cancel)
    await asyncio.gather(waiting, return_exceptions=True)
    assert admission.places == {}


@pytest.mark.asyncio
async def test_tokens_come_back_by_the_minute():
    clock = Clock()
    admission = Admission(Limits(tokens_per_minute=600), clock)
    async with admission.place(ANN):
        admission.spend(ANN, 900)
    with pytest.raises(ApiError, match="used the tokens of this minute") as refused:
        async with admission.place(ANN):
            pass
    assert refused.value.headers["Retry-After"] == "31"
    async with admission.place(BOB):
        pass
    clock.now += 31
    async with admission.place(ANN):
        pass


@pytest.mark.asyncio
async def test_a_key_may_have_other_limits():
    admission = Admission(Limits(most_running_of_user=1), Clock())
    rich = User("rich", most_running=2, tokens_per_minute=60)
    async with admission.place(rich), admission.place(rich):
        admission.spend(rich, 60)
        with pytest.raises(ApiError) as refused:
            async with admission.place(rich):
                pass
    assert refused.value.code == "tokens_per_minute"

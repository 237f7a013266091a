"""Jobs in order, and interruptions that reach the batch they are meant for and no other."""

from __future__ import annotations

import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pylot_ls.engine.inbox import Inbox
from pylot_ls.engine.types import GenerateRequest, Priority


def request(request_id, priority=Priority.KEYSTROKE):
    return GenerateRequest(str(request_id), (), max_tokens=1, priority=priority)


def ids(jobs):
    return [job.request.request_id for job in jobs]


@pytest.fixture
def flag():
    """The abort flag of a context: the last that the inbox said."""
    return [False]


@pytest.fixture
def inbox(flag):
    return Inbox(flag.append)


def test_jobs_come_out_in_the_order_they_went_in(inbox):
    for n in range(3):
        assert inbox.put(request(n))
    assert ids(inbox.take(wait=True)) == ["0", "1", "2"]
    assert inbox.take(wait=False) == []


def test_a_job_cancelled_before_it_is_taken_is_handed_out_as_cancelled(inbox, flag):
    inbox.put(request(1))
    inbox.cancel("1")
    assert inbox.take(wait=True)[0].cancelled
    assert flag[-1] is False


def test_who_wants_to_be_woken_is_woken_once(inbox):
    inbox.wake()
    assert inbox.take(wait=True, wakes=True) == []
    assert inbox.take(wait=True, timeout_s=0, wakes=True) == []
    inbox.put(request(1))
    (job,) = inbox.take(wait=True)
    inbox.cancel("1")
    assert inbox.take(wait=True, wakes=True) == []
    assert job.cancelled
    inbox.wake()
    inbox.put(request(2))
    assert ids(inbox.take(wait=True)) == ["2"]


def test_a_batch_is_interrupted_when_all_of_its_jobs_are_cancelled(inbox, flag):
    inbox.put(request(1))
    inbox.put(request(2))
    inbox.begin(inbox.take(wait=True))
    inbox.cancel("1")
    assert flag[-1] is False
    inbox.cancel("2")
    assert flag[-1] is True


def test_a_more_urgent_job_interrupts_a_batch_and_an_equal_one_does_not(inbox, flag):
    inbox.put(request(1, Priority.BACKGROUND))
    inbox.begin(inbox.take(wait=True))
    inbox.put(request(2, Priority.BACKGROUND))
    assert flag[-1] is False
    inbox.put(request(3, Priority.KEYSTROKE))
    assert flag[-1] is True


def test_a_batch_that_is_overtaken_before_it_begins_is_interrupted_at_once(inbox, flag):
    inbox.put(request(1, Priority.BACKGROUND))
    jobs = inbox.take(wait=True)
    inbox.put(request(2, Priority.INTERACTIVE))
    inbox.begin(jobs)
    assert flag[-1] is True


def test_a_cancelled_job_overtakes_nobody(inbox, flag):
    inbox.put(request(1, Priority.BACKGROUND))
    jobs = inbox.take(wait=True)
    inbox.put(request(2, Priority.KEYSTROKE))
    inbox.cancel("2")
    inbox.begin(jobs)
    assert flag[-1] is False


def test_an_interruption_does_not_hit_the_next_batch(inbox, flag):
    inbox.put(request(1))
    inbox.put(request(2))
    first, second = inbox.take(wait=True)
    inbox.begin([first])
    inbox.cancel("1")
    inbox.end()
    inbox.forget(first)
    inbox.begin([second])
    assert flag[-1] is False
    inbox.cancel("1")
    assert flag[-1] is False


def test_close_cancels_all_and_refuses_more(inbox, flag):
    inbox.put(request(1))
    running = inbox.take(wait=True)
    inbox.begin(running)
    inbox.put(request(2))
    inbox.close()
    assert running[0].cancelled
    assert flag[-1] is True
    assert not inbox.put(request(3))
    assert inbox.take(wait=True)[0].cancelled
    assert inbox.take(wait=True) == []
    assert inbox.closed


@pytest.mark.parametrize(
    "act", [lambda inbox: inbox.close(), lambda inbox: inbox.put(request(1))], ids=["close", "put"]
)
def test_a_waiting_worker_is_woken(inbox, act):
    worker = threading.Thread(target=inbox.take, kwargs={"wait": True})
    worker.start()
    act(inbox)
    worker.join(timeout=60)
    assert not worker.is_alive()


class AnyOrderOfCalls(RuleBasedStateMachine):
    """The flag says whether, since the batch in work began, it ought to have stopped at any time."""

    def __init__(self):
        super().__init__()
        self.flag = False
        self.inbox = Inbox(self.set_flag)
        self.ought_to_stop = False
        self.n_put = 0
        self.priority, self.cancelled = {}, set()
        self.waiting, self.taken, self.running = [], [], []

    def set_flag(self, stop):
        self.flag = stop

    def judge(self):
        if self.running:
            running = set(ids(self.running))
            highest = max(self.priority[name] for name in running)
            overtaken = any(self.priority[name] > highest for name in self.waiting if name not in self.cancelled)
            self.ought_to_stop |= overtaken or running <= self.cancelled

    @rule(priority=st.sampled_from(Priority))
    def put(self, priority):
        name = str(self.n_put)
        assert self.inbox.put(request(name, priority)) is not self.inbox.closed
        if not self.inbox.closed:
            self.waiting.append(name)
            self.priority[name] = priority
            self.n_put += 1
        self.judge()

    @precondition(lambda self: self.waiting or self.inbox.closed)
    @rule()
    def take_waiting(self):
        self.take(wait=True)

    @rule()
    def take_what_is_there(self):
        self.take(wait=False)

    def take(self, *, wait):
        jobs = self.inbox.take(wait=wait)
        assert ids(jobs) == self.waiting
        assert [job.cancelled for job in jobs] == [name in self.cancelled for name in self.waiting]
        self.taken += jobs
        self.waiting = []

    @precondition(lambda self: self.taken and not self.running)
    @rule(data=st.data())
    def begin(self, data):
        priority = data.draw(st.sampled_from([job.request.priority for job in self.taken]))
        self.running = [job for job in self.taken if job.request.priority == priority]
        self.inbox.begin(self.running)
        self.ought_to_stop = False
        self.judge()

    @precondition(lambda self: self.running)
    @rule(finished=st.booleans())
    def end(self, finished):
        self.inbox.end()
        for job in self.running if finished else ():
            self.inbox.forget(job)
            self.taken.remove(job)
        self.running = []

    @rule(back=st.integers(1, 6))
    def cancel(self, back):
        name = str(self.n_put - back)
        self.inbox.cancel(name)
        if name in {*self.waiting, *ids(self.taken)}:
            self.cancelled.add(name)
        self.judge()

    @rule(name=st.sampled_from(["-1", "x"]))
    def cancel_unknown(self, name):
        self.inbox.cancel(name)

    @rule()
    def close(self):
        self.inbox.close()
        self.cancelled |= {*self.waiting, *ids(self.taken)}
        self.judge()

    @invariant()
    def the_flag_is_that_of_the_last_batch(self):
        assert self.flag is self.ought_to_stop

    @invariant()
    def those_cancelled_and_no_others_are_marked(self):
        assert {job.request.request_id for job in self.taken if job.cancelled} == self.cancelled & {*ids(self.taken)}


AnyOrderOfCalls.TestCase.settings = settings(max_examples=80, deadline=None)
TestAnyOrderOfCalls = AnyOrderOfCalls.TestCase

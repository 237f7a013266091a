"""Jobs in order, and interruptions that reach the job they are meant for and no other."""

import threading

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pylot_ls.engine.inbox import Inbox
from pylot_ls.engine.types import GenerateRequest


def request(request_id):
    return GenerateRequest(str(request_id), (), max_tokens=1)


@pytest.fixture
def flag():
    """The abort flag of a context: the last that the inbox said."""
    return []


@pytest.fixture
def inbox(flag):
    return Inbox(flag.append)


def test_jobs_come_out_in_the_order_they_went_in(inbox):
    for n in range(3):
        assert inbox.put(request(n))
    assert [inbox.take().request.request_id for _ in range(3)] == ["0", "1", "2"]


def test_a_cancelled_waiting_job_is_handed_out_as_cancelled_and_interrupted_only_then(inbox, flag):
    inbox.put(request(1))
    inbox.put(request(2))
    inbox.take()
    inbox.cancel("2")
    assert flag == [False]
    assert inbox.take().cancelled
    assert flag == [False, True]


def test_cancelling_the_running_job_interrupts_it(inbox, flag):
    inbox.put(request(1))
    job = inbox.take()
    inbox.cancel("1")
    assert job.cancelled
    assert flag[-1] is True


def test_cancelling_an_unknown_or_a_served_job_interrupts_nobody(inbox, flag):
    inbox.put(request(1))
    inbox.put(request(2))
    inbox.take()
    job = inbox.take()
    inbox.cancel("1")
    inbox.cancel("3")
    assert not job.cancelled
    assert flag[-1] is False


def test_a_late_interruption_does_not_hit_the_next_job(inbox, flag):
    inbox.put(request(1))
    inbox.put(request(2))
    inbox.take()
    inbox.cancel("1")
    assert not inbox.take().cancelled
    assert flag[-1] is False


def test_close_cancels_all_and_refuses_more(inbox, flag):
    inbox.put(request(1))
    inbox.put(request(2))
    running = inbox.take()
    inbox.close()
    assert running.cancelled
    assert flag[-1] is True
    assert not inbox.put(request(3))
    assert inbox.take().cancelled
    assert inbox.take() is None
    assert inbox.closed


def test_close_wakes_a_waiting_worker(inbox):
    worker = threading.Thread(target=inbox.take)
    worker.start()
    inbox.close()
    worker.join(timeout=60)
    assert not worker.is_alive()


def test_put_wakes_a_waiting_worker(inbox):
    taken = []
    worker = threading.Thread(target=lambda: taken.append(inbox.take()))
    worker.start()
    inbox.put(request(1))
    worker.join(timeout=60)
    assert [job.request.request_id for job in taken] == ["1"]


class AnyOrderOfCalls(RuleBasedStateMachine):
    """The flag says at all times whether the job in work is cancelled."""

    def __init__(self):
        super().__init__()
        self.flag = False
        self.inbox = Inbox(self.set_flag)
        self.n_put = 0
        self.waiting, self.cancelled, self.running = [], set(), None

    def set_flag(self, stop):
        self.flag = stop

    @rule()
    def put(self):
        assert self.inbox.put(request(self.n_put)) is not self.inbox.closed
        if not self.inbox.closed:
            self.waiting.append(self.n_put)
        self.n_put += 1

    @precondition(lambda self: self.waiting or self.inbox.closed)
    @rule()
    def take(self):
        job = self.inbox.take()
        self.running = self.waiting.pop(0) if self.waiting else None
        if self.running is None:
            assert job is None
        else:
            assert job.request.request_id == str(self.running)
            assert job.cancelled is (self.running in self.cancelled)

    @rule(n=st.integers(0, 5))
    def cancel(self, n):
        self.inbox.cancel(str(n))
        if n in self.waiting or n == self.running:
            self.cancelled.add(n)

    @rule()
    def close(self):
        self.inbox.close()
        self.cancelled |= {*self.waiting, self.running}

    @invariant()
    def the_flag_is_that_of_the_running_job(self):
        if self.running is not None:
            assert self.flag is (self.running in self.cancelled)


TestAnyOrderOfCalls = AnyOrderOfCalls.TestCase

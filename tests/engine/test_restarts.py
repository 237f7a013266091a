"""A process that ends again and again is started again later and later."""

from __future__ import annotations

import signal

import pytest

from pylot_ls.engine.restarts import Restarts, how_it_ended


def test_the_first_time_at_once_then_later_each_time_up_to_five_minutes():
    clock = [0.0]
    restarts = Restarts(lambda: clock[0])
    assert [restarts.ended() for _ in range(12)] == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert restarts.n_recent == 12
    clock[0] = 599.0
    assert restarts.ended() == 300
    clock[0] = 2000.0
    assert restarts.ended() == 0


@pytest.mark.parametrize(
    ("returncode", "words"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (-signal.SIGSEGV, "SIGSEGV"),
        (-signal.SIGKILL, "SIGKILL, as when memory runs out"),
        (-120, "signal 120"),
    ],
)
def test_an_end_is_told_in_words(returncode, words):
    assert how_it_ended(returncode) == words

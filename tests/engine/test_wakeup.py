"""An event loop is woken from another thread."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from pylot_ls.engine.wakeup import Wakeup


class LoopWithoutPipes:
    """As Windows' own loop, which watches no pipes."""

    def __init__(self, loop):
        self._loop = loop

    def add_reader(self, *_arguments):
        raise NotImplementedError

    def call_soon_threadsafe(self, callback):
        return self._loop.call_soon_threadsafe(callback)


@pytest.mark.asyncio
@pytest.mark.parametrize("watches", [True, False])
async def test_another_thread_has_the_callback_called_on_the_loops_thread(watches):
    loop = asyncio.get_running_loop()
    called = asyncio.Event()
    threads = []

    def callback():
        threads.append(threading.current_thread())
        called.set()

    wakeup = Wakeup(loop if watches else LoopWithoutPipes(loop), callback)
    waker = threading.Thread(target=wakeup.wake)
    waker.start()
    await called.wait()
    waker.join()
    wakeup.close()
    assert threads == [threading.current_thread()]


@pytest.mark.asyncio
async def test_who_wakes_more_often_than_the_pipe_holds_does_not_wait():
    called = asyncio.Event()
    wakeup = Wakeup(asyncio.get_running_loop(), called.set)
    for _ in range(200_000):
        wakeup.wake()
    await called.wait()
    wakeup.close()


@pytest.mark.asyncio
async def test_after_its_end_it_writes_to_no_file():
    wakeup = Wakeup(asyncio.get_running_loop(), lambda: None)
    wakeup.close()
    # They get the numbers that the pipe had.
    ends = os.pipe()
    wakeup.wake()
    os.set_blocking(ends[0], False)
    with pytest.raises(BlockingIOError):
        os.read(ends[0], 1)
    for end in ends:
        os.close(end)


@pytest.mark.asyncio
async def test_the_end_of_a_loop_is_no_error_for_who_wakes_it():
    loop = asyncio.new_event_loop()
    wakeup = Wakeup(LoopWithoutPipes(loop), lambda: None)
    loop.close()
    wakeup.wake()

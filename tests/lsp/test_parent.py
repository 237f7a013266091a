"""The watch over the parent process, with a clock that does not tick."""

from __future__ import annotations

import asyncio

import pytest

from pylot_ls.lsp.parent import can_be_watched, wait_for_death


class Table:
    """A process table that gives these answers, one a look."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)

    def is_alive(self, pid: int) -> bool:
        assert pid == 42
        return self.answers.pop(0)


def test_the_death_of_the_parent_is_noticed_at_the_next_look():
    table = Table(True, True, False, False)
    asyncio.run(wait_for_death(42, is_alive=table.is_alive, interval_s=0))
    assert table.answers == [False]


@pytest.mark.parametrize("alive", [True, False])
def test_only_a_parent_that_is_visible_can_be_watched(alive):
    assert can_be_watched(42, is_alive=Table(alive).is_alive) is alive


@pytest.mark.parametrize("pid", [0, -1])
def test_a_number_that_is_no_process_id_is_never_looked_up(pid):
    assert not can_be_watched(pid, is_alive=Table().is_alive)

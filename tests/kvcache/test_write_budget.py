from __future__ import annotations

import pytest

from pylot_ls.kvcache.write_budget import FILE_NAME, WriteBudget


def test_what_is_spent_is_known_to_the_next_process(tmp_path):
    WriteBudget(tmp_path, 100).spend(60)
    later = WriteBudget(tmp_path, 100)
    assert later.written_bytes() == 60
    assert later.has_room(40)
    assert not later.has_room(41)


def test_a_new_day_begins_at_nothing(tmp_path):
    day = 1
    budget = WriteBudget(tmp_path, 100, lambda: day)
    budget.spend(100)
    assert not budget.has_room(1)
    day = 2
    assert budget.written_bytes() == 0
    assert budget.has_room(100)


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff", b"1", b"1 2 3", b"one two", b"1 -5", b"1 " + b"9" * 50, b"x" * 1000, b"\xb2 \xb2"]
)
def test_a_file_that_says_nothing_counts_as_nothing_and_is_written_over(tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    budget = WriteBudget(tmp_path, 100, lambda: 1)
    assert budget.written_bytes() == 0
    budget.spend(7)
    assert budget.written_bytes() == 7


def test_a_link_in_its_place_is_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"1 99")
    folder = tmp_path / "kv"
    folder.mkdir()
    (folder / FILE_NAME).symlink_to(outside)
    budget = WriteBudget(folder, 100, lambda: 1)
    assert budget.written_bytes() == 0
    budget.spend(7)
    assert budget.written_bytes() == 7
    assert outside.read_bytes() == b"1 99"


def test_what_a_killed_process_left_does_not_matter(tmp_path):
    budget = WriteBudget(tmp_path, 100)
    (tmp_path / f"{FILE_NAME}.new").write_bytes(b"half")
    budget.spend(7)
    assert budget.written_bytes() == 7

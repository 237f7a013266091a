"""What an edit of a large text rebuilds, counted in chunks."""

import random

import pytest

from pylot_ls.text.chunk import MIN_CHARS
from pylot_ls.text.rope import Text


@pytest.mark.parametrize(
    "source", ["    return value  # and so on\n" * 100_000, "x" * 3_000_000], ids=["lines", "one line"]
)
def test_an_edit_rebuilds_a_bounded_number_of_chunks(source):
    text = Text.from_str(source)
    n_chunks = len(text._chunks)
    assert n_chunks > 300
    choose = random.Random(5)
    for _ in range(200):
        start = choose.randrange(len(text))
        end = min(len(text), start + choose.choice([0, 1, 30, 3000]))
        edited = text.replace(start, end, choose.choice(["", "x", "\r", "line\n" * 30]))
        kept = {id(part) for part in text._chunks} & {id(part) for part in edited._chunks}
        assert len(edited._chunks) - len(kept) <= 3
        assert n_chunks - len(kept) <= 4
        text, n_chunks = edited, len(edited._chunks)
    text.check_integrity()


def test_a_large_deletion_and_a_large_paste_keep_the_rest():
    text = Text.from_str("abcdefg\n" * 100_000)
    assert_shared_ends(text, text.replace(300_000, 500_000, "z"))
    assert_shared_ends(text, text.replace(400_000, 400_000, "\r\n" * 50_000))


def test_typing_in_one_place_does_not_fragment_the_text():
    text = Text.from_str("word " * 10_000)
    for place in range(20_000, 30_000):
        text = text.replace(place, place, "y")
    for _ in range(25_000):
        text = text.replace(15_000, 15_001, "")
    text.check_integrity()
    assert len(text._chunks) <= len(text) // MIN_CHARS + 1


def assert_shared_ends(text, edited):
    edited.check_integrity()
    assert edited._chunks[0] is text._chunks[0]
    assert edited._chunks[-1] is text._chunks[-1]

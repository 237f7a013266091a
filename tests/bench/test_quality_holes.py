"""Which parts of a file are typed: within bounds, spread, never the first line, the same for the same seed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.bench.holes import Hole, choose_holes
from pylot_ls.bundled import sample_path

SOURCES = st.lists(st.text("abc ():.é😀\t", max_size=250), max_size=40).map("\n".join)
SAMPLE = sample_path().read_text(encoding="utf-8")


def holes_of(source, n_holes=8, seed=0):
    return choose_holes(source, n_holes, random.Random(seed))


@given(SOURCES, st.integers(1, 8), st.integers(0, 5))
def test_a_hole_with_what_stands_around_it_is_the_file(source, n_holes, seed):
    holes = holes_of(source, n_holes, seed)
    assert len(holes) <= n_holes
    end = 0
    for hole in holes:
        assert hole.before + hole.text + hole.after == source
        assert hole.text.strip()
        assert "\n" in hole.before + hole.text[:1]
        assert len(hole.before) >= end
        end = len(hole.before + hole.text)


@given(SOURCES, st.integers(0, 5))
def test_a_hole_is_whole_lines_or_lies_within_one(source, seed):
    for hole in holes_of(source, seed=seed):
        if hole.text.startswith("\n"):
            lines = hole.text[1:].split("\n")
            assert len(lines) <= 6
            assert len(lines) == 1 or len(hole.text) <= 400
            assert hole.after[:1] in {"", "\n"}
            assert lines[0].strip()
            assert lines[-1].strip()
            assert max(map(len, lines)) <= 200
        else:
            assert "\n" not in hole.text
            assert 2 <= len(hole.text) <= 24
            assert hole.after[:1] not in {"", "\n"}


def test_both_kinds_are_chosen():
    holes = [hole for seed in range(20) for hole in holes_of(SAMPLE, seed=seed)]
    within = [hole for hole in holes if not hole.text.startswith("\n")]
    assert len(holes) == 160
    assert 0.2 < len(within) / len(holes) < 0.45


def test_the_same_seed_chooses_the_same():
    assert holes_of(SAMPLE, seed=3) == holes_of(SAMPLE, seed=3)
    assert holes_of(SAMPLE, seed=3) != holes_of(SAMPLE, seed=4)


@pytest.mark.parametrize("source", ["", "only one line", "\n\n  \n", "x\n" + "y" * 201])
def test_where_there_is_nothing_to_type_there_is_no_hole(source):
    assert holes_of(source) == ()


@pytest.mark.parametrize(("before", "cursor"), [("x = ", (0, 4)), ("a\nbc", (1, 2)), ("a\n", (1, 0))])
def test_the_typing_begins_behind_what_stands_before(before, cursor):
    assert Hole(before, "\nhole", "").cursor == cursor

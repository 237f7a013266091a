import random
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.syntax import parsing
from pylot_ls.syntax.grammars import grammar
from pylot_ls.syntax.parsing import MAX_BYTES, parse
from pylot_ls.syntax.pieces import Pieces

PYTHON = grammar("python")


@pytest.mark.parametrize(
    ("text", "n_errors"),
    [
        ("x = 1\n", 0),
        ("", 0),
        ("x = (\n", 1),
        ("def f():\n", 0),
        ("x = = 1\ny = = 1\n", 2),
        ("if x\n    y\n", 1),
        ("x = y z\n", 1),
    ],
)
def test_errors_are_counted(text, n_errors):
    assert parse(PYTHON, text.encode()).n_errors() == n_errors


def test_a_missing_token_counts_as_an_error():
    assert parse(grammar("javascript"), b"function f() {").n_errors() == 1


def test_too_long_a_text_is_not_parsed():
    assert parse(PYTHON, b"\n" * MAX_BYTES) is not None
    assert parse(PYTHON, b"\n" * (MAX_BYTES + 1)) is None


def test_a_parse_that_takes_too_long_is_given_up_and_the_next_one_begins_anew(monkeypatch):
    noise = bytes(random.Random(1).choices(b"(){}[]:,.=+-*/\"'abc \n", k=2_000))
    monkeypatch.setattr(parsing, "MAX_PARSING_S", 60)
    assert parse(PYTHON, noise) is not None
    monkeypatch.setattr(parsing, "MAX_PARSING_S", -1)
    assert parse(PYTHON, noise) is None
    monkeypatch.setattr(parsing, "MAX_PARSING_S", 60)
    assert parse(PYTHON, b"x = 1\n").n_errors() == 0


@pytest.mark.parametrize("text", ["(" * 20_000, "[" * 10_000 + "]" * 10_000, "not " * 10_000 + "x", "-" * 20_000])
def test_deep_nesting_is_no_code(text):
    parsed = parse(PYTHON, text.encode())
    if parsed is not None:
        parsed.n_errors()
        assert len(parsed.path_to(len(text) // 2)) <= 500


def test_leaves_are_the_tokens_of_a_range():
    parsed = parse(PYTHON, b"foo(a, 'b')\nx = 1\n")
    assert [leaf.text for leaf in parsed.leaves(3, 8)] == [b"(", b"a", b",", b"'"]
    assert [leaf.text for leaf in parsed.leaves(4, 4)] == []


lines = st.lists(
    st.sampled_from(
        ["def f():", "    x = [1,", "    y]", "class A:", "    '''text", "foo(", ")", "", "é = 'ж'", "\t# 😀"]
    )
).map("\n".join)


@given(lines, lines, st.text("(]'\"a \n:é", max_size=6), lines)
def test_a_text_parsed_from_another_one_is_as_if_parsed_alone(before, after, inserted, other):
    first = parse(PYTHON, (before + after).encode())
    for text in (before + inserted + after, other):
        alone, after_first = parse(PYTHON, text.encode()), parse(PYTHON, text.encode(), first)
        assert after_first.source == text.encode()
        assert (alone.n_errors() == 0) == (after_first.n_errors() == 0)
        if alone.n_errors() == 0:
            assert str(after_first.tree.root_node) == str(alone.tree.root_node)


@pytest.mark.parametrize("patience_s", [60, -1], ids=["in time", "late"])
def test_nothing_of_a_text_stays_in_memory_behind_its_parse(monkeypatch, patience_s):
    monkeypatch.setattr(parsing, "MAX_PARSING_S", patience_s)
    source = b"value = compute(item)\n" * 1_000
    before = parse(PYTHON, source)
    tracemalloc.start()
    try:
        for n in range(50):
            parse(PYTHON, b"x = %d\n" % n + source, before)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < len(source)


def test_pieces_that_somebody_else_has_are_left_to_him():
    """As with a tree-sitter that keeps no reference."""
    pieces = Pieces(b"x = 1\n")
    mine = [pieces.read(0, (0, 0))] * 2
    n_before = sys.getrefcount(mine[0])
    assert pieces.read(6, (1, 0)) == b""
    pieces.release()
    n_after = sys.getrefcount(mine[0])
    assert n_after == n_before - 1

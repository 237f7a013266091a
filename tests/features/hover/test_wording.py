"""Of what a model says whole sentences of prose are shown, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features.hover.stated import first_paragraph
from pylot_ls.features.hover.wording import is_enough, prose, sentence_ends


@pytest.mark.parametrize(
    ("received", "is_over", "shown"),
    [
        ("Adds two numbers. They may be", False, "Adds two numbers."),
        ("Adds two numbers. They may be", True, "Adds two numbers. They may be"),
        ("Adds two numbers", False, ""),
        ("Adds two numbers", True, "Adds two numbers"),
        ("One is here. Two is here. Three is here. Four is here. ", False, "One is here. Two is here. Three is here."),
        ("Takes a file, e.g. a log. It", False, "Takes a file, e.g. a log."),
        ("Reads a.b and\n    writes it. ", False, "Reads a.b and writes it."),
        ("Складывает два числа. И ещё", False, "Складывает два числа."),
        ("将两个数字相加。然后返回", False, "将两个数字相加。"),
        ("Adds numbers.\n\nArgs:\n    a: one", False, "Adds numbers."),
        ("Adds numbers.\n    :param a: one", False, "Adds numbers."),
        ("Adds numbers. ```python\nx\n```", False, "Adds numbers."),
        ("Adds numbers.<|endoftext|>import os", True, "Adds numbers."),
        ("It adds. It adds. It adds. ", False, "It adds."),
        ("It adds up. It adds up. It stops.", True, "It adds up."),
    ],
)
def test_whole_sentences_are_shown_three_at_most(received, is_over, shown):
    assert prose(received, is_over=is_over) == shown


@pytest.mark.parametrize(
    "received",
    [
        "",
        "   \n",
        "<|fim_middle|>",
        "return self.x + self.y",
        "def f(a):\n    return a.",
        "x = [1, 2, 3]",
        "{ a: 1 };",
        "the number of the number of the number of the number of the number of the number of the number of",
        "word " * 300,
        "1. 2. 3.",
        "\ufffd\ufffd",
    ],
)
def test_what_is_no_prose_is_not_shown(received):
    assert not prose(received, is_over=True)


@pytest.mark.parametrize(
    ("received", "is_told"),
    [
        ("One is. Two is. Three is.", True),
        ("One is. Two is.", False),
        ("One is.\n\nArgs:", True),
        ("\n\n", False),
        ("ab" * 40, True),
        ("Adds", False),
    ],
)
def test_a_model_is_stopped_when_it_has_said_enough(received, is_told):
    assert is_enough(received) == is_told


@given(received=st.text(st.characters(exclude_categories=()), max_size=200), is_over=st.booleans())
def test_whatever_a_model_writes_what_is_shown_is_one_line_without_special_tokens(received, is_over):
    shown = prose(received, is_over=is_over)
    assert "\n" not in shown
    assert "<|" not in shown or "|>" not in shown
    assert shown == shown.strip()
    assert len(sentence_ends(shown, is_over=True)) <= 3


@pytest.mark.parametrize(
    ("comment", "paragraph"),
    [
        ('"""Adds two.\n\n    More."""', "Adds two."),
        ("r'''Adds\n    two.\n    '''", "Adds two."),
        ("'Adds two.'", "Adds two."),
        ('"""\n    Adds two.\n\n    Args:\n        a: one\n    """', "Adds two."),
        ('"""Adds two.\n    :param a: one\n    """', "Adds two."),
        ("/** Adds two. */", "Adds two."),
        ("/**\n * Adds\n * two.\n *\n * @param a one\n */", "Adds two."),
        ("/**\n * Adds two.\n * @param a one\n */", "Adds two."),
        ("/// Adds\n/// two.\n///\n/// # Panics", "Adds two."),
        ("// Adds\n// two.", "Adds two."),
        ("# Adds\n    # two.", "Adds two."),
        ("/* Adds two. */", "Adds two."),
        ('"""Multiplies a * b."""', "Multiplies a * b."),
        ('""""""', ""),
    ],
)
def test_the_first_paragraph_of_documentation_in_each_form(comment, paragraph):
    assert first_paragraph(comment) == paragraph

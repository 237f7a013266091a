"""A fresh anchor stands some lines above the cursor: its middle begins with them."""

from __future__ import annotations

import pytest

from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL
from pylot_ls.prompts.layout import FimOptions
from pylot_ls.prompts.plan import make_plan
from pylot_ls.text.rope import Text


def texts(marked, **options):
    """Prefix, suffix and middle of the prompt at the cursor."""
    before, after = marked.split("|")
    plan = make_plan(Text.from_str(before + after), len(before), SCRIPTED_MODEL, FimOptions(**options), 64)
    return [segment.text for segment in plan.prompt if hasattr(segment, "text")]


@pytest.mark.parametrize(
    ("marked", "prefix", "middle"),
    [
        ("a\nb\nc\nd\ne\nf|", "a\nb\n", "c\nd\ne\nf"),
        ("a\nb|", "", "a\nb"),
        ("|", "", ""),
        ("a\nb\nc\nd\ne\n|", "a\nb\n", "c\nd\ne\n"),
    ],
)
def test_three_lines_above_the_cursor_begin_the_middle(marked, prefix, middle):
    assert texts(marked + "\nrest") == [prefix, "\nrest", middle]


def test_lines_too_long_for_a_middle_stay_in_the_prefix():
    long = "x" * 500
    assert texts(f"a\n{long}\nb\nc|") == [f"a\n{long}\n", "", "b\nc"]


def test_the_plain_prompt_has_no_middle():
    assert texts("a\nb\nc|\nd", anchored=False) == ["a\nb\nc", "\nd", ""]


def test_typing_on_keeps_the_anchor():
    text = Text.from_str("a\nb\nc\nd\ne\nrest\n")
    first = make_plan(text, 9, SCRIPTED_MODEL, FimOptions(), 64)
    longer = make_plan(text.replace(9, 9, "xy"), 11, SCRIPTED_MODEL, FimOptions(), 64, first.anchor)
    assert longer.prompt[:-1] == first.prompt[:-1]
    assert longer.prompt[-1].text == first.prompt[-1].text + "xy"

"""Smaller prompts for the same place."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine.prompt_types import FimOrder, Marker, TextSegment
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL
from pylot_ls.prompts.anchor import Anchor
from pylot_ls.prompts.fallbacks import fallbacks
from pylot_ls.prompts.layout import FimOptions, Layout
from pylot_ls.prompts.plan import make_plan
from pylot_ls.text.rope import Text

BEFORE = "import os\n\n" + "".join(f"value_{n} = compute(value_{n - 1}, {n})\n" for n in range(600))
AFTER = "\n\n" + "".join(f"print(value_{n})\n" for n in range(600))


def make(typed, order=FimOrder.PSM, before=BEFORE, after=AFTER):
    text = Text.from_str(before + typed + after)
    layout = Layout.of(SCRIPTED_MODEL, FimOptions(order), 64)
    cursor = len(before + typed)
    anchor = Anchor.at(text, len(before), cursor, layout)
    return anchor, (anchor.prompt_for(text, cursor), *fallbacks(anchor, text, cursor))


def texts(prompt):
    return [segment.text for segment in prompt if isinstance(segment, TextSegment)]


def n_most(prompt):
    return sum(segment.max_tokens for segment in prompt[:-1] if isinstance(segment, TextSegment))


def test_the_first_ones_keep_the_whole_prefix_and_less_of_the_suffix():
    _, (whole, *smaller) = make("x = ")
    *around, suffix, _ = texts(whole)
    for prompt in smaller[:2]:
        *same, less, _ = texts(prompt)
        assert same == around
        assert suffix.startswith(less)
    assert len(texts(smaller[1])[-2]) < len(texts(smaller[0])[-2]) < len(suffix)


@pytest.mark.parametrize("order", FimOrder)
def test_each_of_the_others_is_half_of_the_one_before(order):
    _, (whole, _, _, *smaller) = make("x = ", order)
    sizes = [n_most(whole), *map(n_most, smaller)]
    assert len(smaller) == 7
    for larger, size in itertools.pairwise(sizes):
        assert size == pytest.approx(larger / 2, abs=2)
    assert sizes[-1] < 40


@pytest.mark.parametrize("order", FimOrder)
def test_what_is_typed_is_in_each_of_them_and_the_markers_too(order):
    _, prompts = make("x = ", order)
    for prompt in prompts:
        assert texts(prompt)[-1] == "x = "
        assert [segment.marker for segment in prompt if not isinstance(segment, TextSegment)] == [
            Marker.BOS,
            *(Marker.FIM_PREFIX, Marker.FIM_SUFFIX)[:: 1 if order is FimOrder.PSM else -1],
            Marker.FIM_MIDDLE,
        ]


def test_a_smaller_prefix_begins_with_a_line():
    _, (_, _, _, *smaller) = make("x = ")
    for prompt in smaller:
        assert BEFORE.endswith(texts(prompt)[0])
        assert texts(prompt)[0].startswith("value_")


def test_a_keystroke_appends_to_each_of_them():
    text = Text.from_str(BEFORE + AFTER)
    first = make_plan(text, len(BEFORE), SCRIPTED_MODEL, FimOptions(), 64)
    text = text.replace(len(BEFORE), len(BEFORE), "x")
    then = make_plan(text, len(BEFORE) + 1, SCRIPTED_MODEL, FimOptions(), 64, first.anchor)
    assert [prompt[:-1] for prompt in then.fallbacks] == [prompt[:-1] for prompt in first.fallbacks] != []


def test_a_prompt_that_is_not_anchored_has_none():
    plan = make_plan(Text.from_str(BEFORE + AFTER), len(BEFORE), SCRIPTED_MODEL, FimOptions(anchored=False), 64)
    assert plan.fallbacks == ()


SOURCES = st.text(st.sampled_from("ab \n\r\u0436\U0001f600"), max_size=400)


@given(SOURCES, st.text("ab\n", max_size=9), SOURCES, st.integers(300, 2000))
def test_whatever_the_text_is_they_hold_what_is_nearest(before, typed, after, n_ctx):
    layout = Layout.of(replace(SCRIPTED_MODEL, n_ctx=n_ctx), FimOptions(), 64)
    text = Text.from_str(before + typed + after)
    cursor = len(before + typed)
    anchor = Anchor.at(text, len(before), cursor, layout)
    whole = "".join(texts(anchor.prompt_for(text, cursor))[:-2])
    for prompt in fallbacks(anchor, text, cursor):
        *prefix, suffix, _ = texts(prompt)
        assert whole.endswith("".join(prefix))
        assert texts(anchor.prompt_for(text, cursor))[-2].startswith(suffix.removesuffix("\n"))

"""Facts about every plan, whatever is edited: the prompt is true near the cursor, and it fits."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylot_ls.engine.prompt_types import FimOrder, Marker, MarkerSegment
from pylot_ls.engine.rendering import PromptRenderer
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL
from pylot_ls.prompts.anchor import Anchor
from pylot_ls.prompts.fim import FimOptions, fim_prompt
from pylot_ls.prompts.layout import Layout
from pylot_ls.prompts.plan import make_plan
from pylot_ls.prompts.window import with_line_feeds
from pylot_ls.text.rope import Text

MAX_TOKENS = 16
N_CTX = 320  # small, so that every limit is met

# Few different lines, so that what is frozen is found in wrong places too.
LINES = st.sampled_from(
    [
        "",
        "",
        "x = 1",
        "    f(x)",
        "}",
        "import a",
        "from b import (",
        "    c)",
        '"""',
        "# é😀",
        "'\ud800",
        "漢" * 40,
        "y" * 90,
    ],
)
documents = st.builds(str.join, st.sampled_from(["\n", "\n", "\r\n", "\r"]), st.lists(LINES, max_size=120))
snippets = st.text("ab (){}'\"\n\r\té😀\ud800", max_size=12) | st.sampled_from(
    ["\n    ", "x = 1\n", "\r\n", "z" * 70, "漢" * 30]
)
places = st.floats(0, 1)


@dataclass
class Type:
    typed: str
    closed: str = ""

    def apply(self, text, cursor):
        new = text.replace(cursor, cursor, self.typed + self.closed)
        return new, cursor + len(self.typed)


@dataclass
class Backspace:
    n: int

    def apply(self, text, cursor):
        start = max(0, cursor - self.n)
        return text.replace(start, cursor, ""), start


@dataclass
class Jump:
    where: float

    def apply(self, text, _cursor):
        return text, round(self.where * len(text))


@dataclass
class Step:
    n: int

    def apply(self, text, cursor):
        return text, min(len(text), max(0, cursor + self.n))


@dataclass
class Edit:
    """Somewhere else; the cursor stays with its text."""

    where: float
    n: int
    new: str

    def apply(self, text, cursor):
        start = round(self.where * len(text))
        end = min(len(text), start + self.n)
        moved = cursor if cursor <= start else max(start, cursor - (end - start)) + len(self.new)
        return text.replace(start, end, self.new), moved


near = st.integers(-4, 30)
actions = st.one_of(
    st.builds(Type, snippets),
    st.builds(Type, snippets, st.sampled_from([")", "}", "'", '"""', "\n}", "\r\n  ]"])),
    st.builds(Backspace, st.integers(1, 9)),
    st.builds(Jump, places),
    st.builds(Step, near),
    st.builds(Edit, places, st.integers(0, 40), snippets),
)


def parts(prompt):
    """The head (None where it is not apart), prefix, suffix and middle of a prompt of either order."""
    by_marker, marker = {}, None
    for segment in prompt:
        if isinstance(segment, MarkerSegment):
            marker = segment.marker
            by_marker[marker] = []
        else:
            by_marker[marker].append(segment.text)
    *head, prefix = by_marker[Marker.FIM_PREFIX]
    (suffix,), (middle,) = by_marker[Marker.FIM_SUFFIX], by_marker[Marker.FIM_MIDDLE]
    return head[0] if head else None, prefix, suffix, middle


def last_lines(text):
    lines = text.split("\n")
    return "\n".join(lines[-40:])


def lines_at(suffix):
    """The first two lines of a suffix, brackets and quotes that may have been closed aside."""
    return [line for line in suffix.lstrip(")]}>\"'` \t\n").split("\n") if line.strip()][:2]


def outside_terminator(text, cursor):
    return cursor - 1 if text.slice(cursor - 1, cursor + 1) == "\r\n" else cursor


def check_truth(text, cursor, plan):
    head, prefix, suffix, middle = parts(plan.prompt)
    document = str(text)
    before, after = with_line_feeds(document[:cursor]), with_line_feeds(document[cursor:])
    assert before.endswith(last_lines(prefix + middle))
    if head is not None and not plan.anchor.has_gap and plan.successor is None:
        assert before.endswith(last_lines(head + prefix + middle))
    for frozen, now in zip(lines_at(suffix), lines_at(after), strict=False):
        # A line longer than the window is cut where that ends.
        assert frozen.startswith(now[:40]) or now.startswith(frozen[:40])
    assert with_line_feeds(document[plan.anchor.offset : cursor]) == middle


@pytest.fixture(scope="module")
def renderer(bundled):
    bundled.state()  # it is loaded from here on
    model = bundled.backend._loaded.model
    # As if it had a BOS, too.
    return PromptRenderer(model.tokenize, {**model.markers(), Marker.BOS: 0})


@settings(max_examples=300)
@given(
    documents,
    places,
    st.lists(st.tuples(actions, st.booleans()), max_size=25),
    st.tuples(
        st.builds(FimOptions, order=st.sampled_from(FimOrder), prefix_share=st.sampled_from([0.4, 0.7])),
        st.sampled_from([N_CTX, 2048]),
    ),
)
def test_whatever_is_edited_the_prompt_is_true_near_the_cursor_and_fits(renderer, content, where, steps, limits):
    options, n_ctx = limits
    text = Text.from_str(content)
    cursor = outside_terminator(text, round(where * len(text)))
    info = replace(SCRIPTED_MODEL, n_ctx=n_ctx)
    plan = make_plan(text, cursor, info, options, MAX_TOKENS)
    for action, swaps in steps:
        current = plan.successor if swaps and plan.successor else plan.anchor
        text, cursor = action.apply(text, cursor)
        cursor = outside_terminator(text, cursor)
        previous, plan = plan, make_plan(text, cursor, info, options, MAX_TOKENS, current)
        check_truth(text, cursor, plan)
        assert len(renderer.render(plan.prompt)) + MAX_TOKENS <= n_ctx
        if plan.anchor == previous.anchor:
            assert plan.prompt[:-1] == previous.prompt[:-1]
        if plan.successor is not None:
            fresh = make_plan(text, cursor, info, options, MAX_TOKENS)
            assert fresh.prompt == fim_prompt(text, cursor, info, options, MAX_TOKENS) == plan.prepare
            assert fresh.anchor == plan.successor != plan.anchor
            # Once it has taken over, there is nothing left to prepare.
            settled = make_plan(text, cursor, info, options, MAX_TOKENS, plan.successor)
            assert settled == fresh


@given(
    st.lists(LINES, max_size=100),
    places,
    st.lists(st.sampled_from(["\b", "\n", "a", "x = 1\n", "(", "    ", "w" * 50]), max_size=60),
    st.sampled_from(FimOrder),
)
def test_in_the_hole_only_the_last_segment_changes_until_the_bounds(lines, where, keys, order):
    text = Text.from_str("\n".join(lines))
    start = cursor = text.line_start(round(where * (text.n_lines - 1)))
    options, info = FimOptions(order), SCRIPTED_MODEL
    layout = Layout.of(info, options, MAX_TOKENS)
    first = make_plan(text, cursor, info, options, MAX_TOKENS)
    anchor, typed = first.anchor, ""
    for key in keys:
        previous, typed = typed, typed[:-1] if key == "\b" else typed + key
        text = text.replace(start, start + len(previous), typed)
        cursor = start + len(typed)
        plan = make_plan(text, cursor, info, options, MAX_TOKENS, anchor)
        if len(typed) > layout.typed_characters:
            assert plan.anchor != anchor
            return
        assert plan.anchor is anchor
        assert plan.prompt == (*first.prompt[:-1], replace(first.prompt[-1], text=typed))
        is_long = len(typed) > layout.long_characters or typed.count("\n") >= 20
        fresh = make_plan(text, cursor, info, options, MAX_TOKENS)
        assert plan.successor == (fresh.anchor if is_long and fresh.anchor != anchor else None)


@given(documents, places, places)
def test_a_fresh_anchor_is_found_where_it_was_made_and_nowhere_before(content, where, back):
    text = Text.from_str(content)
    cursor = outside_terminator(text, round(where * len(text)))
    layout = Layout.of(replace(SCRIPTED_MODEL, n_ctx=N_CTX), FimOptions(), MAX_TOKENS)
    anchor = Anchor.at(text, cursor, cursor, layout)
    assert anchor.find(text, cursor) == cursor
    found = anchor.find(text, round(back * cursor))
    assert found is None or found <= round(back * cursor)

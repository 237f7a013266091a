"""Plans of a person's keystrokes: when an anchor is kept, when it is replaced, and what is prepared for later."""

from dataclasses import replace

import pytest

from pylot_ls.engine.prompt_types import FimOrder, TextSegment
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL
from pylot_ls.prompts.fim import FimOptions, fim_prompt
from pylot_ls.prompts.layout import Layout
from pylot_ls.prompts.plan import make_plan
from pylot_ls.text.rope import Text

OPTIONS = FimOptions()
HEAD = "import os\nimport sys\n"
BEFORE = HEAD + "\n" + "".join(f"value_{n} = compute(value_{n - 1}, {n})\n" for n in range(200))
AFTER = "\n\n" + "".join(f"print(value_{n})\n" for n in range(100))
LAYOUT = Layout.of(SCRIPTED_MODEL, OPTIONS, 64)


class Editor:
    """A document with a cursor, and the anchor its last plan stood on; ``|`` in the content is the cursor."""

    def __init__(self, content, options=OPTIONS, n_ctx=SCRIPTED_MODEL.n_ctx):
        before, after = content.split("|")
        self.model = replace(SCRIPTED_MODEL, n_ctx=n_ctx)
        self.text, self.cursor, self.options = Text.from_str(before + after), len(before), options
        self.plan = self.ask(None)

    def ask(self, current):
        return make_plan(self.text, self.cursor, self.model, self.options, 64, current)

    def edit(self, start, end, new, cursor):
        self.text, self.cursor = self.text.replace(start, end, new), cursor
        before, self.plan = self.plan, self.ask(self.plan.anchor)
        return before, self.plan

    def type(self, typed, closed=""):
        return self.edit(self.cursor, self.cursor, typed + closed, self.cursor + len(typed))

    def backspace(self, n=1):
        return self.edit(self.cursor - n, self.cursor, "", self.cursor - n)

    def move(self, n):
        return self.edit(0, 0, "", self.cursor + n)

    def edit_above(self, old, new):
        start = str(self.text).index(old)
        return self.edit(start, start + len(old), new, self.cursor + len(new) - len(old))

    def edit_below(self, old, new):
        start = str(self.text).rindex(old)
        return self.edit(start, start + len(old), new, self.cursor)


def is_kept(step):
    before, after = step
    kept = after.anchor == before.anchor
    assert not kept or after.prompt[:-1] == before.prompt[:-1]
    return kept


def middle(plan):
    return plan.prompt[-1].text


@pytest.fixture(params=FimOrder)
def editor(request):
    return Editor(BEFORE + "|" + AFTER, FimOptions(request.param))


def test_return_keeps_the_anchor_and_the_middle_grows_over_lines(editor):
    for typed in ("if value_1:", "\n    ", "pass", "\n", "el"):
        assert is_kept(editor.type(typed))
        assert editor.plan.successor is None
    assert middle(editor.plan) == "if value_1:\n    pass\nel"


def test_backspace_shortens_the_middle_down_to_the_anchor_and_not_further(editor):
    editor.type("a\nb")
    for left in ("a\n", "a", ""):
        assert is_kept(editor.backspace())
        assert middle(editor.plan) == left
    assert not is_kept(editor.backspace())


def test_a_bracket_that_the_editor_closes_keeps_the_anchor_and_wants_no_successor(editor):
    for typed, closed in (("f(", ")"), ("{", "}"), ('"', '"'), ("x", "")):
        assert is_kept(editor.type(typed, closed))
        assert editor.plan.successor is None


def test_return_between_closed_brackets_keeps_the_anchor_too(editor):
    assert is_kept(editor.type("x = {", "}"))
    assert is_kept(editor.type("\n    ", "\n"))
    assert is_kept(editor.type("a"))
    assert editor.plan.successor is None


def test_typing_over_a_frozen_bracket_keeps_the_anchor_for_now():
    editor = Editor(BEFORE + "print(x|)" + AFTER)
    assert is_kept(editor.edit(0, 0, "", editor.cursor + 1))
    assert editor.plan.successor == editor.ask(None).anchor


@pytest.mark.parametrize(
    "n", [-3, 3, 40, -5000, 1000], ids=["back in the hole", "below", "suffix", "above", "far below"]
)
def test_a_cursor_that_leaves_the_hole_gets_a_new_anchor_at_once(editor, n):
    editor.type("value = 12")
    assert not is_kept(editor.move(n))
    assert editor.plan == editor.ask(None)


def test_joining_the_next_line_gets_a_new_anchor(editor):
    assert not is_kept(editor.edit(editor.cursor, editor.cursor + 2, "", editor.cursor))


def test_other_limits_or_another_order_get_a_new_anchor(editor):
    anchor = editor.plan.anchor
    for options, max_tokens in ((replace(OPTIONS, prefix_share=0.5), 64), (editor.options, 32)):
        plan = make_plan(editor.text, editor.cursor, SCRIPTED_MODEL, options, max_tokens, anchor)
        assert plan.anchor != anchor


def test_not_anchored_the_prompt_is_plain_and_nothing_is_kept_or_prepared():
    editor = Editor(BEFORE + "ab|" + AFTER, FimOptions(anchored=False))
    assert middle(editor.plan) == ""
    assert not is_kept(editor.type("c"))
    assert editor.plan.successor is None
    assert editor.plan.prompt == fim_prompt(editor.text, editor.cursor, SCRIPTED_MODEL, editor.options, 64)


def test_past_the_soft_bound_a_successor_is_prepared_and_past_the_hard_one_it_is_due(editor):
    line = "value = compute(value, 1)\n"
    n_long = LAYOUT.long_characters // len(line)
    for n in range(1, n_long + 1):
        assert is_kept(editor.type(line))
        assert (editor.plan.successor is not None) == (n >= 20)
    editor = Editor(BEFORE + "|" + AFTER, editor.options)
    lines = "x" * (LAYOUT.long_characters - 1) + "\n"
    assert is_kept(editor.type(lines))
    assert editor.plan.successor is None
    assert is_kept(editor.type("y"))
    assert editor.plan.successor == editor.ask(None).anchor
    assert editor.plan.prepare == editor.ask(None).prompt
    assert editor.plan.successor.prompt_for(editor.text, editor.cursor) == editor.plan.prepare
    assert is_kept(editor.type("z" * (LAYOUT.typed_characters - LAYOUT.long_characters - 1)))
    assert not is_kept(editor.type("!"))


def test_a_successor_stays_the_same_while_its_line_is_typed_and_then_serves(editor):
    editor.type("x\n" * 20)
    successors = set()
    for character in "value":
        editor.type(character)
        successors.add(editor.plan.successor)
    (successor,) = successors
    plan = editor.ask(successor)
    assert plan.anchor is successor
    assert plan.prompt == editor.plan.prepare
    assert plan.successor is None


def test_nothing_is_prepared_where_a_fresh_anchor_would_be_the_same(editor):
    assert is_kept(editor.type("漢" * 120))
    assert LAYOUT.is_long(middle(editor.plan))
    assert editor.plan.successor is None


def test_an_edit_above_moves_the_anchor_without_changing_its_prompt(editor):
    editor.type("a\nb")
    offset = editor.plan.anchor.offset
    assert is_kept(editor.edit_above("value_3 = ", "import third\nvalue_3 = "))
    assert editor.plan.anchor.offset == offset + len("import third\n")
    assert is_kept(editor.type("c"))
    assert middle(editor.plan) == "a\nbc"


def test_a_change_in_the_nearest_forty_lines_above_gets_a_new_anchor(editor):
    assert is_kept(editor.edit_above("value_159 = ", "value = "))
    assert not is_kept(editor.edit_above("value_160 = ", "value = "))


def test_small_changes_far_above_wait_and_large_ones_want_a_successor(editor):
    assert is_kept(editor.edit_above("value_100 = ", "value = "))
    assert editor.plan.successor is None
    for n in range(101, 130):
        assert is_kept(editor.edit_above(f"value_{n} = ", "value = "))
    assert editor.plan.successor == editor.ask(None).anchor


def test_changes_far_below_want_a_successor_and_near_ones_a_new_anchor(editor):
    assert is_kept(editor.edit_below("print(value_90)", "print(other)"))
    assert editor.plan.successor == editor.ask(None).anchor
    assert not is_kept(editor.edit_below("print(value_2)", "print(other)"))


def test_in_a_small_file_every_change_above_gets_a_new_anchor():
    editor = Editor("a = 1\nb = 2\n|\n")
    assert not is_kept(editor.edit_above("a = 1", "a = 3"))
    assert not is_kept(editor.edit_above("a = 3", "import z\na = 3"))


def test_the_files_head_stays_in_before_a_prefix_that_begins_further_down():
    *_, head, prefix = Editor(BEFORE * 20 + "|" + AFTER).plan.prompt[:4]
    assert head == TextSegment(HEAD + "\n", LAYOUT.n_head, keep=head.keep)
    assert not prefix.text.startswith(HEAD)
    assert head.max_tokens + prefix.max_tokens == LAYOUT.n_prefix


def test_the_head_follows_without_a_gap_where_the_window_begins_with_it():
    editor = Editor(BEFORE + "|" + AFTER)
    *_, head, prefix = editor.plan.prompt[:4]
    assert head.text + prefix.text == BEFORE
    assert head.text == HEAD


def test_a_head_that_is_among_the_forty_lines_gets_a_new_anchor_when_it_changes():
    editor = Editor(HEAD + "value = compute(value, 1)\n" * 20 + "|\n", n_ctx=320)
    assert editor.plan.anchor.head == HEAD
    assert is_kept(editor.type("a\n"))
    assert not is_kept(editor.edit_above("import sys\n", "import re\nimport sys\n"))


@pytest.mark.parametrize("n_lines", [0, 1, 2 * LAYOUT.n_prefix // 26])
def test_the_head_is_not_apart_where_all_of_the_text_has_room(n_lines):
    before = HEAD + "value = compute(value, 1)\n" * n_lines
    assert Editor(before + "|\n").plan.prompt[2].text == before


def test_an_import_added_by_an_editor_wants_a_successor_that_has_it(editor):
    assert is_kept(editor.edit_above("import sys\n", "import re\nimport sys\n"))
    assert editor.plan.successor == editor.ask(None).anchor
    assert editor.plan.successor.head == "import os\nimport re\nimport sys\n"


def test_prompts_have_line_feeds_whatever_the_document_has():
    editor = Editor(BEFORE.replace("\n", "\r\n") + "|" + AFTER.replace("\n", "\r\n"))
    assert is_kept(editor.type("a\r\nb"))
    assert middle(editor.plan) == "a\nb"
    assert is_kept(editor.edit_above("value_3 = ", "import third\r\nvalue_3 = "))
    assert not any("\r" in part.text for part in editor.plan.prompt if isinstance(part, TextSegment))
    assert editor.plan.prompt[:-1] == Editor(BEFORE + "|" + AFTER).plan.prompt[:-1]


def test_a_place_inside_a_terminator_is_the_place_before_it():
    text = Text.from_str("ab\r\ncd")
    assert make_plan(text, 3, SCRIPTED_MODEL, OPTIONS, 64) == make_plan(text, 2, SCRIPTED_MODEL, OPTIONS, 64)


def test_a_line_feed_that_completes_the_terminator_above_gets_a_new_anchor():
    editor = Editor("a\r|b")
    assert not is_kept(editor.type("\n"))
    assert [part.text for part in editor.plan.prompt if isinstance(part, TextSegment)] == ["a\n", "b", ""]


def test_half_a_character_survives(editor):
    assert is_kept(editor.type("'\ud83d"))
    assert middle(editor.plan) == "'\ud83d"

"""Scenarios: a suggestion at the cursor, edits, and the verdict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features.feedback import Verdict
from pylot_ls.features.followed import Followed
from pylot_ls.text.difference import difference
from pylot_ls.text.rope import Text


class Story:
    """A document with a cursor (``▮``) and a suggestion there."""

    def __init__(self, source, suggestion):
        self.cursor = source.index("▮")
        self.text = Text.from_str(source.replace("▮", ""))
        self.followed = Followed(suggestion, self.cursor)

    def replace(self, start, end, new):
        before, self.text = self.text, self.text.replace(start, end, new)
        changed = difference(before, self.text)
        if changed is not None:
            self.followed.edited(changed, self.text)
        self.cursor = start + len(new)
        return self

    def put(self, new):
        """In one edit, at the cursor."""
        return self.replace(self.cursor, self.cursor, new)

    def type(self, text):
        for character in text:
            self.put(character)
        return self

    def type_closed(self, opening, closing):
        """As editors do that close brackets by themselves."""
        self.put(opening + closing)
        self.cursor -= len(closing)
        return self

    def backspace(self, n=1):
        for _ in range(n):
            self.replace(self.cursor - 1, self.cursor, "")
        return self

    @property
    def outcome(self):
        return self.followed.verdict, self.followed.n_typed, self.followed.n_accepted

    @property
    def n_kept(self):
        return self.followed.n_kept(self.text)


PLACES = st.integers(0, 60)
LINE = "x = ▮\ny = 2\n"


def test_what_appears_in_one_edit_is_accepted():
    story = Story(LINE, "first(a)").put("first(a)")
    assert story.outcome == (Verdict.ACCEPTED, 0, 8)
    assert story.followed.is_over


def test_what_appears_character_by_character_is_typed():
    assert Story(LINE, "first(a)").type("first(a)").outcome == (Verdict.TYPED, 8, 0)


def test_the_rest_of_what_was_begun_is_accepted():
    assert Story(LINE, "first(a)").type("fi").put("rst(a)").outcome == (Verdict.ACCEPTED, 2, 6)


def test_something_else_rejects():
    assert Story(LINE, "first(a)").type("g").outcome == (Verdict.REJECTED, 0, 0)
    assert Story(LINE, "first(a)").type("fg").outcome == (Verdict.REJECTED, 1, 0)


def test_deleting_before_the_suggestion_rejects():
    assert Story(LINE, "first(a)").backspace().outcome == (Verdict.REJECTED, 0, 0)


def test_what_stands_behind_the_cursor_is_not_the_suggestions():
    assert Story("f(▮)", "a, b").replace(2, 3, "").outcome == (Verdict.REJECTED, 0, 0)


def test_an_edit_elsewhere_ignores():
    story = Story(LINE, "first(a)").replace(9, 10, "3")
    assert story.outcome == (Verdict.IGNORED, 0, 0)
    assert story.followed.is_over


def test_going_on_elsewhere_after_some_of_it_leaves_it_typed():
    assert Story(LINE, "first(a)").type("fir").replace(12, 13, "3").outcome == (Verdict.TYPED, 3, 0)


def test_until_something_happens_it_is_ignored():
    assert Story(LINE, "first(a)").outcome == (Verdict.IGNORED, 0, 0)


def test_backspace_over_what_was_typed_of_it_rejects_nothing():
    story = Story(LINE, "first(a)").type("fir").backspace(3)
    assert not story.followed.is_over
    assert story.put("first(a)").outcome == (Verdict.ACCEPTED, 0, 8)


def test_the_first_word_in_one_edit_is_accepted_by_word():
    story = Story(LINE, "first(second)").put("first")
    assert story.outcome == (Verdict.ACCEPTED_WORD, 0, 5)
    assert not story.followed.is_over


def test_word_after_word_to_the_end_is_accepted_by_word():
    assert Story(LINE, "one two three").put("one ").put("two ").put("three").outcome == (Verdict.ACCEPTED_WORD, 0, 13)


def test_a_word_and_then_all_of_the_rest_is_accepted_whole():
    assert Story(LINE, "one two three").put("one").put(" two three").outcome == (Verdict.ACCEPTED, 0, 13)


@pytest.mark.parametrize("line", ["a = 1\n", "a = 1", "a = 1\n    "])
def test_the_first_line_in_one_edit_is_accepted_by_line(line):
    assert Story("def f():\n    ▮\n", "a = 1\n    return a").put(line).outcome == (Verdict.ACCEPTED_LINE, 0, len(line))


def test_return_with_the_indentation_that_editors_add_is_typed():
    assert Story("if x:▮\n", "\n        return x").put("\n        ").outcome == (Verdict.TYPED, 9, 0)


def test_what_is_accepted_twice_counts_once():
    assert Story(LINE, "one two").put("one").backspace(3).put("one").outcome == (Verdict.ACCEPTED_WORD, 0, 3)


def test_few_characters_in_one_edit_are_typed_fast():
    story = Story(LINE, "first(a)").put("fi").put("rs")
    assert story.outcome == (Verdict.TYPED, 4, 0)
    assert Story(LINE, "first(a)").put("firs").outcome == (Verdict.TYPED, 4, 0)


def test_typing_fast_beyond_its_end_is_typed():
    assert Story(LINE, "ab)").type("ab").put("):").outcome == (Verdict.TYPED, 3, 0)


def test_a_bracket_that_the_editor_closes_is_typed():
    story = Story(LINE, "first(a)").type("first").type_closed("(", ")")
    assert story.outcome == (Verdict.TYPED, 6, 0)
    assert not story.followed.is_over
    assert story.put("a").outcome == (Verdict.TYPED, 7, 0)


def test_a_bracket_that_the_editor_closes_in_an_edit_of_its_own_is_typed():
    story = Story(LINE, "first(a)").type("first(")
    story.put(")")
    story.cursor -= 1
    assert story.put("a").outcome == (Verdict.TYPED, 7, 0)


def test_the_suggestion_may_begin_like_what_follows_it():
    assert Story("x = ▮first\n", "first + ").put("first + ").outcome == (Verdict.ACCEPTED, 0, 8)


def test_a_reload_that_changes_all_rejects():
    story = Story(LINE, "first(a)")
    assert story.replace(0, len(story.text), "another file").outcome == (Verdict.REJECTED, 0, 0)


def test_the_editor_may_say_afterwards_that_an_edit_was_an_acceptance():
    story = Story("if x:\n▮\n", "\treturn x").put("    return x")
    assert story.outcome[0] is Verdict.REJECTED
    story.followed.told_accepted(9)
    assert story.outcome == (Verdict.ACCEPTED, 0, 9)
    assert story.n_kept == 8


def test_the_editor_may_say_afterwards_that_a_short_word_was_accepted():
    story = Story(LINE, "if x").put("if")
    assert story.outcome == (Verdict.TYPED, 2, 0)
    story.followed.told_accepted(2)
    assert story.outcome == (Verdict.ACCEPTED_WORD, 0, 2)


def test_the_editor_may_say_before_the_edit_that_all_is_accepted():
    story = Story(LINE, "first(a)")
    story.followed.told_accepted(8)
    assert story.outcome == (Verdict.ACCEPTED, 0, 8)
    assert story.put("first(a)").outcome == (Verdict.ACCEPTED, 0, 8)
    assert story.n_kept == 8


def test_the_editor_may_say_before_the_edit_that_a_short_word_is_accepted():
    story = Story(LINE, "if x")
    story.followed.told_accepted(2)
    assert story.put("if").outcome == (Verdict.ACCEPTED_WORD, 0, 2)
    assert story.n_kept == 2


def test_what_the_editor_confirms_counts_once():
    story = Story(LINE, "one two").put("one ").put("two")
    story.followed.told_accepted(7)
    story.followed.told_accepted(7)
    assert story.outcome == (Verdict.ACCEPTED_WORD, 0, 7)


def test_an_editor_that_tells_nonsense_changes_nothing():
    story = Story(LINE, "first(a)")
    story.followed.told_accepted(0)
    story.followed.told_accepted(-3)
    assert story.outcome == (Verdict.IGNORED, 0, 0)
    story.followed.told_accepted(1000)
    assert story.outcome == (Verdict.ACCEPTED, 0, 8)


def test_accepted_text_is_kept_until_it_is_deleted():
    story = Story(LINE, "first(a)").put("first(a)")
    assert story.n_kept == 8
    story.backspace(3)
    assert story.n_kept == 5
    story.backspace(5)
    assert story.n_kept == 0


def test_accepted_text_stays_where_others_come_before_and_behind():
    story = Story(LINE, "first(a)").put("first(a)").type(" + 1")
    story.replace(0, 0, "import b\n")
    assert story.n_kept == 8


def test_a_word_that_was_changed_is_not_kept():
    story = Story(LINE, "first(alpha)").put("first(alpha)").replace(10, 15, "beta")
    assert str(story.text).startswith("x = first(beta)")
    assert story.n_kept == len("first()")


def test_a_formatter_that_rewrites_the_document_keeps_the_words():
    story = Story("import a\nx =▮\n", " first(a,b)").put(" first(a,b)")
    story.replace(0, len(story.text), "import a\n\nx = first(a, b)\n\n")
    assert story.n_kept == len(" first(a,b)")


def test_undone_acceptance_is_not_kept_and_redone_is():
    story = Story(LINE, "first(a)").put("first(a)").replace(4, 12, "")
    assert story.n_kept == 0
    assert story.put("first(a)").n_kept == 8


@given(
    st.text("ab(\n ", min_size=1, max_size=12),
    st.lists(st.tuples(PLACES, PLACES, st.text("ab()\n ", max_size=6), st.integers(-1, 14)), max_size=8),
)
def test_whatever_happens_the_counts_add_up(suggestion, edits):
    story = Story("a b\n(▮)\nab a\n", suggestion)
    for *places, new, n_told in edits:
        story.replace(*sorted(min(place, len(story.text)) for place in places), new)
        if n_told >= 0:
            story.followed.told_accepted(n_told)
        verdict, n_typed, n_accepted = story.outcome
        assert 0 <= n_typed <= len(suggestion)
        assert 0 <= n_accepted <= len(suggestion)
        assert verdict.is_acceptance or n_accepted == 0
        assert story.n_kept >= 0


@given(st.text("abc( \n", min_size=1, max_size=20))
def test_whatever_is_typed_of_it_is_neither_accepted_nor_rejected(suggestion):
    verdict, n_typed, n_accepted = Story("x = ▮\n", suggestion).type(suggestion).outcome
    assert (verdict, n_typed, n_accepted) == (Verdict.TYPED, len(suggestion), 0)

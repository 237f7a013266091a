"""Edits change only lines that differ, and are moved along with the text or not made at all."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylot_ls.features.actions.edits import Replacement, applied, minimal, rebased, whole_lines
from pylot_ls.features.actions.snapshots import Snapshots
from pylot_ls.text.document import Change, Document, edits_of
from pylot_ls.text.position import PositionEncoding, position_at
from pylot_ls.text.rope import Text

URI = "file:///a.py"
UTF16 = PositionEncoding.UTF16
# Few different lines, so that many are alike.
TEXTS = st.lists(st.sampled_from(["a", "b", "", "é🙂", "\n", "\r\n", "\n\n", "a\n"]), max_size=12).map("".join)


@given(TEXTS, TEXTS)
def test_minimal_replacements_lead_from_one_text_to_the_other(before, after):
    assert applied(before, minimal(before, after)) == after


def test_only_lines_that_differ_are_replaced():
    assert minimal("a\nb\nc\nd\n", "a\nB\nc\nd\ne\n", 10) == (
        Replacement(12, 14, "B\n"),
        Replacement(18, 18, "e\n"),
    )


def test_a_form_feed_ends_no_line():
    assert minimal("a\fb\u2028c\nd", "a\fb\u2028c\nD") == (Replacement(6, 7, "D"),)


class Watched:
    """A document whose characters have identities: what a person means by "the same lines"."""

    def __init__(self, text: str) -> None:
        self.document = Document(URI, "python", 1, Text.from_str(text))
        self.ids = list(range(len(text)))
        self.next_id = len(text)
        self.snapshots = Snapshots()

    def edit(self, start: int, end: int, new: str) -> None:
        text = self.document.text
        change = Change(position_at(text, start, UTF16), position_at(text, end, UTF16), new)
        self.snapshots.edited(URI, edits_of(text, [change], UTF16))
        self.document = self.document.apply([change], self.document.version + 1, UTF16)
        self.ids[start:end] = range(self.next_id, self.next_id + len(new))
        self.next_id += len(new)
        assert len(self.ids) == len(self.document.text)


class Wish:
    """Some lines of a document as it was, and what is to become of them."""

    def __init__(self, watched: Watched, start: int, end: int, new: str) -> None:
        self.then = watched.document
        self.ids = list(watched.ids)
        self.mark = watched.snapshots.take(self.then)
        self.guard = whole_lines(self.then.text, start, end)
        old = self.then.text.slice(self.guard.start, self.guard.end)
        self.replacements = minimal(old, new, self.guard.start)

    def expected(self, watched: Watched) -> str | None:
        """The text with the change made to the very same characters; None where they are not all there any more."""
        now, guarded = str(watched.document.text), self.ids[self.guard.start : self.guard.end]
        if guarded:
            if guarded[0] not in watched.ids:
                return None
            start = watched.ids.index(guarded[0])
            if watched.ids[start : start + len(guarded)] != guarded:
                return None
        else:
            start = self._place_of_nothing(watched)
            if start is None:
                return None
        if not (is_line_start(now, start) and is_line_end(now, start + len(guarded))):
            return None
        shift = start - self.guard.start
        moved = [Replacement(each.start + shift, each.end + shift, each.text) for each in self.replacements]
        return applied(now, moved)

    def _place_of_nothing(self, watched: Watched) -> int | None:
        """Where an empty line is now: behind the terminator that was before it, before the one behind it."""
        before = self.ids[self.guard.start - 1] if self.guard.start else None
        after = self.ids[self.guard.end] if self.guard.end < len(self.ids) else None
        start = 0 if before is None else watched.ids.index(before) + 1 if before in watched.ids else None
        end = len(watched.ids) if after is None else watched.ids.index(after) if after in watched.ids else None
        return start if start is not None and start == end else None

    def result(self, watched: Watched) -> str | None:
        """The text with the change as it was moved; None where it is not made."""
        edits = watched.snapshots.edits_since(self.mark)
        assert edits is not None
        now = watched.document.text
        moved = rebased(self.replacements, self.guard, self.then.text, edits, now)
        return None if moved is None else applied(str(now), moved)


def is_line_start(text: str, offset: int) -> bool:
    return offset == 0 or any(match.end() == offset for match in re.finditer(r"\r\n|\r|\n", text))


def is_line_end(text: str, offset: int) -> bool:
    return offset == len(text) or any(match.start() == offset for match in re.finditer(r"\r\n|\r|\n", text))


def place(data: st.DataObject, text: Text) -> int:
    """An offset that a position can name: not between the two halves of a terminator."""
    offset = data.draw(st.integers(0, len(text)))
    return offset - 1 if text.slice(offset - 1, offset + 1) == "\r\n" else offset


@settings(max_examples=1000)
@given(st.data(), TEXTS)
def test_no_change_is_made_to_lines_that_were_touched_meanwhile(data, text):
    watched, wishes = Watched(text), []
    for _ in range(data.draw(st.integers(1, 6))):
        current = watched.document.text
        start, end = sorted((place(data, current), place(data, current)))
        step = data.draw(st.sampled_from(["list", "edit", "edit", "resolve"]))
        if step == "list":
            wish = Wish(watched, start, end, data.draw(TEXTS))
            if wish.guard.start < wish.guard.end:
                wishes.append(wish)
        elif step == "edit":
            watched.edit(start, end, data.draw(TEXTS))
        for wish in wishes if step == "resolve" else ():
            assert wish.result(watched) == wish.expected(watched)
    for wish in wishes:
        assert wish.result(watched) == wish.expected(watched)


@settings(max_examples=200)
@given(st.data(), TEXTS)
def test_an_empty_line_is_no_place_for_a_change_once_something_was_written_there(data, text):
    watched = Watched(text)
    offset = place(data, watched.document.text)
    wish = Wish(watched, offset, offset, "new")
    start, end = sorted((place(data, watched.document.text), place(data, watched.document.text)))
    watched.edit(start, end, data.draw(TEXTS))
    result = wish.result(watched)
    if wish.guard.start < wish.guard.end:
        assert result == wish.expected(watched)
    elif result is not None:
        # An empty line has no characters to be known by: what is required is that it is one.
        assert len(result) == len(watched.document.text) + len("new")


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ("a\nb\nc\n", "x\na\nb\nc\n", 4),
        ("a\nb\nc\n", "a\nb\nc\nx\n", 2),
        ("a\nb\nc\n", "a\nB\nc\n", None),
        # Which of two equal lines is the one that was there, a whole text does not tell.
        ("a\nb\nc\n", "a\nb\nb\nc\n", None),
    ],
)
def test_of_a_text_that_was_replaced_as_a_whole_what_is_the_same_counts(before, after, moved):
    then, now = Text.from_str(before), Text.from_str(after)
    edits = edits_of(then, [Change(None, None, after)], UTF16)
    found = rebased((Replacement(2, 3, "new"),), whole_lines(then, 2, 3), then, edits, now)
    assert found == (None if moved is None else (Replacement(moved, moved + 1, "new"),))


def test_snapshots_are_forgotten_with_their_document_and_when_there_are_many():
    snapshots, documents = Snapshots(), [Document(f"file:///{n}", "python", 1, Text.from_str("")) for n in range(10)]
    marks = [snapshots.take(each) for each in documents]
    assert snapshots.document("file:///0", marks[0]) is None
    assert snapshots.document("file:///9", marks[9]) is documents[9]
    assert snapshots.document("file:///8", marks[9]) is None
    assert snapshots.take(documents[9]) == marks[9]
    assert snapshots.watches("file:///9")
    snapshots.forget("file:///9")
    assert snapshots.edits_since(marks[9]) is None
    assert not snapshots.watches("file:///9")


def test_who_has_typed_much_since_is_not_followed_for_ever():
    watched = Watched("")
    mark = watched.snapshots.take(watched.document)
    for _ in range(2001):
        watched.edit(0, 0, "a")
    assert watched.snapshots.edits_since(mark) is None

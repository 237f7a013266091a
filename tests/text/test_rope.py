"""The persistent text against a plain str, and what an edit leaves shared."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pylot_ls.errors import PositionError
from pylot_ls.text import chunk, rope
from pylot_ls.text.rope import Text

# Everything that ends a line somewhere, that combines, or that has several code units; \r and \n often.
HOSTILE = "\r\n\r\n\r\nab \t\f\v\x1c\x1d\x1e\x85\u2028\u2029\0é\u0301漢😀𐐷\ud83d\ude00\ufeff"
hostile_text = st.text(st.sampled_from(HOSTILE), max_size=40) | st.text(max_size=10)


@pytest.fixture(autouse=True, scope="module")
def small_chunks():
    """Chunks so small that short texts have many, and every edit meets a boundary."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk, "TARGET_CHARS", 9)
        for module in (chunk, rope):
            patch.setattr(module, "MAX_CHARS", 12)
            patch.setattr(module, "MIN_CHARS", 3)
        yield


def lines_with_terminators(text):
    """LSP's lines, in the plainest way."""
    return re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)


def assert_same(text, expected):
    text.check_integrity()
    assert str(text) == expected
    assert len(text) == len(expected)
    lines = lines_with_terminators(expected)
    assert text.n_lines == len(lines)
    start = 0
    for number, line in enumerate(lines):
        content = line.rstrip("\r\n")
        assert text.line_start(number) == start
        assert text.line_end(number) == start + len(content)
        assert text.line(number) == content
        assert {text.line_of(start + k) for k in range(len(line))} <= {number}
        start += len(line)
    assert text.line_of(len(expected)) == len(lines) - 1


class EditsOfAText(RuleBasedStateMachine):
    """Random edits; each version stays what it was."""

    @initialize(text=hostile_text)
    def begin(self, text):
        self.text, self.oracle = Text.from_str(text), text
        self.versions = [(self.text, self.oracle)]

    @rule(a=st.floats(0, 1), b=st.floats(0, 1), new=hostile_text)
    def replace(self, a, b, new):
        start, end = sorted((round(a * len(self.oracle)), round(b * len(self.oracle))))
        self._edit(start, end, new)

    @rule(a=st.floats(0, 1), length=st.integers(0, 3), new=st.text(st.sampled_from(HOSTILE), max_size=2))
    def type_or_delete(self, a, length, new):
        start = round(a * len(self.oracle))
        self._edit(start, min(start + length, len(self.oracle)), new)

    @precondition(lambda self: "\r" in self.oracle)
    @rule(data=st.data(), new=st.sampled_from(["\n", "x", "\n\n"]))
    def insert_after_a_carriage_return(self, data, new):
        places = [match.end() for match in re.finditer("\r", self.oracle)]
        place = data.draw(st.sampled_from(places))
        self._edit(place, place, new)

    @rule(a=st.integers(-5, 200), b=st.integers(-5, 200))
    def slice(self, a, b):
        assert self.text.slice(a, b) == self.oracle[max(a, 0) : max(b, 0)]

    def _edit(self, start, end, new):
        self.text = self.text.replace(start, end, new)
        self.oracle = self.oracle[:start] + new + self.oracle[end:]
        self.versions.append((self.text, self.oracle))

    @invariant()
    def equals_the_oracle(self):
        assert_same(self.text, self.oracle)

    def teardown(self):
        for text, oracle in getattr(self, "versions", []):
            assert_same(text, oracle)


TestEditsOfAText = EditsOfAText.TestCase
TestEditsOfAText.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@given(st.lists(st.sampled_from(["\r", "\n", "a", "\r\n", "😀"]), max_size=300).map("".join))
@settings(max_examples=60, deadline=None)
def test_any_text_has_lsps_lines(text):
    assert_same(Text.from_str(text), text)


@pytest.mark.parametrize("other", ["\f", "\v", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_what_python_calls_a_line_boundary_ends_no_line(other):
    assert Text.from_str(f"a{other}b").n_lines == 1


def test_the_empty_text_has_one_empty_line():
    text = Text.from_str("")
    assert (len(text), text.n_lines, text.line(0), text.line_of(0), text.slice(0, 9)) == (0, 1, "", 0, "")
    assert str(text.replace(0, 0, "a\nb")) == "a\nb"


def test_deleting_everything_leaves_the_empty_text():
    text = Text.from_str("some lines\n" * 20)
    assert text.replace(0, len(text), "") == Text.from_str("")


def test_deleting_what_stands_between_cr_and_lf_joins_them_across_chunks():
    """The two meet at each place a chunk boundary can be."""
    for n_before in range(40):
        text = Text.from_str("a" * n_before + "\r" + "b" * 30 + "\n" + "c" * 30)
        joined = text.replace(n_before + 1, n_before + 31, "")
        assert_same(joined, "a" * n_before + "\r\n" + "c" * 30)


def test_texts_of_equal_characters_are_equal_however_they_came_about():
    whole = Text.from_str("0123456789" * 10)
    edited = Text.from_str("0123456789" * 9).replace(40, 40, "0123456789")
    assert whole == edited
    assert hash(whole) == hash(edited)
    assert whole != Text.from_str("0123456789" * 9 + "012345678X")
    assert whole != str(whole)


def test_repr_shows_none_of_the_users_text():
    assert repr(Text.from_str("secret\n")) == "<Text of 7 characters, 2 lines>"


@pytest.mark.parametrize(("start", "end"), [(-1, 0), (0, 4), (2, 1), (4, 4)])
def test_replacing_outside_the_text_is_refused(start, end):
    with pytest.raises(PositionError, match="does not lie in a text of 3 characters"):
        Text.from_str("abc").replace(start, end, "x")


@pytest.mark.parametrize("line", [-1, 2])
def test_a_line_that_is_not_there_is_refused(line):
    text = Text.from_str("a\nb")
    for ask in (text.line_start, text.line_end, text.line):
        with pytest.raises(PositionError, match=f"no line {line} .* text of 2 lines"):
            ask(line)


@pytest.mark.parametrize("offset", [-1, 4])
def test_the_line_of_an_offset_outside_the_text_is_refused(offset):
    with pytest.raises(PositionError, match="text of 3 characters"):
        Text.from_str("a\nb").line_of(offset)


def test_an_edit_of_nothing_is_the_same_text():
    text = Text.from_str("abc")
    assert text.replace(1, 1, "") is text


@pytest.mark.parametrize("parts", [("ab", "abcdef"), ("abcdefghijklm",)])
def test_check_integrity_finds_chunks_of_a_wrong_size(parts):
    with pytest.raises(AssertionError, match="too small or too large"):
        of_chunks(*parts).check_integrity()


def test_check_integrity_finds_a_split_crlf():
    with pytest.raises(AssertionError, match="inside a CRLF"):
        of_chunks("abc\r", "\nabc").check_integrity()


def test_check_integrity_finds_wrong_totals():
    text = Text.from_str("a\nb")
    with pytest.raises(AssertionError, match="totals of characters"):
        Text(text._chunks, (0, 4), text._breaks).check_integrity()
    with pytest.raises(AssertionError, match="totals of line terminators"):
        Text(text._chunks, text._starts, (0, 0)).check_integrity()


def of_chunks(*parts):
    text = Text.from_str("")
    return text._with_chunks(0, 0, tuple(chunk.Chunk(part) for part in parts))

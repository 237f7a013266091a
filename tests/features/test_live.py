"""What is left of a suggestion: a document with its cursor (``|``) in, a suggestion out; nobody asks a model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pylot_ls.engine.types import Usage
from pylot_ls.features import live as module
from pylot_ls.features.completion import Completion, CompletionOptions, Suggestion
from pylot_ls.features.finishing import finish
from pylot_ls.features.live import LiveSuggestions
from pylot_ls.features.surroundings import Surroundings
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

URI = "file:///a.py"
OPTIONS = CompletionOptions()


def at_cursor(marked, version=1):
    before, after = marked.split("|")
    return Document(URI, "python", version, Text.from_str(before + after)), len(before)


class Screen:
    """A document as it changes, and what is suggested in it."""

    def __init__(self):
        self.live = LiveSuggestions()

    def says(self, marked, generated, confidence=0.5):
        """The model is asked, and gives a text; what is shown of it."""
        document, offset = at_cursor(marked)
        around = Surroundings.of(document, offset)
        place = self.live.begin(document, offset, OPTIONS)
        shown = finish(generated, around.prefix, around.suffix, document.language_id, None)
        inserted = shown.replace("\n", around.terminator)
        suggestion = Suggestion("id", inserted, offset, confidence) if shown else None
        self.live.settle(URI, place, Completion(suggestion, Usage(), shown))
        return inserted

    def found(self, marked, options=OPTIONS, version=2):
        found = self.live.find(*at_cursor(marked, version), options)
        return found and found.suggestion

    def shows(self, marked):
        """The text that is suggested without the model, or None."""
        found = self.found(marked)
        return found and found.text


@pytest.fixture
def screen():
    return Screen()


@pytest.mark.parametrize(
    ("asked", "generated", "now", "left"),
    [
        # Nothing has happened.
        ("x = |\n", "total(a)", "x = |\n", "total(a)"),
        # Typing along, a letter, a word, nearly all.
        ("x = |\n", "total(a)", "x = t|\n", "otal(a)"),
        ("x = |\n", "total(a)", "x = total|\n", "(a)"),
        ("x = |\n", "total(a)", "x = total(a|\n", ")"),
        ("|", "import os", "imp|", "ort os"),
        ("def f():\n    |\n", "if x:\n        return x\n", "def f():\n    if |\n", "x:\n        return x"),
        # To its end, and beyond.
        ("x = |\n", "total(a)", "x = total(a)|\n", None),
        ("x = |\n", "total(a)", "x = total(a) |\n", None),
        # Otherwise.
        ("x = |\n", "total(a)", "x = s|\n", None),
        ("x = |\n", "total(a)", "x = tom|\n", None),
        ("x = |\n", "total(a)", "x =|\n", None),
        ("x = |\n", "total(a)", "x = |t\n", None),
        # Brackets and quotes that the editor closes behind the cursor.
        ("x = |\n", "total(a)", "x = total(|)\n", "a"),
        ("x = |\n", "total(a) + b", "x = total(|)\n", "a"),
        ("x = |\n", "total(f(a))", "x = total(|)\n", "f(a)"),
        ("x = |\n", "total(a) + b", "x = total(a|)\n", None),
        ("x = |\n", "total(a) + b", "x = total(a)|\n", " + b"),
        ("x = |\n", "f(a[0], {1: 2})", "x = f(a[|])\n", "0"),
        ("x = |\n", "f(a[0], {1: 2})", "x = f(a[0]|)\n", ", {1: 2}"),
        ("x = |\n", "f(a[0], {1: 2})", "x = f(a[0], {|})\n", "1: 2"),
        ("print(|)\n", '"a (b)", c)', 'print("|")\n', "a (b)"),
        ("print(|)\n", '"a (b)", c)', 'print("a (b)"|)\n', ", c"),
        ("x = |\n", "f'{a} (b)'", "x = f'|'\n", "{a} (b)"),
        ("x = |\n", "f'{a} (b)'", "x = f'{|}'\n", "a"),
        ("def f():\n    |\n    return 1\n", '"""One."""', 'def f():\n    """|"""\n    return 1\n', "One."),
        ("x = |\n", "{\n    a: 1,\n}", "x = {\n    |\n}\n", "a: 1,"),
        ("v: |\n", "Vec<Vec<T>> = a", "v: Vec<|>\n", "Vec<T>"),
        # What is closed there for another reason.
        ("f(|)\n", "a, b)", "f(a|)\n", ", b"),
        ("f(|)\n", "a, b)", "f(a, b)|\n", None),
        ("f(|)\n", "a, g(b))", "f(a, g(|))\n", "b"),
        ("x = |\n", "total(a)", "x = t|)\n", None),
        # Return, and the indentation that the editor adds.
        ("def f():\n    |\n", "if x:\n        a\n        b", "def f():\n    if x:\n|\n", "        a\n        b"),
        ("def f():\n    |\n", "if x:\n        a\n        b", "def f():\n    if x:\n    |\n", "    a\n        b"),
        ("def f():\n    |\n", "if x:\n        a\n        b", "def f():\n    if x:\n        |\n", "a\n        b"),
        ("def f():\n    |\n", "if x:\n        a\n        b", "def f():\n    if x:\n\t\t|\n", "a\n        b"),
        ("def f():\n    |\n", "if x:\n        a\n        b", "def f():\n    if x:\n        a\n        |\n", "b"),
        ("def f():\n    |\n", "if x:\n        a\n    b", "def f():\n    if x:\n        a\n        |\n", None),
        # The document's own line terminators.
        ("def f():\r\n    |\r\nz", "a\n    b\n    c", "def f():\r\n    a\r\n    |\r\nz", "b\r\n    c"),
        ("def f():\r\n    |\r\nz", "a\n    b\n    c", "def f():\r\n    a|\r\nz", "\r\n    b\r\n    c"),
        ("x = |\r\n", "total(a)", "x = total(|)\r\n", "a"),
        ("x = |\r\n", "total(a)", "x = \r|\n", None),
        # What the suffix holds already is not suggested, then and now.
        ("    |\n)\n", "a,\n    b,\n)", "    a,\n    |\n)\n", "b,"),
        # Part of a line is no line of the suffix.
        ("|\n\nb\n", "a b\nc", "a |\n\nb\n", "b\nc"),
        # Elsewhere in the document.
        ("x = |\n" + "\n" * 9 + "end\n", "total(a)", "x = t|\n" + "\n" * 9 + "the end\n", "otal(a)"),
        ("top\n" + "\n" * 9 + "x = |\n", "total(a)", "import os\ntop\n" + "\n" * 9 + "x = t|\n", "otal(a)"),
        ("top\n" + "\n" * 9 + "x = |\n", "total(a)", "\n" * 9 + "x = t|\n", "otal(a)"),
        # Not so near by.
        ("a\nb\nx = |\n", "total(a)", "c\nb\nx = |\n", None),
        ("x = |\na\nb\n", "total(a)", "x = t|\na\nc\n", None),
        ("x = |\na\n", "total(a)", "x = t|\na\nmore", None),
        ("a\nx = |\n", "total(a)", "new\na\nx = t|\n", None),
        ("x = | # b\n", "total(a)", "x = t| # c\n", None),
    ],
)
def test_what_is_left(screen, asked, generated, now, left):
    screen.says(asked, generated)
    assert screen.shows(now) == left


@pytest.mark.parametrize(
    ("asked", "generated", "now"),
    [
        ("x = |\n", "total(a) + b", "x = total(a|)\n"),
        ("x = |\n", "f(a[0], {1: 2})", "x = f(a[0|])\n"),
        ("x = |\n", "f({\n    1: 2,\n})", "x = f({|})\n"),
    ],
)
def test_where_only_what_the_editor_has_closed_comes_next_nothing_is_suggested_and_nobody_asked(
    screen, asked, generated, now
):
    screen.says(asked, generated)
    found = screen.live.find(*at_cursor(now), OPTIONS)
    assert found is not None
    assert found.suggestion is None


@pytest.mark.parametrize("now", ["x = f(a|)\n", "x = f(a)|\n"])
def test_where_nothing_comes_but_what_the_editor_has_closed_it_has_ended(screen, now):
    screen.says("x = |\n", "f(a)")
    assert screen.live.find(*at_cursor(now), OPTIONS) is None


def test_backspace_brings_the_longer_remainder_back(screen):
    screen.says("x = |\n", "total(a)")
    assert [screen.shows(f"x = {typed}|\n") for typed in ("to", "t", "")] == ["tal(a)", "otal(a)", "total(a)"]


def test_backspace_leads_to_what_was_said_further_left(screen):
    screen.says("x|\n", " = 1")
    screen.says("x += |\n", "total(a)")
    assert screen.shows("x += t|\n") == "otal(a)"
    assert screen.shows("x +=|\n") is None
    assert screen.shows("x |\n") == "= 1"
    assert screen.shows("x|\n") == " = 1"
    assert screen.shows("x += |\n") == "total(a)"


def test_backspace_after_something_else_leads_back(screen):
    screen.says("x = |\n", "total(a)")
    assert screen.shows("x = toy|\n") is None
    assert screen.shows("x = to|\n") == "tal(a)"


def test_undo_of_all_that_was_typed_leads_back(screen):
    screen.says("a\n|\nb\n", "x = total(a)")
    assert screen.shows("a\nx = to|\nb\n") == "tal(a)"
    assert screen.shows("a|\nb\n") is None
    assert screen.shows("a\n|\nb\n") == "x = total(a)"


def test_a_place_is_the_same_after_edits_before_and_behind_it(screen):
    far = "".join(f"line {number}\n" for number in range(10))
    screen.says(far + "x = |\n" + far, "total(a)")
    for above, below in [("new\n", ""), ("new\n", "new\n"), ("", "new\n"), ("a\n" * 50, "")]:
        assert screen.shows(above + far + "x = to|\n" + far + below) == "tal(a)"
        assert screen.shows(above + far + "x = |\n" + far + below) == "total(a)"


def test_another_place_with_the_same_lines_around_is_another_place(screen):
    lines = "{\n    a: 1,\n    b: 2,\n    c: |\n    d: 4,\n    e: 5,\n},\n"
    plain = lines.replace("|", "")
    screen.says(plain + lines + plain, "total(a)")
    assert screen.shows(lines + plain + plain) is None
    assert screen.shows(plain + plain + lines) is None
    assert screen.shows("import os\n" + plain + lines + plain) == "total(a)"


def test_of_two_that_fit_the_one_that_was_shown_last_stays(screen):
    screen.says("x = |\n", "total(a)")
    screen.says("x = t|\n", "total(b)")
    screen.says("x = to|\n", "tal(c)")
    assert screen.shows("x = tot|\n") == "al(c)"
    assert screen.shows("x = |\n") == "total(a)"
    assert screen.shows("x = tot|\n") == "al(a)"


def test_what_is_left_is_a_suggestion_of_its_own(screen):
    screen.says("x = |\n", "total(a)", confidence=0.25)
    whole, left = screen.found("x = |\n"), screen.found("x = t|\n")
    assert left == screen.found("x = t|\n")
    assert left.id not in {whole.id, screen.found("x = t|\n", version=3).id}
    assert (left.offset, left.confidence) == (5, 0.25)


def test_other_settings_end_it(screen):
    screen.says("x = |\n", "total(a)")
    assert screen.found("x = |\n", replace(OPTIONS, max_lines=1)) is None
    assert screen.found("x = |\n") is not None


def test_nothing_is_left_of_nothing(screen):
    screen.says("x = |\n", "  ")
    assert screen.shows("x = |\n") is None


def test_a_document_that_was_closed_is_forgotten(screen):
    screen.says("x = |\n", "total(a)")
    screen.live.forget(URI)
    assert screen.shows("x = |\n") is None


def test_in_a_very_long_line_nothing_is_live(screen):
    screen.says("x = |\n", "total(a)")
    assert screen.shows("x = |" + "a" * 20_000) is None


def test_what_is_remembered_is_bounded(screen):
    for number in range(100):
        screen.says(f"x{number} = |\n" + "a" * 9_000, "total(a)")
    places = screen.live._documents[URI].places
    assert len(places) == module._MOST_PLACES
    assert max(len(place.before) + len(place.after) for place in places) < 1300
    assert screen.shows("x99 = |\n" + "a" * 9_000) == "total(a)"


def test_while_it_is_decoded_it_is_no_suggestion_yet(screen):
    document, offset = at_cursor("x = |\n")
    place = screen.live.begin(document, offset, OPTIONS)
    place.text = "tota"
    assert screen.shows("x = t|\n") is None
    along = {now: screen.live.is_along(place, *at_cursor(now), OPTIONS) for now in ("x = t|\n", "x = a|\n", "x =|\n")}
    assert along == {"x = t|\n": True, "x = a|\n": False, "x =|\n": False}
    screen.live.discard(URI, place)
    assert not screen.live.is_along(place, *at_cursor("x = t|\n"), OPTIONS)


def test_before_anything_is_decoded_nobody_types_along(screen):
    document, offset = at_cursor("x = |\n")
    place = screen.live.begin(document, offset, OPTIONS)
    assert not screen.live.is_along(place, document, offset, OPTIONS)


@pytest.mark.parametrize("words", [["total(a)"], ["total", "(a", ")"], list("total(a)")], ids=["all", "words", "typed"])
def test_what_was_prepared_is_there_once_somebody_gets_there(screen, words):
    document, offset = at_cursor("x = |\n")
    place = screen.live.begin(document, offset, OPTIONS, "total(a)")
    screen.live.settle(URI, place, Completion(Suggestion("id", " + 1", 12, 1.0), Usage(), " + 1"))
    typed = ""
    for word in words:
        assert screen.shows(f"x = {typed}|\n") is None
        typed += word
    assert screen.shows("x = total(a)|\n") == " + 1"
    assert screen.shows("x = total(a) |\n") == "+ 1"


# A suggestion in which brackets and quotes are balanced, of lines that are indented alike.
ATOMS = st.sampled_from(["a", "b1", " + ", ", ", "x.y", "def "])


def closed_in(pair):
    return st.recursive(
        ATOMS,
        lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda parts: pair[0] + "".join(parts) + pair[1]),
    )


LINES = st.lists(ATOMS | st.sampled_from(["()", "[]", "{}", '""', "''"]).flatmap(closed_in), min_size=1, max_size=4)
SUGGESTIONS = st.lists(LINES.map(lambda parts: "".join(parts).strip() or "a"), min_size=1, max_size=3).map(
    "\n    ".join
)
KEYS = st.lists(st.sampled_from(["along", "along", "along", "back", "undo", "astray", "elsewhere"]), max_size=30)


PAIRS = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'"}


class Typist:
    """A person at an editor that closes brackets and quotes, types over them, and indents lines.

    ``behind`` is what it has closed behind the cursor: all of that is the editor's.
    """

    def __init__(self, suggestion, closes):
        self.suggestion = suggestion
        self.closes = closes
        self.history = [("", "")]

    @property
    def typed(self):
        return self.history[-1][0]

    @property
    def behind(self):
        return self.history[-1][1]

    def along(self):
        rest = self.suggestion[len(self.typed) :]
        if not rest:
            return
        if rest.startswith("\n"):
            self.history.append((self.typed + "\n    ", self.behind))
        elif self.behind.startswith(rest[0]):
            self.history.append((self.typed + rest[0], self.behind[1:]))
        elif self.closes and rest[0] in PAIRS:
            self.history.append((self.typed + rest[0], PAIRS[rest[0]] + self.behind))
        else:
            self.history.append((self.typed + rest[0], self.behind))

    def undo(self):
        self.history = self.history[:-1] or self.history


@given(SUGGESTIONS, KEYS, st.booleans(), st.sampled_from(["\n", "\r\n"]))
@example("a(b)", ["along"] * 3, True, "\n")
@example("a('b')", ["along"] * 4 + ["undo"] * 2, True, "\r\n")
def test_however_it_is_typed_along_the_rest_is_right_and_repeats_nothing(suggestion, keys, closes, terminator):
    above, below = "def f():\n    ", "\n" + "\n" * 6 + "end\n"
    screen, typist, n_elsewhere = Screen(), Typist(suggestion, closes), 0

    def page(typed, behind):
        return (above + typed + "|" + behind + below + "new\n" * n_elsewhere).replace("\n", terminator)

    # What is not shown as it was said is not typed along as it was said.
    assume(screen.says(page("", ""), suggestion) == suggestion.replace("\n", terminator))
    for key in keys:
        if key == "along":
            typist.along()
        elif key in {"back", "undo"}:
            typist.undo()
        elif key == "elsewhere":
            n_elsewhere += 1
        else:
            assert screen.shows(page(typist.typed + "?", typist.behind)) is None
        left = suggestion[len(typist.typed) :]
        shown = (screen.shows(page(typist.typed, typist.behind)) or "").replace(terminator, "\n")
        assert left.startswith(shown)
        if not typist.behind:
            assert shown == left
        elif "\n" not in left.partition(typist.behind[0])[0]:
            # Up to where the editor has closed what was opened, white space aside; there typing goes on over it.
            assert left[len(shown) :].lstrip().startswith(typist.behind[0])


@given(SUGGESTIONS, st.data())
def test_what_was_typed_otherwise_is_never_along(suggestion, data):
    n = data.draw(st.integers(0, len(suggestion)))
    other = data.draw(st.text("ab(?\n", min_size=1, max_size=3))
    assume(not suggestion[n:].startswith(other))
    assume("\n" not in other)
    screen = Screen()
    screen.says("x = |\n", suggestion)
    assert screen.shows(f"x = {suggestion[:n]}{other}|\n") is None

"""What the text around a place defines, in offsets of the document."""

import asyncio

import pytest

from pylot_ls.features.outline import outline_at
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

CLASS = "class Basket:\n    # Привет 🙂\n    def add(self, item):\n        self.items.append(item)\n"


def outline(source, at, language_id="python"):
    document = Document("file:///a.py", language_id, 1, Text.from_str(source))
    return asyncio.run(outline_at(document, source.index(at)))


@pytest.mark.parametrize("terminator", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("n_above", [0, 100, 5000])
def test_definitions_and_names_are_where_the_document_has_them(terminator, n_above):
    source = ("x = 1\n" * n_above + "\n\n" + CLASS).replace("\n", terminator)
    found = outline(source, "append")
    (basket, add) = found.definitions
    assert source[basket.named.start : basket.named.end] == "Basket"
    assert source[add.whole.start : add.whole.end].startswith("def add(self, item):")
    assert source[add.body.start : add.body.end] == "self.items.append(item)"
    assert found.name.text == source[found.name.span.start : found.name.span.end] == "append"
    assert found.name.qualifier == "self.items"
    assert [each.name for each in found.around(found.name.span.start)] == ["Basket", "add"]
    assert found.parent(add) == basket
    assert found.parent(basket) is None


@pytest.mark.parametrize("at", ["(self", ":\n", "    x", "=", "'a name'", "# a comment", "\n", "def "])
def test_there_is_no_name_in_white_space_on_punctuation_in_strings_and_comments(at):
    source = "def f(self):\n    x = 'a name'  # a comment\n"
    assert outline(source, at).name is None


@pytest.mark.parametrize(
    ("language_id", "source", "at", "text", "qualifier"),
    [
        ("python", "a.b.c()", "c(", "c", "a.b"),
        ("python", "a.b.c()", "a.", "a", ""),
        ("javascript", "this.m()", "m(", "m", "this"),
        ("cpp", "void f() { this->m(); }", "m(", "m", "this"),
        ("java", "class A { void f() { this.m(); } }", "m(", "m", "this"),
        ("go", "package a\nfunc f() { t.M() }", "M(", "M", "t"),
        ("rust", "fn f() { Self::m(); }", "m(", "m", "Self"),
        ("python", "имя.метод()", "метод", "метод", "имя"),
    ],
)
def test_a_name_knows_what_it_is_taken_from(language_id, source, at, text, qualifier):
    name = outline(source, at, language_id).name
    assert (name.text, name.qualifier) == (text, qualifier)


def test_there_is_none_without_a_grammar_or_in_a_line_that_no_person_wrote():
    assert outline("f x = 1", "f", "haskell") is None
    assert outline("f = 1;" * 5000, "f", "javascript") is None
    assert outline("", "") == outline("", "")


def test_behind_the_last_character_there_is_no_name():
    source = "name"
    document = Document("file:///a.py", "python", 1, Text.from_str(source))
    assert asyncio.run(outline_at(document, 4)).name is None


def test_a_window_that_begins_within_a_docstring_is_read_the_right_way_round():
    method = '    def m{}(self):\n        """{}"""\n        return 1\n\n'
    source = "class Turtle:\n" + "".join(method.format(n, "Word word word word.\n\n" * 60) for n in range(200))
    for n in (40, 41, 150):
        found = outline(source, f"m{n}(")
        assert found.name.text == f"m{n}"
        assert found.around(source.index(f"m{n}("))[-1].documentation is not None

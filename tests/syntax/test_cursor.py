"""What is known of a place: each case reads as an example, the cursor is ``|``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.syntax import parsing
from pylot_ls.syntax.body import EmptyBody
from pylot_ls.syntax.cursor import Syntax
from pylot_ls.syntax.grammars import LANGUAGE_IDS
from pylot_ls.syntax.window import Window


def at(language_id, marked):
    before, after = marked.split("|")
    return Syntax.at(language_id, Window.around(before, after))


def test_a_language_without_a_grammar_has_no_syntax():
    assert at("markdown", "# |") is None


def test_what_takes_too_long_to_parse_has_no_syntax(monkeypatch):
    monkeypatch.setattr(parsing, "MAX_PARSING_S", -1)
    assert at("python", "x = 1\n" * 1_000 + "|") is None


def test_where_a_suggestion_takes_too_long_to_parse_nothing_is_known_of_it(monkeypatch):
    syntax = at("python", "x = 1\n" * 1_000 + "|")
    monkeypatch.setattr(parsing, "MAX_PARSING_S", -1)
    assert syntax.n_errors() == 0
    assert syntax.n_errors("y = 1\n" * 1_000) is None
    assert syntax.end_of_unit("y = 1\n" * 1_000) is None


@pytest.mark.parametrize(
    ("language_id", "marked"),
    [
        ("python", "# a|"),
        ("python", "# a |\nx = 1\n"),
        ("python", "x = 1  # a|b"),
        ("python", "#|"),
        ("javascript", "// a|"),
        ("javascript", "/* a|"),
        ("javascript", "/* a\n * b|\n */\n"),
        ("typescriptreact", "// a|\nlet x;"),
        ("go", "// a|\nvar x int\n"),
        ("rust", "/// a|\nfn f() {}\n"),
        ("rust", "/* a|"),
        ("c", "/* a|\nint x;\n"),
        ("cpp", "// a|"),
        ("java", "/** a|\n */\n"),
    ],
)
def test_in_a_comment(language_id, marked):
    syntax = at(language_id, marked)
    assert syntax.in_comment
    assert not syntax.in_string


@pytest.mark.parametrize(
    ("language_id", "marked"),
    [
        ("python", "x = 'a|b'\n"),
        ("python", "x = 'a|"),
        ("python", 'x = "a|\ny = "b"\n'),
        ("python", "foo(a, 'b|\ny = 1\n"),
        ("python", "x = f'{a}|'\n"),
        ("python", 'def f():\n    """Do|\n'),
        ("python", 'def f():\n    """Do\n\n    this|\n\nx = 1\n'),
        ("python", "x = r'|'"),
        ("javascript", "x = `a ${b} c|"),
        ("javascript", "x = 'a|"),
        ("typescript", 'x = "a|b"'),
        ("go", "x := `a\nb|\n"),
        ("go", 'x := "a|\n'),
        ("rust", 'let s = "a|'),
        ("c", 'char *s = "a|\nint x;\n'),
        ("cpp", "char c = 'a|"),
        ("java", 'String s = "a|'),
    ],
)
def test_in_a_string_be_it_finished_or_not(language_id, marked):
    syntax = at(language_id, marked)
    assert syntax.in_string
    assert not syntax.in_comment


@pytest.mark.parametrize(
    ("language_id", "marked"),
    [
        ("python", "|"),
        ("python", "x = 'a'|"),
        ("python", "|'a'"),
        ("python", "|# a"),
        ("python", "# a\n|"),
        ("python", "x = f'{a|}'"),
        ("python", "x = 'a' + |"),
        ("python", "'''a'''\n|\n'''b'''\n"),
        ("javascript", "/* a */|"),
        ("javascript", "x = `a ${b|} c`"),
        ("rust", "/// a\n|fn f() {}\n"),
        ("rust", "fn f<'a>(|"),
        ("c", 'char *s = "a" |'),
    ],
)
def test_in_neither(language_id, marked):
    syntax = at(language_id, marked)
    assert not syntax.in_string
    assert not syntax.in_comment


@pytest.mark.parametrize(
    ("language_id", "marked", "body"),
    [
        ("python", "def f():\n    |\n", EmptyBody(4, "")),
        ("python", "def f():|\n", EmptyBody(1, "")),
        ("python", "def f():\n|\nx = 1\n", EmptyBody(1, "")),
        ("python", "class A:\n    '''It is.'''\n    |\n\nx = 1\n", EmptyBody(4, "")),
        ("python", "def f():\n    # to do\n    |\n", EmptyBody(4, "")),
        ("python", "def f(\n    a,\n):\n    |\nx = 1\n", EmptyBody(4, "")),
        ("python", "if a:\n    b\nelse:\n    |\n", EmptyBody(4, "")),
        ("python", "try:\n\t|\n", EmptyBody(4, "")),
        ("python", "    def f(self):\n        |\n    def g(self):\n        pass\n", EmptyBody(8, "")),
        ("python", "x = [\n    |\n]\n", EmptyBody(4, "")),
        ("python", "foo(\n    |\nx = 1\n", EmptyBody(4, ")")),
        ("javascript", "if (a) {\n  |\n}\n", EmptyBody(2, "")),
        ("javascript", "if (a) {|\n}\n", EmptyBody(1, "")),
        ("javascript", "function f() {\n  if (a) {\n    |\n}\n", EmptyBody(4, "}")),
        ("javascript", "foo(function() {\n  |", EmptyBody(2, "}")),
        ("typescript", "interface A {\n  |\n}\n", EmptyBody(2, "")),
        ("go", "func f() {\n\t|\n}\n", EmptyBody(4, "")),
        ("rust", "impl A {\n    // more\n    |\n}\n", EmptyBody(4, "")),
        ("c", "int f() {\n    |\n}\n", EmptyBody(4, "")),
        ("cpp", "namespace a {\n|\n}\n", EmptyBody(0, "")),
        ("cpp", "namespace a {\n|", EmptyBody(1, "}")),
        ("cpp", "class A {\n  public:\n    |\n};\n", EmptyBody(4, "")),
        ("cpp", "class A {\npublic:\n    |\nprivate:\n    int x;\n};\n", EmptyBody(4, "")),
        ("javascript", "switch (a) {\n  case 1:\n    |\n  default:\n    b();\n}\n", EmptyBody(4, "")),
        ("javascript", "switch (a) {\n  default:\n    |\n}\n", EmptyBody(4, "")),
        ("go", "func f() {\n\tselect {\n\tcase <-a:\n\t\t|\n\t}\n}\n", EmptyBody(8, "")),
        ("java", "class A {{\n  switch (a) {\n    case 1:\n      |\n  }\n}}\n", EmptyBody(6, "")),
        ("java", "class A {\n    void f() {|\n    }\n}\n", EmptyBody(5, "")),
        # There is something in it,
        ("python", "def f():\n    |\n    x = 1\n", None),
        ("python", "def f():\n    x = 1\n    |\n", None),
        ("javascript", "if (a) {\n  |\n  b();\n}\n", None),
        # a value comes on this line,
        ("python", "x = {|\n", None),
        ("python", "foo(|\n", None),
        ("javascript", "return {|\n", None),
        ("javascript", "x = a ? b :\n  |\n", None),
        # something follows the cursor,
        ("javascript", "if (a) {|}\n", None),
        # and these colons and brackets begin no body.
        ("python", "x: |\n", None),
        ("python", "{'a':\n    |\n}\n", None),
        ("python", "x = 'def f():\n    |", None),
        ("python", "# if x:|\n", None),
        ("python", "|", None),
    ],
)
def test_an_empty_body(language_id, marked, body):
    assert at(language_id, marked).empty_body == body


@pytest.mark.parametrize(
    ("language_id", "marked", "suggestion", "unit"),
    [
        # A statement and what follows it,
        ("python", "x = |\n", "1; y = 2", "1"),
        ("python", "x = |\n", "1", None),
        ("python", "x = |\n", "1  # one", None),
        ("python", "|", "def f():\n    return 1\n\ndef g", "def f():\n    return 1"),
        ("python", "|", "import os\nimport re\n", "import os"),
        ("javascript", "foo(|", "a); bar();", "a);"),
        ("javascript", "foo(|)", "a), b(", None),
        ("c", "int x = |\n", "1; int y = 2;", "1;"),
        ("java", "class A { int f() { return |\n } }", "1; } }", "1;"),
        # a body and what follows it.
        ("javascript", "if (a) {\n  |\n}\n", "b();\n}\nfoo()", "b();\n"),
        ("javascript", "if (a) {\n  |\n}\n", "if (b) {\n    c();\n  }\n", None),
        ("python", "foo(\n    |\n", "a,\n    b,\n)\nbar()", "a,\n    b,\n"),
        ("typescript", "if (a) {\n  |\n}\n", "f(`${b}`);\n}\n", "f(`${b}`);\n"),
        ("cpp", "int f() {\n  |\n}\n", "[[maybe_unused]] int a;\n}\n", "[[maybe_unused]] int a;\n"),
        ("rust", "fn f() {\n    |\n}\n", 'let s = "}";\n}\nfn g', 'let s = "}";\n'),
        # In a text that is in error nothing is known.
        ("python", "def f(|\n", "a; b", None),
    ],
)
def test_the_end_of_the_unit(language_id, marked, suggestion, unit):
    end = at(language_id, marked).end_of_unit(suggestion)
    assert (None if end is None else suggestion[:end]) == unit


@pytest.mark.parametrize(
    ("language_id", "marked", "suggestion", "n_before", "n_after"),
    [
        ("python", "x = (|\n", "1)", 1, 0),
        ("python", "foo(|)\n", "a)", 0, 1),
        # Two statements in a line: what is missing is the line's end, which is no node of the tree.
        ("python", "def f(a):\n    return a|\n", " number", 0, 1),
        ("go", "package a\nvar x = |\n", "1", 1, 0),
        ("typescriptreact", "const a = <b>{|}</b>;", "c", 0, 0),
        ("typescript", "let x: |;", "number", 1, 0),
        ("rust", "fn f() { |", "}", 1, 0),
    ],
)
def test_errors_with_a_suggestion_inserted(language_id, marked, suggestion, n_before, n_after):
    syntax = at(language_id, marked)
    assert (syntax.n_errors(), syntax.n_errors(suggestion)) == (n_before, n_after)


def test_a_keystroke_changes_nothing_but_what_it_types():
    """What is kept of the last parse makes the next one faster, and no different."""
    text = "def f():\n    return g(1)\n"
    for n in range(len(text)):
        marked = f"import os\n\n{text[:n]}|\n\nx = [1]\n"
        after_another = at("python", marked)
        at("python", "'''|")
        alone = at("python", marked)
        assert after_another.n_errors() == alone.n_errors()
        assert after_another.empty_body == alone.empty_body


pieces = st.sampled_from(
    [*"({[]})'\"`\\:;#/*,.= \n\t\0\r", "é", "ж", "😀", "\ud800", "if ", "def f", "class A", "${", '"""', "//", "\r\n"]
)
hostile = st.lists(pieces | st.characters(), max_size=40).map("".join)


@given(st.sampled_from(sorted(LANGUAGE_IDS)), hostile, hostile, hostile)
def test_no_text_is_an_error(language_id, before, after, suggestion):
    syntax = Syntax.at(language_id, Window.around(before, after))
    assert syntax.in_string in {True, False}
    assert syntax.in_comment in {True, False}
    assert syntax.empty_body is None or syntax.empty_body.indent >= 0
    assert syntax.n_errors(suggestion) >= 0
    end = syntax.end_of_unit(suggestion)
    assert end is None or 0 <= end < len(suggestion)

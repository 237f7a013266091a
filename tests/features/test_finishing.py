"""What is shown of any text, whatever stands around it."""

from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features.finishing import finish
from pylot_ls.features.soundness import is_sound
from pylot_ls.features.trim import trim
from pylot_ls.syntax.cursor import Syntax
from pylot_ls.syntax.window import Window

pieces = st.sampled_from(
    [
        *"()[]{}\"'`\\:;#=,. \n\t\0",
        *("é", "ж", "😀", "\ud800", "\ufffd", '"""', "//", "/*", "def f():\n    ", "class A:\n", "if x", "return"),
        *("import os\n", "foo(bar)", "    x = 1\n", "<|endoftext|>", "${"),
    ]
)
texts = st.lists(pieces | st.characters(), max_size=25).map("".join)


@given(st.sampled_from(["python", "javascript", "go", "rust", "c", "lua", ""]), texts, texts, texts)
def test_any_text_has_a_part_shown_that_repeats_nothing_and_adds_no_errors(language_id, before, after, text):
    syntax = Syntax.at(language_id, Window.around(before, after))
    shown = finish(text, before, after, language_id, syntax)
    line_before = before.rpartition("\n")[2]
    assert shown == trim(shown, after, line_before) == finish(shown, before, after, language_id, syntax)
    assert not {"\0", "\ufffd"} & set(shown)
    assert "<|endoftext|>" not in shown
    if syntax is not None and shown:
        assert is_sound(shown, syntax)


def test_a_bracket_that_mends_the_text_stays():
    before, after = "f(g(\n    a", ")\n"
    syntax = Syntax.at("python", Window.around(before, after))
    assert finish("b)", before, after, "python", syntax) == "b)"
    assert finish("b)", before, after, "lua", None) == "b"


def test_in_prose_brackets_may_stand_open():
    for before in ("# ", "x = '''\n"):
        after = "" if before == "# " else "\n'''\n"
        syntax = Syntax.at("python", Window.around(before, after))
        assert finish("It's (a", before, after, "python", syntax) == "It's (a"

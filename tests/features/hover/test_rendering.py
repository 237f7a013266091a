"""A hover as Markdown and as plain text."""

import pytest

from pylot_ls.features.hover.explaining import Explanation
from pylot_ls.features.hover.hovers import Hover
from pylot_ls.features.hover.rendering import as_markdown, as_plain_text
from pylot_ls.features.hover.stated import Stated
from pylot_ls.features.hover.subject import Subject
from pylot_ls.language import ENGLISH

SUBJECT = Subject("f", 4, 5, "def f(a):", None)
SAID = Stated("def f(a):", "Adds *a* to `b_c`.")


def hover(said=SAID, explanation="It adds <a>.", *, is_going_on=False):
    return Hover(SUBJECT, said, Explanation(explanation), is_going_on)


def test_markdown_has_the_signature_as_code_and_the_rest_as_text():
    assert as_markdown(hover(), "python", ENGLISH) == (
        "```python\ndef f(a):\n```\n\nAdds \\*a\\* to `b_c`.\n\n---\n\nIt adds \\<a>."
    )
    assert as_markdown(hover(explanation=""), "typescriptreact", ENGLISH).startswith("```tsx\n")
    assert as_markdown(hover(None), "python", ENGLISH) == "It adds \\<a>."


def test_plain_text_has_no_marks():
    assert as_plain_text(hover(), ENGLISH) == "def f(a):\n\nAdds *a* to `b_c`.\n\nIt adds <a>."


def test_what_goes_on_is_marked():
    assert as_plain_text(hover(None, is_going_on=True), ENGLISH) == "It adds <a>. …"
    nothing_yet = as_plain_text(hover(explanation="", is_going_on=True), ENGLISH)
    assert nothing_yet.endswith("look again in a moment.")


def test_backticks_in_a_signature_do_not_end_its_block():
    shown = as_markdown(hover(Stated("f(a = ```x```)", "")), "javascript", ENGLISH)
    assert shown.startswith("````javascript\nf(a = ```x```)\n````")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("uses a_name and __init__", "uses a_name and \\__init_\\_"),
        ("takes *args and a * b", "takes \\*args and a * b"),
        ("`a_b *c*` is code", "`a_b *c*` is code"),
        ("an odd ` mark", "an odd \\` mark"),
        ("# no heading", "\\# no heading"),
        ("- no list", "\\- no list"),
        ("1. no list", "1\\. no list"),
        ("a < b, a <b>", "a < b, a \\<b>"),
        ("[a](b) and a[0]", "[a\\](b) and a[0]"),
        ("привет 🙂, 世界", "привет 🙂, 世界"),
    ],
)
def test_only_what_markdown_takes_for_more_is_escaped(text, shown):
    assert as_markdown(hover(None, text), "python", ENGLISH) == shown

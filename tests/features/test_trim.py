"""What is taken off a suggestion; each case reads as an example."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pylot_ls.bench.flaws import repeats as repeats_by_the_benchmark
from pylot_ls.features.trim import trim

texts = st.text("ab() \t\n", max_size=20)


@pytest.mark.parametrize(
    ("suggestion", "suffix", "shown"),
    [
        # Nothing to take off.
        ("a + b", "", "a + b"),
        ("a + b", "\nprint()", "a + b"),
        ("  a", "\n", "  a"),
        # White space at the end.
        ("a + b  ", "\n", "a + b"),
        ("a\n    b\n\n", "\n", "a\n    b"),
        ("  \n ", "\n", ""),
        ("", ")", ""),
        # What the rest of the line holds already, white space aside.
        ("a, b):", ", b): pass", "a"),
        ("a, b) :", " ,b):", "a"),
        ("a, b)", "b)", "a,"),
        ("['key']", "'key']", ""),
        ("abc", "abcdef", ""),
        # Fewer characters are there by chance, or are brackets, which are balanced elsewhere.
        ("x = a", "a + bc", "x = a"),
        ("a, b)", ")", "a, b)"),
        # unless they are all that is left of the line, and no brackets alone.
        ("bool:", ":\n    return 1\n", "bool"),
        ("1;", ";", "1"),
        ("[]", "[]\n", ""),
        ("a()", "()", "a"),
        ('b"', '"', "b"),
        ("b}", "}", "b}"),
        ("😁'", "'", "😁"),
        ("a):", "):", "a):"),
        # Before the rest of a line only one line can stand.
        ("a\nb", ")", "a"),
        ("a  \nb", ")", "a"),
        # What the next line of the file holds already.
        ("x = 1\n    return x", "\n    return x\n", "x = 1"),
        ("x = 1\n    return x\n    y", "\n\n    return x\n", "x = 1"),
        ("return x", "\n    return x\n", ""),
        ("x = 1\n}", "\n}", "x = 1"),
        ("x = 1\n    return x", "\n    return y\n", "x = 1\n    return x"),
        # What one of the three lines after it that are not blank holds,
        ("x = 1\n    pass", "\n    y = 1\n\n    z = 1\n    pass\n", "x = 1"),
        ("x = 1\n    pass", "\n    y = 1\n    z = 1\n    a = 1\n    pass\n", "x = 1\n    pass"),
        # but for brackets that end another block.
        ("if (a) {\n    b();\n  }", "\n}", "if (a) {\n    b();\n  }"),
        # The head of a line below, which is where another word begins.
        ("x = value", "\nvalue = 2", "x ="),
    ],
)
def test_what_is_shown(suggestion, suffix, shown):
    assert trim(suggestion, suffix) == shown


@pytest.mark.parametrize(
    ("line_before", "suggestion", "suffix", "shown"),
    [
        # A line that was begun is not finished as the one below it is,
        ("    x = ", "1", "\n    x = 1\n", ""),
        ("    x = ", "1", "\n    y = 1\n    x = 1\n", "1"),
        ("    x = ", "f(1", ")\n    x = f(1)\n", ""),
        ("    x = ", "f(1", ")\nx = f(1)\n", "f(1"),
        # and of one that is empty the indentation counts.
        ("    ", "}", "\n    }\n", ""),
        ("    ", "}", "\n}\n", "}"),
        ("    ", "return x", "\n    return x\n", ""),
    ],
)
def test_the_cursors_line_is_compared_too(line_before, suggestion, suffix, shown):
    assert trim(suggestion, suffix, line_before) == shown


@given(texts, texts)
@example("a \nb", ")")
def test_what_is_shown_is_a_beginning_of_the_suggestion_with_no_white_space_at_its_end(suggestion, suffix):
    shown = trim(suggestion, suffix)
    assert suggestion.startswith(shown)
    assert shown == shown.rstrip()


def repeats(shown, suffix):
    """What nobody wants to see, said in another way."""
    letters, following = "".join(shown.split()), "".join(suffix.split())
    heads = [following[:n] for n in range(3, len(following) + 1)]
    next_lines = [line.strip() for line in suffix.split("\n")[1:] if line.strip()][:3]
    lines = [line.strip() for line in shown.split("\n")]
    long_lines = [line for line in next_lines if len("".join(line.split())) >= 3]
    return any(map(letters.endswith, heads)) or any(line in lines for line in long_lines)


pieces = st.lists(
    st.sampled_from(
        [
            "abc",
            "a",
            "b c",
            "foo(",
            ")",
            "}",
            " ",
            "  ",
            "\t",
            "\n",
            "\n    ",
            "):",
            "é",
            "😀",
            "\ud800",
            "\0",
            "\r\n",
            "\f",
        ]
    )
    | st.characters()
).map("".join)


@given(pieces, pieces, pieces)
@example("", "x = abc", "\nabc")
@example("x = ", "f(1", ")\nx = f(1)")
def test_nothing_that_follows_is_repeated(line_before, suggestion, suffix):
    line_before = line_before.replace("\n", "")
    for text in (suggestion, suggestion + suffix, suggestion + suffix.lstrip(), suffix[1:], suggestion + suffix[:7]):
        shown = trim(text, suffix, line_before)
        assert not repeats(shown, suffix)
        assert not repeats_by_the_benchmark(shown, line_before, suffix)
        assert trim(shown, suffix, line_before) == shown

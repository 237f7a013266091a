"""When a frozen text is still good enough beside the document as it is now."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.prompts.drift import Drift, lines_before, prefix_drift, suffix_drift
from pylot_ls.text.rope import Text

LINES = [f"line number {n}" for n in range(200)]
SUFFIX = "\n" + "\n".join(LINES[:100])
PREFIX = "".join(f"{line}\n" for line in LINES)


def after(now, frozen=SUFFIX):
    return suffix_drift(Text.from_str("typed" + now), 5, frozen, 10_000)


def before(now, frozen=PREFIX):
    text = Text.from_str("above\n" + now + "typed")
    return prefix_drift(text, len(text) - 5, frozen)


def test_the_same_text_has_not_drifted():
    assert after(SUFFIX) is Drift.NONE
    assert before(PREFIX) is Drift.NONE


@pytest.mark.parametrize("closed", [")", "]}", '"""', "\n}", "\r\n    ])", "')"])
def test_what_an_editor_closes_at_the_cursor_is_no_drift(closed):
    assert after(closed + SUFFIX) is Drift.NONE
    assert after(closed, "") is Drift.NONE


def test_typing_over_a_bracket_that_is_frozen_is_a_small_drift():
    assert after(SUFFIX, ")" + SUFFIX) is Drift.SMALL


def test_a_change_far_below_is_a_small_drift_also_beside_a_closed_bracket():
    assert after(SUFFIX.replace("number 50", "no. 50")) is Drift.SMALL
    assert after(")" + SUFFIX.replace("number 50", "no. 50")) is Drift.SMALL
    assert after("\n}" + SUFFIX.replace("number 50", "no. 50")) is Drift.SMALL


@pytest.mark.parametrize(("n_changed", "drift"), [(9, Drift.SMALL), (11, Drift.LARGE)])
def test_a_tenth_of_other_lines_below_is_a_large_drift(n_changed, drift):
    assert after("\n" + "\n".join(LINES[: 100 - n_changed] + ["new line no. x"] * n_changed)) is drift
    assert after("\n" + "\n".join(LINES[:80] + ["new line no. x"] * n_changed + LINES[80:100])) is drift
    assert after("\n" + "\n".join(LINES[: 80 - n_changed] + LINES[80:100])) is drift


@pytest.mark.parametrize(
    "now",
    [
        SUFFIX.replace("number 0", "no. 0"),
        SUFFIX.replace("number 2\n", "no. 2\n"),
        " x" + SUFFIX,
        SUFFIX[1:],
        SUFFIX[5:],
        "",
        "\n",
    ],
    ids=["first line", "third line", "the cursor's line", "lines joined", "cursor moved", "all gone", "blank"],
)
def test_a_change_next_to_the_cursor_is_a_large_drift(now):
    assert after(now) is Drift.LARGE


def test_blank_lines_and_white_space_at_the_cursor_are_a_small_drift():
    assert after("\n" + SUFFIX) is Drift.SMALL
    assert after("  " + SUFFIX) is Drift.SMALL
    assert after("\n", "") is Drift.SMALL


def test_indentation_counts():
    assert after(SUFFIX.replace("\nline number 1\n", "\n    line number 1\n")) is Drift.LARGE


@pytest.mark.parametrize(("n_changed", "drift"), [(1, Drift.SMALL), (18, Drift.SMALL), (22, Drift.LARGE)])
def test_a_tenth_of_other_lines_above_is_a_large_drift(n_changed, drift):
    assert before("".join(f"{line}\n" for line in ["new line no. x"] * n_changed + LINES[n_changed:])) is drift
    assert before("".join(f"{line}\n" for line in LINES[:50] + ["new line no. x"] * n_changed + LINES[50:])) is drift


@given(st.lists(st.tuples(st.sampled_from(LINES[:6]), st.sampled_from(LINES[:6])), max_size=30))
def test_the_drift_is_that_of_the_lines_that_one_side_lacks(changes):
    # As long as the frozen text, or lines at the window's beginning would come and go besides.
    old, new = ([*LINES[10:20], *(change[side] for change in changes), *LINES[20:60]] for side in (0, 1))
    frozen, now = ("".join(f"{line}\n" for line in lines) for lines in (old, new))
    n_lacking = (Counter(old) - Counter(new)).total() * len("line number 1\n")
    expected = Drift.NONE if frozen == now else Drift.SMALL if n_lacking < 0.1 * len(frozen) else Drift.LARGE
    assert before(now, frozen) is expected


@given(st.lists(st.text("ab\r ", max_size=4)), st.sampled_from(["", "\n"]))
def test_the_end_of_a_prefix_that_must_be_true_is_its_last_forty_lines(lines, end):
    text = "\n".join(lines) + end
    assert text.endswith(lines_before(text))
    assert lines_before(text) == "".join(text.splitlines(keepends=True)[-40:]) or "\r" in text
    assert lines_before(text).count("\n") <= 40

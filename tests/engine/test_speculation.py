"""What is drafted is what followed before, and how much depends on what was measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine.ngrams import Matcher, TokenText
from pylot_ls.engine.speculation import Draft, Lookup, Speculation, draft_of

LONGEST = 15
# Tokens whose bytes look like parts of one another, so that matches between two tokens come up.
TOKENS = st.lists(st.sampled_from([0, 1, 256, 257, 65536, 2**24]), max_size=60)


def plain_draft(tokens):
    """The plainest oracle: compare at every earlier place, the latest first."""
    for n in (3, 2, 1):
        places = [at for at in range(len(tokens) - 1, n - 1, -1) if tokens[at - n : at] == tokens[-n:]][:2]
        runs = []
        for place in places:
            run = list(tokens)
            for at in range(place, place + LONGEST):
                run.append(run[at])
            runs.append(run[len(tokens) :])
        if runs:
            n_same = next((n for n in range(LONGEST) if runs[0][n] != runs[-1][n]), LONGEST)
            return Draft(runs[0][:n_same], n, len(places)) if n_same else Draft()
    return Draft()


@given(TOKENS)
def test_the_draft_is_what_followed_the_last_two_occurrences_of_the_longest_match(tokens):
    assert Lookup().draft(tokens) == plain_draft(tokens)


def test_a_draft_ends_where_lines_that_are_alike_differ():
    draft = Lookup().draft([*map(ord, "f(x);f(y);f(z);")])
    assert ("".join(map(chr, draft.tokens)), draft.n_matched, draft.n_found) == ("f(", 2, 2)


@given(TOKENS, st.lists(st.integers(1, 9)))
def test_a_draft_does_not_depend_on_when_was_asked_before(tokens, steps):
    lookup = Lookup()
    end = 0
    for step in steps:
        end = min(len(tokens), end + step)
        assert lookup.draft(tokens[:end]) == Lookup().draft(tokens[:end])


def learnt(further, share, n_matched=3):
    """What it knows after long measuring a machine and a text."""
    speculation = Speculation()
    speculation.took(1, 40.0)
    for n in range(400):
        speculation.took(1, 40.0)
        speculation.took(5, 40.0 * (1 + 4 * further))
        # Spread evenly, so that the last ones weigh what all do.
        speculation.followed(Draft((7,), n_matched, 1), [7 if n * share % 1 < share else 8])
    return speculation


@pytest.mark.parametrize(
    ("further", "share", "n_tokens"),
    [(0.02, 0.95, 15), (0.45, 1.0, 15), (0.45, 0.85, 3), (0.45, 0.5, 0), (0.02, 0.25, 2), (1.2, 1.0, 0)],
)
def test_a_draft_is_as_long_as_pays(further, share, n_tokens):
    length = learnt(further, share).length(Draft((7,) * LONGEST, 3, 1), LONGEST)
    assert abs(length - n_tokens) <= (n_tokens > 1) * 2
    assert (length > 0) == (n_tokens > 0)


@given(st.integers(-1, 20), st.integers(0, LONGEST), st.sampled_from([1, 2, 3]))
def test_a_draft_is_never_longer_than_there_are_tokens_or_room(n_most, n_tokens, n_matched):
    length = learnt(0.0, 1.0, n_matched).length(Draft((7,) * n_tokens, n_matched, 1), n_most)
    assert length == max(0, min(n_most, n_tokens))


def test_what_is_learnt_of_one_length_of_match_is_its_own():
    speculation = learnt(0.3, 0.0, n_matched=2)
    assert speculation.length(Draft((7,) * LONGEST, 2, 1), LONGEST) == 0
    assert speculation.length(Draft((7,) * LONGEST, 3, 1), LONGEST) > 0


def test_where_drafts_do_not_pay_a_short_one_is_tried_now_and_then():
    speculation = learnt(1.2, 0.9)
    lengths = [speculation.length(Draft((7,) * LONGEST, 3, 1), LONGEST) for _ in range(200)]
    assert (set(lengths), sum(lengths)) == ({0, 1}, 3)


def test_a_machine_that_became_faster_is_noticed():
    speculation = learnt(1.2, 0.9)
    for _ in range(40):
        speculation.took(2, 44.0)
    assert speculation.length(Draft((7,) * LONGEST, 3, 1), LONGEST) > 3


def test_tokens_after_the_first_wrong_one_say_nothing():
    once, twice = Speculation(), Speculation()
    once.followed(Draft((1, 2, 3), 3, 1), [1, 9])
    twice.followed(Draft((1, 2, 3), 3, 1), [1, 9, 3])
    assert once._right == twice._right


def test_a_first_evaluation_of_several_tokens_says_nothing_of_their_cost():
    speculation = Speculation()
    speculation.took(4, 1e6)
    assert speculation.length(Draft((7,) * LONGEST, 3, 1), LONGEST) > 0


def test_a_long_match_in_a_known_text_goes_before_a_short_one_in_the_prompt():
    def matcher():
        return Matcher([(TokenText([[1, 2, 3, 4, 5, 6, 7]], [0]), (0, 0))])

    prompt = [4, 9, 9, 1, 2, 3, 4]
    assert draft_of(matcher(), Lookup(), prompt) == Draft([5, 6, 7], 4, 1)
    assert draft_of(matcher(), Lookup(), prompt[:-1]) == Draft()
    assert draft_of(None, Lookup(), prompt) == Lookup().draft(prompt) != Draft()

"""What followed the longest match of the last tokens is found, in the right texts alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine import ngrams
from pylot_ls.engine.ngrams import Guess, Matcher, Ngrams, TokenText, mix, mixture
from pylot_ls.engine.types import Hole

TOKENS = st.lists(st.integers(0, 3), max_size=40)
NOWHERE = Hole("", 0, 0)


def text_of(tokens):
    return TokenText([tokens], [0])


def plain_guess(texts, last):
    """The plainest oracle: compare at every place; the longest matches, and how often each token followed."""
    best, followed = 2, []
    for tokens, (start, end) in texts:
        for at in range(2, len(tokens)):
            if start <= at < end:
                continue
            n = 0
            while n < min(16, len(last), at) and tokens[at - 1 - n] == last[-1 - n]:
                n += 1
            if n > best:
                best, followed = n, []
            if n == best:
                followed.append(tokens[at])
    return {token: followed.count(token) / len(followed) for token in followed}


def as_dict(guess):
    return {} if guess is None else dict(zip(guess.tokens.tolist(), guess.shares.tolist(), strict=True))


@given(st.lists(TOKENS, min_size=1, max_size=3), TOKENS, st.tuples(st.integers(0, 20), st.integers(0, 20)))
def test_the_guess_is_what_followed_the_longest_matches(texts, last, hole):
    holes = [tuple(sorted(hole)), *[(0, 0)] * (len(texts) - 1)]
    matcher = Matcher([(text_of(tokens), span) for tokens, span in zip(texts, holes, strict=True)])
    assert as_dict(matcher.guess(last)) == pytest.approx(plain_guess(list(zip(texts, holes, strict=True)), last))


@given(TOKENS, TOKENS, st.lists(st.integers(1, 5)))
def test_following_a_run_of_tokens_finds_what_a_search_finds(text, run, steps):
    matcher, end = Matcher([(text_of(text), (0, 0))]), 0
    for step in steps:
        end = min(len(run), end + step)
        followed, searched = matcher.guess(run[:end]), Matcher([(text_of(text), (0, 0))]).guess(run[:end])
        # Beyond sixteen tokens the one that follows still tells the longer matches from the others.
        if end <= 16:
            assert as_dict(followed) == as_dict(searched)
            assert (followed and followed.weight) == (searched and searched.weight)


def test_the_draft_is_what_followed_the_last_two_matches_alike():
    text = text_of([1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 6, 0, 1, 2, 3, 4, 5])
    tokens, length, n_found = Matcher([(text, (0, 0))]).draft([1, 2], 15)
    assert (tokens.tolist(), length, n_found) == ([3, 4], 2, 2)
    tokens, length, n_found = Matcher([(text, (0, 0))]).draft([5, 0, 1, 2], 3)
    assert (tokens.tolist(), length, n_found) == ([3, 4, 6], 4, 1)
    assert Matcher([(text, (0, 0))]).draft([7, 7], 15)[0].tolist() == []


@given(TOKENS, TOKENS)
def test_drafting_between_two_guesses_changes_none(text, run):
    plain, drafting = (Matcher([(text_of(text), (0, 0))]) for _ in range(2))
    for end in range(len(run)):
        drafting.draft(run[:end], 15)
        assert as_dict(drafting.guess(run[:end])) == as_dict(plain.guess(run[:end]))


def test_of_a_frequent_pair_the_last_occurrences_count(monkeypatch):
    monkeypatch.setattr(ngrams, "_MOST_OCCURRENCES", 2)
    text = text_of([1, 2, 7, 1, 2, 8, 1, 2, 9])
    assert text.tokens[text.after(1, 2)].tolist() == [8, 9]


def test_a_longer_match_weighs_more_and_so_does_one_that_always_went_on_in_the_same_way():
    text = [9, 1, 2, 3, 4, 5, 8, 0, 3, 4, 6]
    often, once = [*text, 7, 3, 4, 6], text
    short = Matcher([(text_of(once), (0, 0))]).guess([3, 4])
    long = Matcher([(text_of(once), (0, 0))]).guess([1, 2, 3, 4])
    same = Matcher([(text_of([0, 3, 4, 6, 7, 3, 4, 6]), (0, 0))]).guess([3, 4])
    assert short.weight < Matcher([(text_of(often), (0, 0))]).guess([0, 3, 4]).weight
    assert short.weight < long.weight
    assert short.weight < same.weight


def test_the_lines_of_the_hole_do_not_count_in_their_own_text_and_do_in_others():
    known = Ngrams()
    blocks = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    known.put("", "a", TokenText(blocks, [0, 2, 3]))
    assert known.matcher("", Hole("a", 1, 2), []).guess([4, 5]) is None
    assert as_dict(known.matcher("", Hole("a", 3, 3), []).guess([4, 5])) == {6: 1.0}
    assert as_dict(known.matcher("", Hole("b", 2, 2), []).guess([4, 5])) == {6: 1.0}
    # Behind the hole, but what matches begins in it.
    assert as_dict(known.matcher("", Hole("a", 2, 2), []).guess([5, 6])) == {7: 1.0}


def test_a_hole_beyond_the_text_as_it_was_learnt_excludes_its_last_lines_or_nothing():
    text = TokenText([[1, 2], [3]], [0, 1])
    assert text.positions(0, 0) == (0, 2)
    assert text.positions(7, 9) == (2, 3)
    assert TokenText([], []).positions(3, 4) == (0, 0)


def test_what_is_typed_now_counts():
    assert as_dict(Ngrams().matcher("", NOWHERE, [1, 2, 3]).guess([1, 2])) == {3: 1.0}


def test_sessions_do_not_see_each_others_texts():
    known = Ngrams()
    known.put("one", "a", text_of([1, 2, 3]))
    assert known.matcher("two", NOWHERE, []).guess([1, 2]) is None
    assert known.matcher("one", NOWHERE, []).guess([1, 2]) is not None


def test_a_restricted_text_counts_in_itself_alone_until_it_is_put_again():
    known, inside = Ngrams(), Hole("a", 1, 1)
    text = TokenText([[1, 2, 3], [9]], [0, 1])
    known.put("", "a", text, own_only=True)
    assert known.matcher("", NOWHERE, []).guess([1, 2]) is None
    assert as_dict(known.matcher("", inside, []).guess([1, 2])) == {3: 1.0}
    known.put("", "a", text)
    assert as_dict(known.matcher("", NOWHERE, []).guess([1, 2])) == {3: 1.0}
    known.restrict("", "a")
    assert known.matcher("", NOWHERE, []).guess([1, 2]) is None


def test_a_text_takes_the_place_of_the_one_before_and_can_be_dropped():
    known = Ngrams()
    known.put("", "a", text_of([1, 2, 3]))
    known.put("", "a", text_of([1, 2, 4]))
    assert as_dict(known.matcher("", NOWHERE, []).guess([1, 2])) == {4: 1.0}
    known.drop("", "a")
    known.drop("", "never there")
    assert known.matcher("", NOWHERE, []).guess([1, 2]) is None


def test_the_oldest_texts_go_where_they_become_too_many(monkeypatch):
    monkeypatch.setattr(ngrams, "_MOST_TOKENS", 7)
    known = Ngrams()
    for n in range(3):
        known.put("", str(n), text_of([10 * n, 10 * n + 1, 10 * n + 2]))
    guesses = [known.matcher("", NOWHERE, []).guess([10 * n, 10 * n + 1]) for n in range(3)]
    assert [guess is not None for guess in guesses] == [False, True, True]


def mixed(logits, guess, among=None):
    logits = np.array(logits, dtype=np.float32)
    ids = None if among is None else np.array(among, dtype=np.int32)
    logits = logits if ids is None else logits[ids]
    own, total = int(logits.argmax()), float(np.log(np.exp(logits).sum()))
    place, logprob = mix(guess.among(ids), logits, total, own)
    return (place if ids is None else among[place]), math.exp(logprob)


def guess(shares, weight):
    return Guess(np.array(list(shares)), np.array(list(shares.values())), weight)


def test_the_mixed_probability_decides():
    logits = np.log([0.6, 0.3, 0.1])
    assert mixed(logits, guess({2: 1.0}, 0.3)) == (0, pytest.approx(0.42))
    assert mixed(logits, guess({2: 1.0}, 0.5)) == (2, pytest.approx(0.55))
    assert mixed(logits, guess({0: 0.5, 2: 0.5}, 0.5)) == (0, pytest.approx(0.55))


SHARES = st.dictionaries(st.integers(0, 4), st.floats(0.1, 1.0), min_size=1, max_size=4)


@given(st.lists(st.floats(-5, 5), min_size=5, max_size=5), SHARES, st.floats(0, 0.9))
def test_the_first_of_all_mixed_probabilities_is_the_one_that_decides(logits, shares, weight):
    found = guess({token: share / sum(shares.values()) for token, share in shares.items()}, weight)
    logits = np.array(logits, dtype=np.float32)
    total = float(np.log(np.exp(logits).sum()))
    logprobs = mixture(found, logits, total)
    assert np.exp(logprobs).sum() == pytest.approx(1.0, abs=1e-5)
    _, best = mix(found, logits, total, int(logits.argmax()))
    assert logprobs.max() == pytest.approx(best, abs=1e-6)


def test_among_some_tokens_the_others_are_neither_the_models_nor_the_guess():
    logits = np.log([0.6, 0.3, 0.1])
    assert mixed(logits, guess({0: 0.9, 2: 0.1}, 0.5), [1, 2]) == (2, pytest.approx(0.5 * 0.25 + 0.5))
    assert mixed(logits, guess({0: 1.0}, 0.5), [1, 2]) == (1, pytest.approx(0.75))

"""Drawing: what may be drawn is what llama.cpp's samplers leave, as often as they say; a seed decides all of it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylot_ls.engine.checking import check_sampling
from pylot_ls.engine.sampler import Sampler
from pylot_ls.engine.types import Sampling
from pylot_ls.errors import RequestError

PLAIN = Sampling(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, seed=1)
# None equal to another: which of them is left at a border is not said.
LOGITS = st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=12, unique_by=lambda value: round(value, 3))


def sampler(sampling, without_text=(), grammar=None):
    return Sampler(sampling, without_text, lambda token: token in without_text, grammar)


def drawn(sampling, values, tokens=(), n=60):
    logits = np.array(values, dtype=np.float32)
    one = sampler(sampling)
    return [one.choose(logits, tokens)[0] for _ in range(n)]


def probabilities(values):
    weights = np.exp(np.array(values, dtype=np.float64) - max(values))
    return weights / weights.sum()


def left_by_llama_cpp(values, sampling):
    """The tokens that its samplers leave, written out one by one over a list, as llama-sampler.cpp describes them."""
    left = sorted(range(len(values)), key=lambda token: (-values[token], token))
    if sampling.top_k:
        left = left[: sampling.top_k]
    if sampling.top_p < 1:
        weights = [math.exp(values[token] - values[left[0]]) for token in left]
        total, reached = sum(weights), 0.0
        for n_left, weight in enumerate(weights, 1):
            reached += weight
            if reached / total >= sampling.top_p:
                left = left[:n_left]
                break
    if sampling.min_p:
        left = [token for token in left if math.exp(values[token] - values[left[0]]) >= sampling.min_p]
    return set(left)


@settings(max_examples=50)
@given(
    LOGITS,
    st.integers(0, 12),
    st.sampled_from([0.0, 0.31, 0.77, 0.95, 1.0]),
    st.sampled_from([0.0, 0.013, 0.21, 1.0]),
)
def test_only_what_top_k_top_p_and_min_p_leave_is_drawn(values, top_k, top_p, min_p):
    sampling = replace(PLAIN, top_k=top_k, top_p=top_p, min_p=min_p, temperature=5.0)
    assert set(drawn(sampling, values)) <= left_by_llama_cpp(values, sampling)
    # With all logits as probable as each other, as a high temperature makes them, each one that is left comes.
    hot = set(drawn(replace(sampling, temperature=1e6), values, n=300))
    assert hot == left_by_llama_cpp(values, sampling)


@pytest.mark.parametrize("top_k", [0, 4])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_come_as_often_as_their_probabilities_say(temperature, top_k):
    values = [2.0, 1.0, 0.0, -1.0]
    n = 20_000
    counts = Counter(drawn(replace(PLAIN, temperature=temperature, top_k=top_k), values, n=n))
    expected = probabilities([value / temperature for value in values])
    assert [counts[token] / n for token in range(4)] == pytest.approx(list(expected), abs=0.015)


def test_of_a_large_vocabulary_the_nucleus_is_found_whatever_its_size():
    values = np.linspace(0, -0.001, 20_000)
    for n_left in (100, 1000, 10_000):
        sampling = replace(PLAIN, top_p=(n_left - 0.5) / len(values))
        assert max(drawn(sampling, values, n=500)) < n_left


@given(LOGITS, st.integers(0, 2**32 - 1))
def test_a_seed_decides_every_draw(values, seed):
    sampling = replace(PLAIN, seed=seed)
    assert drawn(sampling, values) == drawn(sampling, values)


def test_without_a_seed_and_with_another_the_draws_are_others():
    values = [0.0] * 50
    assert drawn(replace(PLAIN, seed=1), values) != drawn(replace(PLAIN, seed=2), values)
    assert drawn(replace(PLAIN, seed=None), values) != drawn(replace(PLAIN, seed=None), values)


def test_at_temperature_0_the_best_of_what_penalties_leave_is_taken():
    greedy = replace(PLAIN, temperature=0.0)
    assert set(drawn(greedy, [1.0, 2.0, 1.9])) == {1}
    assert set(drawn(replace(greedy, repeat_penalty=2.0), [1.0, 2.0, 1.9], [1])) == {2}
    assert set(drawn(replace(greedy, frequency_penalty=0.06), [1.0, 2.0, 1.9], [1])) == {1}
    assert set(drawn(replace(greedy, frequency_penalty=0.06), [1.0, 2.0, 1.9], [1, 1])) == {2}
    assert set(drawn(replace(greedy, presence_penalty=0.06), [1.0, 2.0, 1.9], [1, 1])) == {1}
    assert set(drawn(replace(greedy, presence_penalty=0.2), [1.0, 2.0, 1.9], [1])) == {2}


def test_a_repeat_penalty_makes_negative_logits_more_negative():
    sampling = replace(PLAIN, temperature=0.0, repeat_penalty=2.0)
    assert set(drawn(sampling, [-1.0, -1.5], [0])) == {1}


@pytest.mark.parametrize(("last_n", "token"), [(0, 1), (1, 1), (2, 2), (64, 2), (-1, 2)])
def test_only_the_last_tokens_are_penalised(last_n, token):
    sampling = replace(PLAIN, temperature=0.0, repeat_penalty=2.0, repeat_last_n=last_n)
    assert set(drawn(sampling, [1.0, 2.0, 1.9], [1, 0])) == {token}


def test_a_bias_raises_a_token_bans_it_and_is_added_before_the_penalties():
    greedy = replace(PLAIN, temperature=0.0)
    assert set(drawn(replace(greedy, logit_bias=((0, 5.0),)), [1.0, 2.0])) == {0}
    assert set(drawn(replace(greedy, logit_bias=((0, 0.6), (0, 0.6))), [1.0, 2.0])) == {0}
    assert 1 not in drawn(replace(PLAIN, logit_bias=((1, -math.inf),)), [1.0, 2.0, 1.0])
    assert set(drawn(replace(greedy, logit_bias=((0, 3.0),), repeat_penalty=2.0), [1.0, 2.0], [0, 1])) == {0}


def test_where_everything_is_banned_nothing_is_drawn():
    with pytest.raises(RequestError, match="ban every token"):
        drawn(replace(PLAIN, logit_bias=((0, -math.inf), (1, -math.inf))), [1.0, 2.0])


def test_what_ends_a_text_is_never_drawn_where_it_is_to_be_ignored():
    logits = np.array([1.0, 9.0, 0.5], dtype=np.float32)
    ignoring = sampler(replace(PLAIN, ignore_eos=True), without_text=(1,))
    assert {ignoring.choose(logits, ())[0] for _ in range(50)} == {0, 2}
    assert sampler(replace(PLAIN, temperature=0.0), without_text=(1,)).choose(logits, ())[0] == 1


def test_the_probability_is_the_models_own_whatever_is_done_to_it():
    values = [2.0, 1.0, 0.0]
    sampling = replace(PLAIN, temperature=0.3, top_k=2, logit_bias=((2, 9.0),), repeat_penalty=1.5)
    token, logprob = sampler(sampling).choose(np.array(values, dtype=np.float32), [0, 1, 2])
    assert logprob == pytest.approx(math.log(probabilities(values)[token]), abs=1e-5)


@pytest.mark.parametrize("largest", [1e9, -1e9])
def test_the_largest_numbers_that_are_taken_overflow_nothing(largest):
    sampling = Sampling(
        temperature=5e-324,
        repeat_penalty=1e-9,
        frequency_penalty=largest,
        presence_penalty=largest,
        logit_bias=((0, largest), (1, -largest)),
    )
    check_sampling(sampling, 3)
    assert set(drawn(sampling, [-30.0, 30.0, 0.0], [0, 1, 2] * 1000)) <= {0, 1, 2}


class OnlyEven:
    """A grammar that allows even tokens; it is asked about the draws."""

    def __init__(self):
        self.accepted = []
        self.n_bound = 0

    def allows(self, token):
        return token % 2 == 0

    def bind(self, logits, _without_text):
        self.n_bound += 1
        return np.where(np.arange(len(logits)) % 2 == 0, logits, -np.inf).astype(np.float32)

    def accept(self, token):
        self.accepted.append(token)


@given(LOGITS, st.integers(0, 99))
def test_with_a_grammar_a_draw_that_it_refuses_is_drawn_again_from_what_it_allows(values, seed):
    sampling, grammar = replace(PLAIN, seed=seed), OnlyEven()
    bound, free = sampler(sampling, grammar=grammar), sampler(sampling)
    logits = np.array(values, dtype=np.float32)
    chosen, first = bound.choose(logits, ())[0], free.choose(logits, ())[0]
    assert grammar.accepted == [chosen]
    assert chosen % 2 == 0
    assert (chosen == first) if first % 2 == 0 else (grammar.n_bound == 1)


def test_what_a_grammar_demands_comes_also_where_it_is_banned():
    sampling = replace(PLAIN, logit_bias=((0, -math.inf),))
    assert sampler(sampling, grammar=OnlyEven()).choose(np.array([1.0, 2.0], dtype=np.float32), ())[0] == 0


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"temperature": -0.1}, "temperature is -0.1; it has to be 0.0 or more"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"temperature": math.inf}, "temperature is inf"),
        ({"top_k": -1}, "top_k is -1; it has to be 0 or more"),
        ({"top_p": 1.5}, "top_p is 1.5; it has to be from 0.0 to 1.0"),
        ({"top_p": -0.5}, "top_p is -0.5"),
        ({"min_p": 2.0}, "min_p is 2.0"),
        ({"repeat_last_n": -2}, "repeat_last_n is -2"),
        ({"repeat_penalty": 0.0}, "repeat_penalty is 0.0"),
        ({"frequency_penalty": math.nan}, "frequency_penalty is nan"),
        ({"presence_penalty": -math.inf}, "presence_penalty is -inf"),
        ({"seed": -1}, "seed is -1; it has to be from 0 to 4294967295"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"logit_bias": ((10, 1.0),)}, "logit_bias names the token 10; those of the model are 0 to 9"),
        ({"logit_bias": ((-1, 1.0),)}, "logit_bias names the token -1"),
        ({"logit_bias": ((1, math.nan),)}, "logit_bias adds nan to the token 1"),
        ({"logit_bias": ((1, math.inf),)}, "logit_bias adds inf to the token 1"),
    ],
)
def test_what_cannot_be_is_refused_and_the_text_says_what_can(wrong, reason):
    check_sampling(PLAIN, 10)
    with pytest.raises(RequestError) as refused:
        check_sampling(replace(PLAIN, **wrong), 10)
    assert str(refused.value).startswith(reason)

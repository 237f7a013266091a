"""With each token come its own bytes and, where they are asked for, the most probable ones in its place."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine.logits import log_total, most_probable, most_probable_ids, nucleus
from pylot_ls.engine.prompt_types import TextSegment, TokensSegment
from pylot_ls.engine.types import Failed

PROMPT = (TextSegment("def add(a, b):\n    return a +"),)


@given(st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=50), st.integers(0, 60))
def test_the_most_probable_tokens_come_in_order_with_their_probabilities(values, n_tokens):
    logits = np.array(values, dtype=np.float32)
    exact = np.array(values) - math.log(sum(map(math.exp, values)))
    expected = sorted(range(len(values)), key=lambda token: -values[token])[:n_tokens]
    found = most_probable(logits, n_tokens)
    assert [values[token] for token, _ in found] == [values[token] for token in expected]
    assert [logprob for _, logprob in found] == pytest.approx([exact[token] for token, _ in found], abs=1e-4)
    assert log_total(logits) == pytest.approx(math.log(sum(map(math.exp, values))), abs=1e-4)


def test_the_pieces_of_an_answer_are_its_text(bundled):
    answer = bundled.ask((TextSegment("# Привет, мир: 你好\nx = '你"),), 12)
    said = b"".join(token.piece for token in answer.tokens).decode(errors="ignore")
    assert said.startswith(answer.text.rstrip("�"))
    assert all(token.piece and not token.alternatives for token in answer.tokens)


def test_the_first_alternative_of_a_greedy_answer_is_the_token_itself(bundled):
    answer = bundled.ask(PROMPT, 6, n_alternatives=5)
    plain = bundled.ask(PROMPT, 6)
    assert [token.token_id for token in answer.tokens] == [token.token_id for token in plain.tokens]
    for token in answer.tokens:
        first = token.alternatives[0]
        assert (first.token_id, first.piece) == (token.token_id, token.piece)
        assert first.logprob == pytest.approx(token.logprob, abs=1e-5)
        logprobs = [each.logprob for each in token.alternatives]
        assert len(logprobs) == 5
        assert logprobs == sorted(logprobs, reverse=True)


def test_all_of_the_vocabulary_comes_where_so_much_is_asked_for(bundled):
    n_vocab = bundled.state().info.n_vocab
    (token,) = bundled.ask(PROMPT, 1, n_alternatives=n_vocab + 10).tokens
    assert sorted(each.token_id for each in token.alternatives) == list(range(n_vocab))
    assert sum(math.exp(each.logprob) for each in token.alternatives) == pytest.approx(1.0, abs=1e-3)
    assert b"<|fim_prefix|>" in {each.piece for each in token.alternatives}


def test_a_prompt_of_tokens_gets_the_answer_of_its_text(bundled):
    tokens = bundled.backend._loaded.renderer.render(PROMPT)
    assert bundled.ask((TokensSegment(tokens),)).text == bundled.ask(PROMPT).text


def test_unknown_tokens_and_fewer_alternatives_than_none_are_refused(bundled):
    n_vocab = bundled.state().info.n_vocab
    for prompt, n_alternatives, reason in (
        ((TokensSegment((0, n_vocab)),), 0, f"there is no token {n_vocab}"),
        (PROMPT, -1, "-1 alternatives were asked for"),
    ):
        end = bundled.ask(prompt, 4, n_alternatives=n_alternatives).end
        assert isinstance(end, Failed)
        assert (end.kind, reason in end.message) == ("RequestError", True)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3000), st.sampled_from([0.01, 1.0, 10.0]), st.booleans())
def test_of_a_large_vocabulary_the_most_probable_are_found_as_in_a_small_one(seed, n_tokens, width, is_sorted):
    logits = np.random.default_rng(seed).normal(0, width, 10_000).astype(np.float32)
    if is_sorted:
        logits.sort()
    expected = np.sort(logits)[::-1][:n_tokens]
    assert np.array_equal(logits[most_probable_ids(logits, n_tokens)], expected)


def test_where_a_sample_misses_the_most_probable_they_are_found_all_the_same():
    logits = np.zeros(6400, dtype=np.float32)
    logits[::64] = np.arange(1, 101)
    logits[1:31:2] = np.arange(1000, 1015)
    assert logits[most_probable_ids(logits, 20)].tolist() == [*range(1014, 999, -1), *range(100, 95, -1)]
    banned = np.full(6400, -np.inf, dtype=np.float32)
    banned[[5, 17]] = 1.0
    assert set(most_probable_ids(banned, 40)) > {5, 17}


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.001, 1.0, 30.0]), st.floats(0, 1))
def test_a_nucleus_is_the_fewest_tokens_that_come_to_a_probability(seed, width, probability):
    logits = np.random.default_rng(seed).normal(0, width, 6000).astype(np.float32)
    found = nucleus(logits, probability)
    weights = np.exp(logits.astype(np.float64) - logits.max())
    n_found = len(found)
    ordered = np.sort(weights)[::-1] / weights.sum()
    assert len(set(found.tolist())) == n_found >= 1
    assert np.allclose(np.sort(logits[found]), np.sort(logits)[len(logits) - n_found :])
    assert ordered[:n_found].sum() >= probability - 1e-5
    assert ordered[: n_found - 1].sum() <= probability + 1e-5

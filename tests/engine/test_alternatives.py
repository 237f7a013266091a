"""With each token come its own bytes and, where they are asked for, the most probable ones in its place."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine.logits import log_total, most_probable
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

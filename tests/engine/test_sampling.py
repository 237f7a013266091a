"""Drawn answers of the real model: a seed gives one text, grammars are kept to, and refusals disturb nobody."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.prompt_types import Marker, MarkerSegment, TextSegment
from pylot_ls.engine.types import Failed, FinishReason, Sampling
from pylot_ls.prompts import grammars

PROMPT = (TextSegment("def add(a, b):\n"),)
HOT = Sampling(temperature=1.5, top_k=0, top_p=1.0, min_p=0.0, seed=7)
COLD = Sampling(temperature=0.0)


def said(answer):
    assert not isinstance(answer.end, Failed), answer.end.message
    return answer.text


def test_a_seed_gives_one_text_and_another_seed_another(bundled):
    def ask(seed):
        # Where other cells stand in between sums are rounded otherwise, which a draw may feel.
        while bundled.backend._loaded.sequences.evict():
            pass
        return said(bundled.ask(PROMPT, 24, sampling=replace(HOT, seed=seed)))

    texts = [ask(seed) for seed in range(4)]
    assert [ask(seed) for seed in range(4)] == texts
    assert len(set(texts)) == 4


def test_at_temperature_0_it_says_what_it_says_greedily(bundled):
    greedy, cold = bundled.ask(PROMPT, 16), bundled.ask(PROMPT, 16, sampling=COLD)
    assert [token.token_id for token in cold.tokens] == [token.token_id for token in greedy.tokens]
    assert [token.logprob for token in cold.tokens] == pytest.approx([t.logprob for t in greedy.tokens], abs=1e-4)


def test_the_probabilities_of_what_is_drawn_are_the_models_own(bundled):
    n_vocab = bundled.state().info.n_vocab
    for token in bundled.ask(PROMPT, 8, sampling=replace(HOT, temperature=0.7), n_alternatives=n_vocab).tokens:
        own = {each.token_id: each.logprob for each in token.alternatives}
        assert token.logprob == pytest.approx(own[token.token_id], abs=1e-4)
    assert any(
        token.token_id != token.alternatives[0].token_id
        for token in bundled.ask(PROMPT, 24, sampling=HOT, n_alternatives=1).tokens
    )


def test_an_end_that_is_ignored_does_not_come(bundled):
    # Behind a hole that nothing is missing in the text ends at once.
    prompt = tuple(map(MarkerSegment, (Marker.FIM_PREFIX, Marker.FIM_SUFFIX, Marker.FIM_MIDDLE)))
    bundled_end = bundled.backend._loaded.model.special_token("<|endoftext|>")
    ends = replace(COLD, logit_bias=((bundled_end, 100.0),))
    answer = bundled.ask(prompt, 12, sampling=ends)
    assert (answer.end.reason, answer.end.usage.tokens_decoded) == (FinishReason.END, 0)
    answer = bundled.ask(prompt, 12, sampling=replace(ends, ignore_eos=True))
    assert (answer.end.reason, answer.end.usage.tokens_decoded) == (FinishReason.LENGTH, 12)


def test_a_bias_bans_what_it_would_say(bundled):
    first = bundled.ask(PROMPT, 1).tokens[0].token_id
    banned = replace(COLD, logit_bias=((first, float("-inf")),))
    assert first not in {token.token_id for token in bundled.ask(PROMPT, 12, sampling=banned).tokens}


def test_a_penalty_keeps_it_from_repeating_itself(bundled):
    prompt = (TextSegment("a = 1, 1, 1, 1, 1, 1, 1, 1, 1,"),)
    assert said(bundled.ask(prompt, 10, sampling=COLD)).count("1") == 3
    penalised = replace(COLD, repeat_penalty=3.0, frequency_penalty=3.0, repeat_last_n=-1)
    answer = bundled.ask(prompt, 10, sampling=penalised)
    assert answer.text.count("1") < 3


@pytest.mark.parametrize("ignore_eos", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_grammar_is_kept_to_however_hot_it_is_drawn(bundled, seed, ignore_eos):
    sampling = replace(HOT, temperature=3.0, seed=seed, ignore_eos=ignore_eos)
    answer = bundled.ask(PROMPT, 100, grammar=grammars.json_name("name"), sampling=sampling)
    assert answer.end.reason in {FinishReason.END, FinishReason.LENGTH}
    if answer.end.reason is FinishReason.END:
        assert json.loads(answer.text)["name"].isidentifier()
    assert re.match(r'\{"name": "[A-Za-z_]', said(answer))


def test_of_what_a_grammar_allows_all_comes(bundled):
    texts = {
        said(
            bundled.ask(
                PROMPT, 20, grammar='root ::= "yes" | "no" | "да"', sampling=replace(HOT, temperature=9.0, seed=s)
            )
        )
        for s in range(30)
    }
    assert texts == {"yes", "no", "да"}


def test_nothing_is_drafted_healed_or_looked_up_and_a_rank_does_not_count(drive, bundled_config):
    driven = drive(LlamaBackend(replace(bundled_config, speculation=True, ngrams="on")))
    driven.state()
    prompt = (TextSegment("abab" * 20 + " retu"),)
    plain = driven.ask(prompt, 30, sampling=COLD)
    other = driven.ask(prompt, 30, sampling=COLD, heal=True, rank=2)
    assert said(other) == said(plain)
    assert other.end.usage.tokens_drafted == plain.end.usage.tokens_drafted == 0
    assert other.end.usage.prompt_tokens == plain.end.usage.prompt_tokens


def test_what_cannot_be_is_refused_and_the_next_request_is_served(bundled):
    n_vocab = bundled.state().info.n_vocab
    for wrong in (
        replace(HOT, seed=2**32),
        replace(HOT, top_p=1.1),
        replace(HOT, logit_bias=((n_vocab, 1.0),)),
        replace(HOT, logit_bias=tuple((token, float("-inf")) for token in range(n_vocab))),
    ):
        end = bundled.ask(PROMPT, 8, sampling=wrong).end
        assert (type(end), end.kind) == (Failed, "RequestError")
        assert said(bundled.ask(PROMPT, 8, sampling=HOT))

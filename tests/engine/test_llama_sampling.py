"""What may be drawn, and how often, is what llama.cpp's own samplers say of the same logits."""

from __future__ import annotations

import ctypes
import math
from contextlib import contextmanager
from dataclasses import replace

import llama_cpp.llama_cpp as lib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine.sampler import Sampler
from pylot_ls.engine.types import Sampling

N_VOCAB = 300
TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])

SAMPLINGS = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 0.3, 1.0, 1.7]),
    top_k=st.sampled_from([0, 1, 7, 40, 1000]),
    top_p=st.sampled_from([0.1, 0.5, 0.95, 1.0]),
    min_p=st.sampled_from([0.0, 0.05, 0.4]),
    seed=st.just(0),
    repeat_penalty=st.sampled_from([1.0, 1.1, 2.0, 0.8]),
    frequency_penalty=st.sampled_from([0.0, 0.7, -0.3]),
    presence_penalty=st.sampled_from([0.0, 0.5]),
    repeat_last_n=st.sampled_from([0, 5, 64]),
    logit_bias=st.lists(
        st.tuples(st.integers(0, N_VOCAB - 1), st.sampled_from([-math.inf, -3.0, 2.5, 9.0])),
        max_size=4,
        unique_by=lambda pair: pair[0],
    ).map(tuple),
)


@contextmanager
def chain_of(sampling, tokens):
    """llama.cpp's samplers, as its common library puts them together, and what they were told of a text."""
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    biases = [lib.llama_logit_bias(token=token, bias=bias) for token, bias in sampling.logit_bias]
    penalties = (sampling.repeat_penalty, sampling.frequency_penalty, sampling.presence_penalty)
    for sampler in (
        lib.llama_sampler_init_logit_bias(N_VOCAB, len(biases), (lib.llama_logit_bias * len(biases))(*biases)),
        lib.llama_sampler_init_penalties(N_VOCAB, sampling.repeat_last_n, *penalties),
        lib.llama_sampler_init_top_k(sampling.top_k),
        lib.llama_sampler_init_top_p(sampling.top_p, 0),
        lib.llama_sampler_init_min_p(sampling.min_p, 0),
        lib.llama_sampler_init_temp(sampling.temperature),
    ):
        lib.llama_sampler_chain_add(chain, sampler)
    for token in tokens:
        lib.llama_sampler_accept(chain, token)
    yield chain
    lib.llama_sampler_free(chain)


def by_llama_cpp(sampling, logits, tokens):
    """The probability of each token that it leaves."""
    data = np.zeros(N_VOCAB, TOKEN_DATA)
    data["id"], data["logit"] = np.arange(N_VOCAB), logits
    pointer = data.ctypes.data_as(ctypes.POINTER(lib.llama_token_data))
    array = lib.llama_token_data_array(data=pointer, size=N_VOCAB, selected=-1, sorted=False)
    with chain_of(sampling, tokens) as chain:
        lib.llama_sampler_apply(chain, ctypes.byref(array))
    left = data[: array.size]
    left = left[left["logit"] > -np.inf]
    weights = np.exp(left["logit"].astype(np.float64) - left["logit"].max())
    return dict(zip(left["id"].tolist(), (weights / weights.sum()).tolist(), strict=True))


class Told:
    """Says which number comes next, and gives it."""

    def __init__(self):
        self.number = 0.0

    def random(self):
        return self.number


def by_our_own(sampling, logits, tokens, n_parts):
    """How often each token comes, of draws spread evenly."""
    sampler = Sampler(sampling, (), lambda _token: False)
    sampler._random = Told()
    counts = np.zeros(N_VOCAB)
    for part in range(n_parts):
        sampler._random.number = (part + 0.5) / n_parts
        counts[sampler.choose(logits, tokens)[0]] += 1
    return counts / n_parts


@given(SAMPLINGS, st.integers(0, 2**32 - 1), st.sampled_from([0.5, 3.0]))
def test_every_token_comes_as_often_as_from_llama_cpps_samplers(sampling, seed, width):
    numbers = np.random.default_rng(seed)
    logits = numbers.normal(0, width, N_VOCAB).astype(np.float32)
    tokens = numbers.integers(0, N_VOCAB, 30).tolist() + [int(logits.argmax())] * 2
    theirs = by_llama_cpp(sampling, logits, tokens)
    ours = by_our_own(sampling, logits, tokens, 400)
    # Each border between two tokens may fall into one of the parts.
    assert ours == pytest.approx([theirs.get(token, 0.0) for token in range(N_VOCAB)], abs=2 / 400)
    assert set(np.flatnonzero(ours)) <= set(theirs)


def test_a_token_that_was_there_is_penalised_only_within_the_last_ones():
    logits = np.linspace(0, 3, N_VOCAB).astype(np.float32)
    sampling = Sampling(temperature=0.0, seed=0, repeat_penalty=5.0)
    tokens = [N_VOCAB - 1, *[0] * 10]
    for last_n, best in ((5, N_VOCAB - 1), (11, N_VOCAB - 2)):
        narrow = replace(sampling, repeat_last_n=last_n)
        assert Sampler(narrow, (), bool).choose(logits, tokens)[0] == best
        assert set(by_llama_cpp(narrow, logits, tokens)) == {best}

"""A real context of the bundled model: aborts leave no KV, forks share it, and what comes after them is right."""

from __future__ import annotations

import logging
from array import array

import numpy as np
import pytest
from fake_kv import FakeKv
from hypothesis import given, settings
from hypothesis import strategies as st

from pylot_ls.engine import llama_cpp_binding
from pylot_ls.engine.context_shape import ContextShape
from pylot_ls.engine.kv_context import Outcome, Part
from pylot_ls.engine.llama_context import LlamaContext, lib
from pylot_ls.engine.llama_cpp_binding import LlamaModel
from pylot_ls.engine.ngrams import Guess
from pylot_ls.errors import DecodeError, ModelUnreadableError

# Cells of other sequences in between change the order of sums: by up to 0.022 where this was measured.
ROUNDING = 0.05
CODE = "def area(width, height):\n    return width * height\n\n\nclass Box:\n    def __init__(self, name):\n"
OTHER = "import os\n\nfor name in os.listdir():\n    print("
N_CTX, N_SEQUENCES = 256, 4


@pytest.fixture(scope="module")
def model(model_path):
    model = LlamaModel(model_path, n_gpu_layers=0, on_progress=lambda _fraction: True)
    yield model
    model.close()


@pytest.fixture
def make_context(model):
    made = []

    def make(n_batch=N_CTX):
        made.append(LlamaContext(model, ContextShape(N_CTX, n_batch, 1, "off", N_SEQUENCES)))
        return made[-1]

    yield make
    for context in made:
        context.close()


@pytest.fixture
def context(make_context):
    return make_context()


@pytest.fixture(scope="module")
def tokens(model):
    return list(model.tokenize(CODE))


@pytest.fixture(scope="module")
def other_tokens(model):
    return list(model.tokenize(OTHER))


def assert_same_prediction(context, expected, index=-1):
    token, logprob = context.greedy(index)
    assert (token, logprob) == (expected[0], pytest.approx(expected[1], abs=ROUNDING))


@pytest.fixture
def cold(make_context):
    """What a context that holds nothing else predicts after some tokens."""

    def predict(tokens):
        context = make_context()
        assert context.decode(tokens, 0) is Outcome.DONE
        return context.greedy()

    return predict


@pytest.fixture
def expected(cold, tokens):
    return cold(tokens)


class CountedAbort:
    """An abort callback that says yes from the n-th question on."""

    def __init__(self, context, n_asks):
        self.left = n_asks
        self.callback = lib.ggml_abort_callback(self.ask)
        lib.llama_set_abort_callback(context._context, self.callback, None)

    def ask(self, _data):
        self.left -= 1
        return self.left < 0


def test_an_interruption_raised_before_aborts_and_leaves_no_kv(context, tokens, expected):
    context.interrupt(True)
    assert context.decode(tokens, 0) is Outcome.ABORTED
    assert context.n_stored(0) == 0
    context.interrupt(False)
    assert context.decode(tokens, 0) is Outcome.DONE
    assert context.n_stored(0) == len(tokens)
    assert_same_prediction(context, expected)


@pytest.mark.parametrize("n_asks", [1, 7, 40])
def test_an_abort_in_the_middle_of_a_batch_keeps_what_was_there_before(context, tokens, expected, n_asks):
    context.decode(tokens[:10], 0)
    abort = CountedAbort(context, n_asks)
    assert context.decode(tokens[10:], 10) is Outcome.ABORTED
    assert context.n_stored(0) == 10
    abort.left = 1_000_000
    assert context.decode(tokens[10:], 10) is Outcome.DONE
    assert_same_prediction(context, expected)


@pytest.mark.parametrize("n_asks", [0, 7, 40])
def test_an_abort_leaves_all_sequences_of_the_batch_as_they_were(context, tokens, other_tokens, cold, n_asks):
    context.evaluate([Part(0, 0, tokens[:10])])
    context.evaluate([Part(2, 0, other_tokens[:5])])
    abort = CountedAbort(context, n_asks)
    parts = [Part(2, 5, other_tokens[5:]), Part(0, 10, tokens[10:])]
    assert context.evaluate(parts) is Outcome.ABORTED
    assert (context.n_stored(0), context.n_stored(2)) == (10, 5)
    abort.left = 1_000_000
    assert context.evaluate(parts) is Outcome.DONE
    assert_same_prediction(context, cold(other_tokens), len(other_tokens) - 6)
    assert_same_prediction(context, cold(tokens))


def test_a_prompt_in_many_batches_predicts_the_same(make_context, tokens, expected):
    context = make_context(n_batch=8)
    for start in range(0, len(tokens), 8):
        assert context.decode(tokens[start : start + 8], start) is Outcome.DONE
    assert_same_prediction(context, expected)


def test_a_cut_sequence_predicts_the_same(context, model, tokens, expected):
    context.decode([*tokens[:20], *model.tokenize("something else")], 0)
    assert context.remove_from(0, 20)
    assert context.n_stored(0) == 20
    context.decode(tokens[20:], 20)
    assert_same_prediction(context, expected)


def test_a_fork_predicts_what_a_cold_sequence_does_and_so_does_its_source(context, tokens, other_tokens, cold):
    context.evaluate([Part(1, 0, tokens[:20])])
    context.copy_prefix(1, 3, 12)
    assert (context.n_stored(1), context.n_stored(3)) == (20, 12)
    context.evaluate([Part(3, 12, other_tokens)])
    assert_same_prediction(context, cold([*tokens[:12], *other_tokens]))
    context.evaluate([Part(1, 20, tokens[20:])])
    assert_same_prediction(context, cold(tokens))


def test_a_fork_outlives_its_source(context, tokens, expected):
    context.evaluate([Part(0, 0, tokens[:20])])
    context.copy_prefix(0, 1, 20)
    assert context.remove_from(0, 0)
    context.evaluate([Part(0, 0, tokens[3:9])])
    context.evaluate([Part(1, 20, tokens[20:])])
    assert_same_prediction(context, expected)


def test_cells_that_a_fork_shares_are_taken_once(context):
    context.evaluate([Part(0, 0, [5] * 200)])
    context.copy_prefix(0, 1, 200)
    assert context.evaluate([Part(1, 200, [6] * 56)]) is Outcome.DONE
    assert context.evaluate([Part(0, 200, [6])]) is Outcome.NO_ROOM
    assert (context.n_stored(0), context.n_stored(1)) == (200, 256)
    context.remove_from(1, 255)
    assert context.evaluate([Part(0, 200, [6])]) is Outcome.DONE


SEQS = st.integers(0, N_SEQUENCES - 1)
OPERATIONS = st.lists(
    st.tuples(st.just("evaluate"), SEQS, SEQS, st.integers(1, 60), st.integers(1, 60))
    | st.tuples(st.just("remove"), SEQS, st.integers(0, 80))
    | st.tuples(st.just("copy"), SEQS, SEQS, st.integers(0, 80)),
    min_size=5,
    max_size=30,
)


@settings(max_examples=25)
@given(operations=OPERATIONS)
def test_the_model_of_it_that_other_tests_use_is_true(model, operations):
    real = LlamaContext(model, ContextShape(N_CTX, 128, 1, "off", N_SEQUENCES))
    fake = FakeKv(N_CTX, n_batch=128)
    for name, *what in operations:
        if name == "evaluate":
            seqs = dict.fromkeys(what[:2])
            parts = [Part(seq, fake.n_stored(seq), [7] * n) for seq, n in zip(seqs, what[2:], strict=False)]
            assert real.evaluate(parts) is fake.evaluate(parts)
        elif name == "remove":
            assert real.remove_from(*what) is fake.remove_from(*what)
        elif what[0] != what[1]:
            # What the target held before would stay in it: positions held twice, which is why it is cleared.
            for context in (real, fake):
                context.remove_from(what[1], 0)
                context.copy_prefix(*what)
        assert [real.n_stored(seq) for seq in range(N_SEQUENCES)] == [fake.n_stored(seq) for seq in range(N_SEQUENCES)]
    real.close()


def test_an_interruption_is_no_error_in_the_log(context, tokens, caplog):
    caplog.set_level(logging.DEBUG)
    context.interrupt(True)
    context.decode(tokens, 0)
    assert any("ret = 2" in record.message for record in caplog.records)
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}


@pytest.mark.parametrize("n_tokens", [0, 257])
def test_a_batch_that_would_end_the_process_is_refused(context, n_tokens):
    with pytest.raises(DecodeError, match=f"a batch of {n_tokens} tokens does not fit 1 to 256"):
        context.decode([5] * n_tokens, 0)


def test_a_batch_that_does_not_follow_is_an_error_of_ours(context, tokens):
    with pytest.raises(DecodeError, match="could not evaluate"):
        context.decode(tokens, 0), context.decode(tokens, 2)


def test_the_probability_is_that_of_the_softmax(context, tokens):
    context.decode(tokens, 0)
    token, logprob = context.greedy()
    assert 0 <= token < len(context.logits())
    assert logprob <= 0


def test_logits_are_kept_for_the_last_token_of_each_part_only(context, tokens, other_tokens, expected, cold):
    context.evaluate([Part(0, 0, tokens), Part(1, 0, other_tokens)])
    assert_same_prediction(context, expected, len(tokens) - 1)
    assert_same_prediction(context, cold(other_tokens), len(tokens) + len(other_tokens) - 1)
    with pytest.raises(ValueError, match="NULL"):
        context.greedy(0)


def test_logits_are_kept_for_as_many_of_the_last_tokens_as_are_wanted(context, tokens, other_tokens, cold):
    context.evaluate([Part(1, 0, other_tokens), Part(0, 0, tokens, n_logits=3)])
    end = len(other_tokens) + len(tokens)
    for n_after in range(3):
        assert_same_prediction(context, cold(tokens[: len(tokens) - n_after]), end - 1 - n_after)
    with pytest.raises(ValueError, match="NULL"):
        context.greedy(end - 4)


def test_a_choice_among_some_tokens_has_its_probability_among_them(context, tokens):
    context.decode(tokens, 0)
    best, logprob = context.greedy()
    assert context.greedy(-1, array("i", [best])) == (best, 0.0)
    among = array("i", [best, *(token for token in range(100, 110) if token != best)])
    assert context.greedy(-1, among)[0] == best
    assert logprob <= context.greedy(-1, among)[1] <= 0
    assert context.greedy(-1, among[1:])[0] in among[1:]


def test_tokens_of_a_higher_rank_are_the_next_probable_ones(context, tokens):
    context.decode(tokens, 0)
    logits = context.logits()
    order = logits.argsort()[::-1]
    ranked = [context.greedy(-1, None, rank) for rank in range(4)]
    assert [token for token, _ in ranked] == order[:4].tolist()
    assert [logprob for _, logprob in ranked] == sorted((logprob for _, logprob in ranked), reverse=True)
    differences = logits[order[:4]] - logits[order[0]]
    assert [logprob - ranked[0][1] for _, logprob in ranked] == pytest.approx(differences.tolist(), abs=1e-4)
    pair = array("i", order[[7, 3]].tolist())
    assert [context.greedy(-1, pair, rank)[0] for rank in (0, 1, 2)] == [pair[1], pair[0], pair[0]]


def test_with_a_guess_the_ranks_are_those_of_the_mixed_probabilities(context, tokens):
    context.decode(tokens, 0)
    best, second, third = context.logits().argsort()[::-1][:3].tolist()
    guess = Guess(np.array([third]), np.array([1.0]), 0.9)
    ranked = [context.greedy(-1, None, rank, guess) for rank in range(3)]
    assert [token for token, _ in ranked] == [third, best, second]
    assert [logprob for _, logprob in ranked] == sorted((logprob for _, logprob in ranked), reverse=True)
    assert context.greedy(-1, array("i", [best, third]), 1, guess)[0] == best


def test_the_pieces_of_a_vocabulary_are_those_of_its_tokens_and_empty_for_what_ends_a_text(model):
    pieces = model.pieces()
    assert len(pieces) == model.n_vocab
    for token in [*range(0, model.n_vocab, 7), model.fim_tokens().middle]:
        assert pieces[token] == (b"" if model.ends_text(token) else model.piece(token))


def test_more_logits_than_a_context_has_room_for_are_refused(context, tokens):
    # Two would do, but it has as many as sequences, or as a draft may need.
    assert context.evaluate([Part(0, 0, tokens[:16], n_logits=16)]) is Outcome.DONE
    with pytest.raises(DecodeError, match="logits of 17 tokens were asked for; a batch has those of 16"):
        context.evaluate([Part(0, 16, tokens[16:33], n_logits=17)])


def test_keys_and_values_may_be_quantised(model, tokens):
    sizes = {}
    for kv_type in ("f16", "q8_0"):
        context = LlamaContext(model, ContextShape(256, 64, 1, "on", kv_type=kv_type))
        context.decode(tokens[:40], 0)
        sizes[kv_type] = len(context.save(0, 0, 32))
        context.close()
    assert 0.5 < sizes["q8_0"] / sizes["f16"] < 0.6


def test_a_context_that_finds_no_memory_says_what_to_do(model, monkeypatch):
    monkeypatch.setattr(lib, "llama_init_from_model", lambda _model, _params: None)
    shape = ContextShape(n_ctx=256, n_batch=8, n_threads=1, flash_attention="off")
    with pytest.raises(ModelUnreadableError, match=r"a context of 256 tokens: .* try a smaller model\.n_ctx"):
        LlamaContext(model, shape)


def test_what_the_build_can_do_is_told():
    assert llama_cpp_binding.system_info()
    assert llama_cpp_binding.supports_gpu_offload() in {True, False}

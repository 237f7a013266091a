"""A real context of the bundled model: aborts leave no KV, and what is evaluated after them is right."""

import logging

import pytest

from pylot_ls.engine import llama_cpp_binding
from pylot_ls.engine.llama_cpp_binding import ContextShape, LlamaContext, LlamaModel, lib
from pylot_ls.engine.resident import Outcome, ResidentRun
from pylot_ls.errors import DecodeError, ModelUnreadableError

# Other processors' kernels may round otherwise for another shape of batch.
ROUNDING = 0.01
CODE = "def area(width, height):\n    return width * height\n\n\nclass Box:\n    def __init__(self, name):\n"


@pytest.fixture(scope="module")
def model(model_path):
    model = LlamaModel(model_path, n_gpu_layers=0, on_progress=lambda _fraction: True)
    yield model
    model.close()


@pytest.fixture
def make_context(model):
    made = []

    def make(n_batch=256):
        made.append(LlamaContext(model, ContextShape(n_ctx=256, n_batch=n_batch, n_threads=1, flash_attention="off")))
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


def assert_same_prediction(context, expected):
    token, logprob = context.greedy()
    assert (token, logprob) == (expected[0], pytest.approx(expected[1], abs=ROUNDING))


@pytest.fixture
def expected(make_context, tokens):
    context = make_context()
    context.decode(tokens, 0)
    return context.greedy()


def test_an_interruption_raised_before_aborts_and_leaves_no_kv(context, tokens, expected):
    context.interrupt(True)
    assert context.decode(tokens, 0) is Outcome.ABORTED
    assert context.n_stored() == 0
    context.interrupt(False)
    assert context.decode(tokens, 0) is Outcome.DONE
    assert context.n_stored() == len(tokens)
    assert_same_prediction(context, expected)


@pytest.mark.parametrize("n_asks", [1, 7, 40])
def test_an_abort_in_the_middle_of_a_batch_keeps_what_was_there_before(context, tokens, expected, n_asks):
    run = ResidentRun(context)
    run.extend(tokens[:10])
    asked = iter([False] * n_asks)
    callback = lib.ggml_abort_callback(lambda _data: next(asked, True))
    lib.llama_set_abort_callback(context._context, callback, None)
    assert run.extend(tokens[10:]) is Outcome.ABORTED
    assert run.tokens == tokens[:10]
    assert context.n_stored() == 10
    asked = iter([False] * 1_000_000)
    assert run.extend(tokens[10:]) is Outcome.DONE
    assert_same_prediction(context, expected)


def test_a_prompt_in_many_batches_predicts_the_same(make_context, tokens, expected):
    context = make_context(n_batch=8)
    run = ResidentRun(context)
    assert run.extend(tokens) is Outcome.DONE
    assert run.n_evaluated == len(tokens)
    assert_same_prediction(context, expected)


def test_a_rewound_context_predicts_the_same(context, model, tokens, expected):
    run = ResidentRun(context)
    run.extend([*tokens[:20], *model.tokenize("something else")])
    assert run.rewind(tokens) == 20
    run.extend(tokens[20:])
    assert_same_prediction(context, expected)


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
    assert 0 <= token < context._n_vocab
    assert logprob <= 0


def test_a_context_that_finds_no_memory_says_what_to_do(model, monkeypatch):
    monkeypatch.setattr(lib, "llama_init_from_model", lambda _model, _params: None)
    shape = ContextShape(n_ctx=256, n_batch=8, n_threads=1, flash_attention="off")
    with pytest.raises(ModelUnreadableError, match=r"a context of 256 tokens: .* try a smaller model\.n_ctx"):
        LlamaContext(model, shape)


def test_what_the_build_can_do_is_told():
    assert llama_cpp_binding.system_info()
    assert llama_cpp_binding.supports_gpu_offload() in {True, False}

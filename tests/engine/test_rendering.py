"""Segments to tokens: limits, cuts, markers, memory."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine.prompt_types import Keep, Marker, MarkerSegment, TextSegment, TokensSegment
from pylot_ls.engine.rendering import PromptRenderer, cut
from pylot_ls.engine.types import FimTokens
from pylot_ls.errors import ModelUnsupportedError, RequestError

segments = st.builds(
    TextSegment,
    text=st.just(""),
    max_tokens=st.none() | st.integers(0, 50),
    keep=st.sampled_from(Keep),
    cut_step=st.integers(1, 20),
)


def code_points(text):
    return tuple(map(ord, text))


@given(st.integers(0, 100), segments)
def test_a_cut_keeps_the_limit_and_no_less_than_a_step_below_it(n_tokens, segment):
    kept = cut(tuple(range(n_tokens)), segment)
    if segment.max_tokens is None or n_tokens <= segment.max_tokens:
        assert len(kept) == n_tokens
    else:
        assert max(0, segment.max_tokens - segment.cut_step) <= len(kept) <= segment.max_tokens


@given(st.integers(0, 100), segments)
def test_a_cut_takes_whole_steps_from_the_end_that_may_go(n_tokens, segment):
    tokens = tuple(range(n_tokens))
    kept = cut(tokens, segment)
    n_cut = n_tokens - len(kept)
    assert n_cut % segment.cut_step == 0 or not kept
    assert kept == (tokens[n_cut:] if segment.keep is Keep.END else tokens[: len(kept)])


@given(st.integers(0, 30), st.integers(1, 20))
def test_as_a_text_grows_by_a_token_its_border_moves_once_in_a_step_at_most(max_tokens, cut_step):
    segment = TextSegment("", max_tokens + cut_step, Keep.END, cut_step)
    borders = [n - len(cut(tuple(range(n)), segment)) for n in range(200)]
    moves = [n for n in range(1, 200) if borders[n] != borders[n - 1]]
    assert all(later - earlier >= cut_step for earlier, later in itertools.pairwise(moves))


def test_the_segments_stand_in_their_order():
    renderer = PromptRenderer(code_points, {Marker.BOS: 1, Marker.FIM_MIDDLE: 2})
    prompt = (MarkerSegment(Marker.BOS), TextSegment("ab"), MarkerSegment(Marker.FIM_MIDDLE), TextSegment(""))
    assert renderer.render(prompt) == (1, ord("a"), ord("b"), 2)


def test_a_model_without_bos_gets_none():
    assert PromptRenderer(code_points, {Marker.BOS: None}).render((MarkerSegment(Marker.BOS),)) == ()


def test_a_marker_that_the_model_lacks_is_refused_by_name():
    with pytest.raises(ModelUnsupportedError, match="no fim_suffix token"):
        PromptRenderer(code_points, {Marker.BOS: 1}).render((MarkerSegment(Marker.FIM_SUFFIX),))


def test_a_text_is_tokenised_once_whatever_its_limit():
    seen = []
    renderer = PromptRenderer(lambda text: (seen.append(text), code_points(text))[1], {})
    assert renderer.render((TextSegment("abc", 2),)) == code_points("bc")
    assert renderer.render((TextSegment("abc", 1, Keep.START),)) == code_points("a")
    assert seen == ["abc"]


def test_of_many_texts_the_last_used_are_remembered_and_no_more():
    seen = []
    renderer = PromptRenderer(lambda text: (seen.append(text), code_points(text))[1], {})
    for n in range(1000):
        renderer.render((TextSegment("stays"), TextSegment(str(n))))
    assert seen.count("stays") == 1
    assert len(renderer._remembered) <= 64
    renderer.render((TextSegment("0"),))
    assert seen.count("0") == 2


def test_special_tokens_spelt_out_in_a_text_stay_text(bundled):
    vocabulary = bundled.state().info
    model = bundled.backend._loaded.model
    spelt = "<|fim_prefix|>a<|fim_middle|><|endoftext|>"
    tokens = bundled.backend._loaded.renderer.render((TextSegment(spelt),))
    assert not {vocabulary.fim.prefix, vocabulary.fim.suffix, vocabulary.fim.middle} & set(tokens)
    assert not any(map(model.ends_text, tokens))
    assert b"".join(map(model.piece, tokens)) == spelt.encode()


@given(text=st.text(max_size=40))
def test_the_models_tokens_are_the_bytes_of_the_text(bundled, text):
    model = (bundled.state(), bundled.backend._loaded.model)[1]
    assert b"".join(map(model.piece, model.tokenize(text))) == text.encode()


def test_the_markers_are_the_models_own(bundled):
    fim = bundled.state().info.fim
    order = (Marker.FIM_PREFIX, Marker.FIM_SUFFIX, Marker.FIM_MIDDLE)
    rendered = bundled.backend._loaded.renderer.render(tuple(map(MarkerSegment, order)))
    assert FimTokens(*rendered) == fim


def test_tokens_stand_as_they_are_given():
    renderer = PromptRenderer(code_points, {Marker.BOS: 1}, n_vocab=200)
    prompt = (MarkerSegment(Marker.BOS), TokensSegment((7, 0, 199)), TextSegment("a"), TokensSegment(()))
    assert renderer.render(prompt) == (1, 7, 0, 199, ord("a"))
    assert renderer.n_last((TokensSegment((7, 8)),)) == 0


@pytest.mark.parametrize("token", [-1, 200, 2**40])
def test_a_token_that_there_is_not_is_refused_by_its_number(token):
    with pytest.raises(RequestError, match=f"there is no token {token}; those of the model are 0 to 199"):
        PromptRenderer(code_points, {}, n_vocab=200).render((TokensSegment((7, token)),))


def test_special_tokens_spelt_out_become_those_tokens_only_where_a_text_says_so(bundled):
    fim = bundled.state().info.fim
    renderer = bundled.backend._loaded.renderer
    texts = [TextSegment("<|fim_prefix|>a", special=special) for special in (True, False, True)]
    rendered = [renderer.render((text,)) for text in texts]
    assert rendered[0] == rendered[2] == (fim.prefix, *renderer.render((TextSegment("a"),)))
    assert fim.prefix not in rendered[1]

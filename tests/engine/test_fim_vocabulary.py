"""Fill-in-the-middle tokens that a file's metadata does not name are found by the texts in its manifest."""

from __future__ import annotations

import pytest

from pylot_ls.engine.fim_vocabulary import fim_tokens_of
from pylot_ls.engine.llama_backend import LlamaBackend, LlamaConfig
from pylot_ls.engine.manifest import FimTexts
from pylot_ls.engine.prompt_types import Marker, MarkerSegment, TextSegment
from pylot_ls.engine.types import FimTokens, LoadFailed
from pylot_ls.errors import ModelUnsupportedError

VOCABULARY = {"<P>": 7, "<S>": 8, "<M>": 9}
# As long as the bundled model's own texts, which are renamed so that llama.cpp knows none of them.
RENAMED = '[fim]\norders = ["psm"]\nprefix = "<|xim_prefix|>"\nsuffix = "<|xim_suffix|>"\nmiddle = "{middle}"\n'


def test_each_text_is_a_token():
    assert fim_tokens_of(FimTexts("<P>", "<S>", "<M>"), VOCABULARY.get) == FimTokens(7, 8, 9)


def test_a_form_may_have_no_middle_token():
    assert fim_tokens_of(FimTexts("<P>", "<S>", ""), VOCABULARY.get) == FimTokens(7, 8, None)


def test_what_the_vocabulary_lacks_is_named():
    with pytest.raises(ModelUnsupportedError, match=r"tokens <P>, <X>, <Y>, but its vocabulary has no <X>, <Y>:"):
        fim_tokens_of(FimTexts("<P>", "<X>", "<Y>"), VOCABULARY.get)


@pytest.fixture
def renamed(tmp_path, model_path):
    """The bundled model without names for its tokens in its metadata; a manifest can be written beside it."""
    path = tmp_path / "renamed-Q8_0.gguf"
    path.write_bytes(model_path.read_bytes().replace(b"fim_", b"xim_"))
    return path


def test_a_model_without_names_for_its_tokens_completes_by_its_manifest(renamed, drive, bundled):
    (renamed.parent / "renamed.toml").write_text(RENAMED.format(middle="<|xim_middle|>"))
    driven = drive(LlamaBackend(LlamaConfig(renamed, n_threads=1, flash_attention="off", speculation=False)))
    assert driven.state().info.fim == bundled.state().info.fim
    markers = [MarkerSegment(marker) for marker in (Marker.FIM_PREFIX, Marker.FIM_SUFFIX, Marker.FIM_MIDDLE)]
    prompt = (markers[0], TextSegment("def add(a, b):\n    return "), markers[1], TextSegment("\n"), markers[2])
    assert driven.ask(prompt, 4).text == bundled.ask(prompt, 4).text


def test_a_model_whose_form_has_no_middle_token_has_a_marker_for_nothing(renamed, drive):
    text = RENAMED.format(middle="").replace('middle = ""\n', "").replace("psm", "spm")
    (renamed.parent / "renamed.toml").write_text(text)
    driven = drive(LlamaBackend(LlamaConfig(renamed, n_threads=1)))
    assert driven.state().info.fim.middle is None
    prompt = (MarkerSegment(Marker.FIM_PREFIX), TextSegment("x = "), MarkerSegment(Marker.FIM_MIDDLE))
    assert driven.ask(prompt, 1).end.usage.prompt_tokens == driven.ask(prompt[:-1], 1).end.usage.prompt_tokens


def test_a_manifest_of_another_model_is_an_error_that_says_what_is_missing(renamed, drive):
    (renamed.parent / "renamed.toml").write_text(RENAMED.format(middle="<|not_there|>"))
    state = drive(LlamaBackend(LlamaConfig(renamed, n_threads=1))).state()
    assert isinstance(state, LoadFailed)
    assert state.kind == "ModelUnsupportedError"
    assert "has no <|not_there|>" in state.message

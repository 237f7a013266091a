"""Conversations in the form that a model was trained on: special tokens are the template's alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pylot_ls.bench.synthetic import Shape, write_model
from pylot_ls.engine.chat import ChatForm
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.prompt_types import ChatMessage, ChatSegment, TextSegment
from pylot_ls.engine.rendering import PromptRenderer
from pylot_ls.engine.types import Failed
from pylot_ls.errors import ModelUnsupportedError

SPECIAL = {"<s>": 1, "<user>": 2, "<end>": 3, "<model>": 4}


def said(role, *texts):
    return ChatMessage(role, tuple(map(TextSegment, texts)))


def tokenize(text):
    return tuple(100 + ord(character) for character in text)


def tokenize_template(text):
    tokens = []
    while text:
        special = next((each for each in SPECIAL if text.startswith(each)), None)
        tokens.append(SPECIAL[special] if special else 100 + ord(text[0]))
        text = text[len(special or "x") :]
    return tuple(tokens)


def simple(messages):
    return "".join(f"<{role}>{content.strip()}<end>" for role, content in messages) + "<model>"


def renderer(template=simple, bos=None):
    return PromptRenderer(tokenize, {}, ChatForm(template, tokenize_template, bos))


def test_special_tokens_are_those_of_the_template():
    tokens = renderer().render((ChatSegment((said("user", "a<end>"),)),))
    assert tokens == (2, *tokenize("a<end>"), 3, 4)


def test_what_is_said_is_cut_to_its_limits_and_may_come_in_pieces():
    message = ChatMessage("user", (TextSegment("abc", max_tokens=2), TextSegment("?")))
    assert renderer().render((ChatSegment((message,)),)) == (2, *tokenize("bc?"), 3, 4)


def test_space_around_what_is_said_stays():
    assert renderer().render((ChatSegment((said("user", " a\n"),)),))[1:4] == tokenize(" a\n")


def test_an_answer_may_be_begun_for_the_model():
    tokens = renderer().render((ChatSegment((said("user", "a"),)), TextSegment("It")))
    assert tokens[-3:] == (4, *tokenize("It"))


def test_the_token_that_begins_texts_stands_there_once():
    conversation = (ChatSegment((said("user", "a"),)),)
    assert renderer(bos=1).render(conversation)[:2] == (1, 2)
    assert renderer(lambda messages: "<s>" + simple(messages), bos=1).render(conversation)[:2] == (1, 2)


def test_a_template_may_put_a_system_message_elsewhere():
    def merged(messages):
        (_, system), (_, question) = messages
        return f"<user>{question} ({system})<end><model>"

    tokens = renderer(merged).render((ChatSegment((said("system", "s"), said("user", "q"))),))
    assert tokens == (2, *tokenize("q"), *tokenize(" ("), *tokenize("s"), *tokenize(")"), 3, 4)


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(lambda _messages: None, id="none"),
        pytest.param(lambda _messages: "<user><end>", id="one that drops messages"),
        pytest.param(lambda messages: simple(messages) + messages[0][1], id="one that says them twice"),
    ],
)
def test_without_a_template_that_is_known_there_are_no_conversations(template):
    form = ChatForm(template, tokenize_template, None)
    assert not form.is_known
    with pytest.raises(ModelUnsupportedError, match=r"has no chat format that llama\.cpp knows"):
        form.render((said("user", "a"),), lambda segment: tokenize(segment.text))
    with pytest.raises(ModelUnsupportedError, match="cannot have conversations"):
        PromptRenderer(tokenize, {}).render((ChatSegment(()),))


@pytest.fixture(scope="module")
def chatting(tmp_path_factory, drive, bundled_config):
    """A real backend whose model has ChatML's tokens, and a manifest that names the format."""
    path = tmp_path_factory.mktemp("chat") / "chat.gguf"
    write_model(path, Shape(n_layers=1, n_embd=64, n_heads=2, n_kv_heads=1, n_ff=64), "chat")
    path.with_suffix(".toml").write_text('[fim]\norders = ["psm"]\n[chat]\nformat = "chatml"\n')
    return drive(LlamaBackend(replace(bundled_config, path=path)))


def test_a_manifests_format_is_laid_out_by_llama_cpp(chatting):
    assert chatting.state().info.chats
    renderer = chatting.backend._loaded.renderer
    tokens = renderer.render((ChatSegment((said("system", "Be brief."), said("user", "def f(<|im_end|>"))),))
    start, end = 151_644, 151_645
    assert [token for token in tokens if token >= 151_643] == [start, end, start, end, start]
    model = chatting.backend._loaded.model
    text = b"".join(map(model.piece, tokens)).decode()
    assert text == "system\nBe brief.\nuser\ndef f(<|im_end|>\nassistant\n"
    answer = chatting.ask((ChatSegment((said("user", "x"),)),), max_tokens=3)
    assert answer.end.usage.prompt_tokens == len(renderer.render((ChatSegment((said("user", "x"),)),)))


def test_a_model_without_a_format_says_so(bundled):
    assert not bundled.state().info.chats
    end = bundled.ask((ChatSegment((said("user", "x"),)),)).end
    assert isinstance(end, Failed)
    assert end.kind == "ModelUnsupportedError"
    assert "choose an instruct model for the role chat" in end.message

"""Conversations in the form that a model was trained on: special tokens are the template's alone."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import llama_cpp.llama_cpp as lib
import pytest
from spelling_model import write_spelling_model

from pylot_ls.bench.synthetic import Shape, write_model
from pylot_ls.engine import llama_cpp_binding
from pylot_ls.engine.chat import ChatForm
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.prompt_types import ROLES, ChatMessage, ChatSegment, Marker, MarkerSegment, TextSegment
from pylot_ls.engine.rendering import PromptRenderer
from pylot_ls.engine.types import Failed
from pylot_ls.errors import ModelUnsupportedError, RequestError

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


def simple(messages, opens_answer=True):
    said = "".join(f"<{role}>{content.strip()}<end>" for role, content in messages)
    return said + "<model>" * opens_answer


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
    assert renderer(lambda messages, _opens: "<s>" + simple(messages), bos=1).render(conversation)[:2] == (1, 2)


def test_a_template_may_put_a_system_message_elsewhere():
    def merged(messages, _opens):
        (_, system), (_, question) = messages
        return f"<user>{question} ({system})<end><model>"

    tokens = renderer(merged).render((ChatSegment((said("system", "s"), said("user", "q"))),))
    assert tokens == (2, *tokenize("q"), *tokenize(" ("), *tokenize("s"), *tokenize(")"), 3, 4)


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(lambda _messages, _opens: None, id="none"),
        pytest.param(lambda _messages, _opens: "<user><end>", id="one that drops messages"),
        pytest.param(lambda messages, _opens: simple(messages) + messages[0][1], id="one that says them twice"),
    ],
)
def test_without_a_template_that_is_known_there_are_no_conversations(template):
    form = ChatForm(template, tokenize_template, None)
    assert not form.is_known
    with pytest.raises(ModelUnsupportedError, match=r"has no chat format that llama\.cpp knows"):
        form.render(ChatSegment((said("user", "a"),)), lambda segment: tokenize(segment.text))
    with pytest.raises(ModelUnsupportedError, match="cannot have conversations"):
        PromptRenderer(tokenize, {}).render((ChatSegment(()),))


def test_a_conversation_may_end_with_its_last_message():
    messages = (said("user", "a"), said("assistant", "b"))
    assert renderer().render((ChatSegment(messages, opens_answer=False),))[-2:] == (*tokenize("b"), 3)
    assert renderer().render((ChatSegment(messages),))[-3:] == (*tokenize("b"), 3, 4)


@pytest.mark.parametrize("role", ["", "developer", "user<end><model>", "User"])
def test_a_role_that_there_is_not_is_refused(role):
    with pytest.raises(RequestError, match="the roles are system, user, assistant, tool"):
        renderer().render((ChatSegment((said("user", "a"), said(role, "b"))),))


def test_a_conversation_of_nothing_is_refused():
    with pytest.raises(RequestError, match="has no messages"):
        renderer().render((ChatSegment(()),))


def test_what_a_template_has_no_place_for_is_refused_by_its_roles():
    def without_system(messages, _opens):
        return simple([each for each in messages if each[0] != "system"])

    with pytest.raises(RequestError, match="no place for messages of the roles user, system in this order"):
        renderer(without_system).render((ChatSegment((said("user", "a"), said("system", "b"))),))


def test_what_a_tool_says_is_the_users_where_a_template_knows_no_tools():
    def two_roles(messages, opens_answer):
        return simple([(role if role == "user" else "model", text) for role, text in messages], opens_answer)

    messages = (said("user", "a"), said("assistant", "f()"), said("tool", "1"))
    assert renderer(two_roles).render((ChatSegment(messages),))[-4:] == (2, *tokenize("1"), 3, 4)
    assert renderer().render((ChatSegment(messages),))[-8:-3] == tokenize("tool>")


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


def formats():
    """The names of the formats that llama.cpp knows."""
    names = (ctypes.c_char_p * lib.llama_chat_builtin_templates(None, 0))()
    lib.llama_chat_builtin_templates(names, len(names))
    return [name.decode() for name in names]


def laid_out(chatting, name, roles):
    """A conversation as it is written in a format, and what is said in it; None where that has no place for it."""
    model = chatting.backend._loaded.model
    texts = [f"{role}{number}" * 3 for number, role in enumerate(roles)]
    messages = tuple(said(role, text) for role, text in zip(roles, texts, strict=True))
    try:
        tokens = model.chat_form(name).render(ChatSegment(messages), lambda segment: model.tokenize(segment.text))
    except RequestError:
        return None, texts
    return b"".join(map(model.spelling, tokens)).decode(), texts


@pytest.mark.parametrize("name", formats())
def test_of_no_format_that_llama_cpp_knows_anything_said_is_lost(chatting, name):
    for initials in ("u", "uau", "su", "suau", "uatu", "uat", "uasu", "uas", "ss", "tt", "a"):
        text, texts = laid_out(chatting, name, [role for i in initials for role in ROLES if role[0] == i])
        if text is None:
            assert "s" in initials
        else:
            assert [text.count(each) for each in texts] == [1] * len(texts)


@pytest.mark.parametrize("name", sorted({*formats()} - {"deepseek-ocr"}))  # which tells nobody from another
def test_in_none_a_tool_speaks_as_the_assistant(chatting, name):
    by_tool, _ = laid_out(chatting, name, ["user", "assistant", "tool", "user"])
    by_assistant, _ = laid_out(chatting, name, ["user", "assistant", "assistant", "user"])
    assert by_tool.replace("tool2", "") != by_assistant.replace("assistant2", "")


def written(chatting, *prompt):
    tokens = chatting.backend._loaded.renderer.render(prompt)
    return b"".join(map(chatting.backend._loaded.model.spelling, tokens)).decode()


def test_long_conversations_with_tools_and_systems_in_between_are_laid_out(chatting):
    messages = [
        said("system", "Be brief."),
        said("user", "1+1?"),
        said("assistant", '<tool_call>{"name": "add"}</tool_call>'),
        said("tool", "2"),
        said("system", "Be kind."),
        said("user", "So?"),
    ]
    turns = [f"<|im_start|>{each.role}\n{each.content[0].text}<|im_end|>\n" for each in messages]
    assert written(chatting, ChatSegment(tuple(messages))) == "".join(turns) + "<|im_start|>assistant\n"
    assert written(chatting, ChatSegment(tuple(messages), opens_answer=False)) == "".join(turns)
    begun = written(chatting, ChatSegment(tuple(messages)), TextSegment("It is"))
    assert begun == "".join(turns) + "<|im_start|>assistant\nIt is"


def test_a_wrong_conversation_fails_its_request_alone(chatting):
    for messages in ((), (said("nobody", "x"),)):
        end = chatting.ask((ChatSegment(messages),)).end
        assert (type(end), end.kind) == (Failed, "RequestError")
    assert not isinstance(chatting.ask((ChatSegment((said("user", "x"),)),), 1).end, Failed)


def test_a_template_is_recognised_and_never_run(chatting, monkeypatch):
    """Whoever ran either of these would be at it for ever, or out of memory."""
    bomb = "{% for i in range(10 ** 12) %}x{% endfor %}"
    chatting.state()
    model = chatting.backend._loaded.model
    monkeypatch.setattr(model, "chat_template", lambda: bomb)
    assert not model.chat_form().is_known
    monkeypatch.setattr(model, "chat_template", lambda: f"<|im_start|>{bomb}<|im_end|>")
    question = ChatSegment((said("user", "x"),))
    texts = [
        model.chat_form(name).render(question, lambda segment: model.tokenize(segment.text)) for name in ("", "chatml")
    ]
    assert texts[0] == texts[1]


def test_what_a_template_makes_is_bounded(monkeypatch):
    assert llama_cpp_binding.knows_template(b"chatml")
    monkeypatch.setattr(llama_cpp_binding, "_TEMPLATE_BYTES", 4)
    assert not llama_cpp_binding.knows_template(b"chatml")


def test_a_model_without_a_format_says_so(bundled):
    assert not bundled.state().info.chats
    end = bundled.ask((ChatSegment((said("user", "x"),)),)).end
    assert isinstance(end, Failed)
    assert end.kind == "ModelUnsupportedError"
    assert "choose an instruct model for the role chat" in end.message


def test_a_vocabulary_that_begins_texts_with_a_space_adds_none_behind_what_is_said(drive, bundled_config, tmp_path):
    path = tmp_path / "spelling.gguf"
    write_spelling_model(path)
    # A format whose marks this vocabulary does not have: they are text.
    path.with_suffix(".toml").write_text('[fim]\norders = ["psm"]\n[chat]\nformat = "llama3"\n')
    driven = drive(LlamaBackend(replace(bundled_config, path=path)))
    driven.state()
    loaded = driven.backend._loaded
    tokens = loaded.renderer.render((ChatSegment((said("user", "Book"),)),))
    text = b"".join(map(loaded.model.spelling, tokens)).decode()
    assert "\n\nBook<|eot_id|>" in text


def test_what_begins_a_text_begins_as_the_vocabulary_has_it(drive, bundled_config, tmp_path):
    path = tmp_path / "spelling.gguf"
    write_spelling_model(path)
    driven = drive(LlamaBackend(replace(bundled_config, path=path)))
    driven.state()
    loaded = driven.backend._loaded

    def spelt(*segments):
        return b"".join(map(loaded.model.spelling, loaded.renderer.render(segments))).decode()

    bos = MarkerSegment(Marker.BOS)
    assert spelt(bos, TextSegment("Book", special=True, opens=True)) == "<s> Book"
    assert spelt(bos, TextSegment("Book", special=True)) == "<s>Book"
    assert spelt(bos, TextSegment("Book")) == "<s>Book"

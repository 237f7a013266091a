"""Tools: what the model is told, the grammar of its answer, and how that is read while it comes."""

from __future__ import annotations

import json

import pytest
from gbnf_regex import regex_of

from pylot_ls.api.chat_messages import chat_prompt
from pylot_ls.api.errors import ApiError
from pylot_ls.api.schemas import ChatBody
from pylot_ls.api.tool_reader import ToolReader
from pylot_ls.api.tools import chat_grammar

HELLO = [{"role": "user", "content": "hello"}]


def tool(name, **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


ADD = tool("add", a={"type": "integer"}, b={"type": "integer"})
SAY = tool("say", text={"$ref": "#/$defs/t"})
SAY["function"]["parameters"]["$defs"] = {"t": {"type": "string"}}


def body(**others):
    return ChatBody.model_validate({"messages": HELLO, **others})


def allowed(text, **others):
    return regex_of(chat_grammar(body(**others))).fullmatch(text) is not None


CALL = '{"tool_call": {"name": "add", "arguments": {"a": 1, "b": 2}}}'
CALLS = (
    '{"tool_calls": [{"name": "add", "arguments": {"a": 1, "b": 2}}, {"name": "say", "arguments": {"text": "}\\"{"}}]}'
)
REPLY = '{"response": "a \\"b\\" \\u00e9 \\ud83d\\ude00 \\n"}'


def test_the_grammar_allows_a_call_or_an_answer():
    assert allowed(CALL, tools=[ADD, SAY])
    assert allowed(REPLY, tools=[ADD])
    assert not allowed(CALLS, tools=[ADD, SAY])
    assert not allowed('{"tool_call": {"name": "sub", "arguments": {}}}', tools=[ADD])
    assert not allowed("hello", tools=[ADD])


def test_a_choice_of_tools_is_kept_to():
    assert not allowed(REPLY, tools=[ADD], tool_choice="required")
    named = {"type": "function", "function": {"name": "say"}}
    assert not allowed(CALL, tools=[ADD, SAY], tool_choice=named)
    assert allowed(CALLS, tools=[ADD, SAY], parallel_tool_calls=True)
    assert chat_grammar(body(tools=[ADD], tool_choice="none")) is None


def test_an_answer_beside_tools_may_have_a_form_too():
    form = {"type": "json_schema", "json_schema": {"schema": {"type": "integer"}}}
    assert allowed('{"response": 12}', tools=[ADD], response_format=form)
    assert not allowed(REPLY, tools=[ADD], response_format=form)


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ({"tools": [ADD, ADD]}, "one name"),
        ({"tools": [ADD], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "there are: add"),
        ({"tools": [ADD], "grammar": 'root ::= "x"'}, "do not go with"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "string"}}}]}, "no object"),
        ({"response_format": {"type": "json_schema"}}, "needs json_schema.schema"),
    ],
)
def test_what_does_not_go_is_told(others, says):
    with pytest.raises(ApiError, match=says):
        chat_grammar(body(**others))


def read(text, size):
    reader = ToolReader()
    deltas = [delta for start in range(0, len(text), size) for delta in reader.feed(text[start : start + size])]
    return reader, deltas + reader.finish()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_an_answer_is_read_alike_however_it_comes(size):
    reader, deltas = read(CALLS, size)
    assert [call.name for call in reader.calls] == ["add", "say"]
    assert [json.loads(call.arguments) for call in reader.calls] == [{"a": 1, "b": 2}, {"text": '}"{'}]
    joined = ["", ""]
    for delta in deltas:
        for call in delta["tool_calls"]:
            joined[call["index"]] += call["function"]["arguments"]
    assert joined == [call.arguments for call in reader.calls]
    reader, deltas = read(REPLY, size)
    assert "".join(delta["content"] for delta in deltas) == reader.content == 'a "b" é 😀 \n'


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("Hello {you}", "Hello {you}"),
        ('{"respo', '{"respo'),
        ('{"response": 12}', "12"),
        ('{"response": {"a": [1, 2]}}', '{"a": [1, 2]}'),
        ('{"response": "cut \\u00', "cut "),
        ("", ""),
    ],
)
def test_what_is_of_no_known_form_or_cut_short_is_content_as_far_as_it_goes(text, content, size):
    reader, _ = read(text, size)
    assert reader.content == content
    assert reader.calls == []


def said(messages, **others):
    (conversation, *begun) = chat_prompt(ChatBody.model_validate({"messages": messages, **others}))
    found = [(message.role, message.content[0].text) for message in conversation.messages]
    return found, "".join(segment.text for segment in begun)


def test_tools_are_told_in_the_system_message_whether_there_is_one_or_not():
    found, _ = said([{"role": "developer", "content": "Be brief."}, *HELLO], tools=[ADD])
    assert found[0][0] == "system"
    assert found[0][1].startswith("Be brief.")
    assert '"name": "add"' in found[0][1]
    assert said(HELLO, tools=[ADD])[0][0][0] == "system"
    assert said(HELLO, tools=[ADD], tool_choice="none")[0] == [("user", "hello")]


def test_calls_and_what_came_of_them_are_said_as_every_template_takes_it():
    calls = [{"id": "1", "function": {"name": "add", "arguments": '{"a": 1, "b": 2}'}}]
    found, _ = said(
        [
            *HELLO,
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "1", "content": "3"},
            {"role": "tool", "tool_call_id": "2", "content": "4"},
        ]
    )
    assert found[1] == ("assistant", CALL)
    first, second = found[2][1].split("\n")
    assert found[2][0] == "user"
    assert json.loads(first) == {"tool_response": {"content": "3", "tool_call_id": "1"}}
    assert json.loads(second)["tool_response"]["content"] == "4"


def test_an_answer_that_is_begun_is_gone_on_with():
    assert said([*HELLO, {"role": "assistant", "content": "It"}]) == ([("user", "hello")], "It")
    assert said([*HELLO, {"role": "assistant", "content": "It"}], add_generation_prompt=True)[1] == ""
    parts = [{"type": "text", "text": "It"}, {"type": "text", "text": "is"}]
    assert said([*HELLO, {"role": "assistant", "content": parts}])[1] == "It\n\nis"


def test_parts_of_a_text_are_lines_of_it():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert said([{"role": "user", "content": parts}])[0] == [("user", "a\nb")]

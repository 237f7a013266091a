"""OpenAI's own client against real models."""

from __future__ import annotations

import json
from typing import Literal

import openai
import pytest
from pydantic import BaseModel, Field

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is it cold?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "What the weather is like.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "enum": ["Oslo", "Rome"]},
                "days": {"type": "integer", "maximum": 9, "minimum": 1},
            },
            "required": ["city"],
        },
    },
}


@pytest.mark.asyncio
async def test_a_completion_is_the_same_streamed_and_whole(real):
    client = real.openai()
    asked = {"model": "complete", "prompt": "def add(a, b):\n    return", "max_tokens": 8, "temperature": 0}
    whole = await client.completions.create(**asked)
    assert whole.choices[0].text
    assert whole.usage.completion_tokens <= 8
    stream = await client.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == whole.choices[0].text
    assert chunks[-1].usage.prompt_tokens == whole.usage.prompt_tokens
    assert chunks[-1].usage.prompt_tokens_details.cached_tokens > 0


@pytest.mark.asyncio
async def test_what_is_drawn_follows_the_seed(real):
    client = real.openai()

    async def drawn(seed):
        answer = await client.completions.create(
            model="complete", prompt="import ", max_tokens=12, temperature=1.5, seed=seed
        )
        return answer.choices[0].text

    assert await drawn(7) == await drawn(7)
    assert len({await drawn(seed) for seed in range(4)}) > 1


@pytest.mark.asyncio
async def test_several_texts_of_one_prompt_and_several_prompts(real):
    answer = await real.openai().completions.create(
        model="complete", prompt=["import os\n", "class A:\n"], n=2, max_tokens=4, temperature=1, seed=1
    )
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert answer.usage.completion_tokens <= 16


@pytest.mark.asyncio
async def test_a_suffix_is_filled_in_before(real):
    answer = await real.openai().completions.create(
        model="complete",
        prompt="def area(w, h):\n    return ",
        suffix="\n\nprint(area(2, 3))\n",
        max_tokens=8,
        temperature=0,
    )
    assert answer.choices[0].text.strip()


@pytest.mark.asyncio
async def test_probabilities_are_told_of_each_token(real):
    answer = await real.openai().completions.create(
        model="complete", prompt="import ", max_tokens=3, temperature=0, logprobs=2
    )
    logprobs = answer.choices[0].logprobs
    assert "".join(logprobs.tokens) == answer.choices[0].text
    assert all(logprob <= 0 for logprob in logprobs.token_logprobs)
    assert all(len(top) == 2 for top in logprobs.top_logprobs)


@pytest.mark.asyncio
async def test_a_stop_text_ends_it_and_is_not_delivered(real):
    client = real.openai()
    asked = {"model": "complete", "prompt": "def f(x):\n    return x", "max_tokens": 30, "temperature": 0}
    text = (await client.completions.create(**asked)).choices[0].text
    stop = text[3:5]
    choice = (await client.completions.create(**asked, stop=[stop])).choices[0]
    assert choice.text == text[: text.index(stop)]
    assert choice.finish_reason == "stop"


@pytest.mark.asyncio
async def test_a_chat_is_the_same_streamed_and_whole(real):
    client = real.openai()
    asked = {"model": "chat", "messages": MESSAGES, "max_tokens": 6, "temperature": 0}
    whole = await client.chat.completions.create(**asked, logprobs=True, top_logprobs=2)
    choice = whole.choices[0]
    assert choice.message.role == "assistant"
    assert len(choice.logprobs.content) == whole.usage.completion_tokens == 6
    chunks = [chunk async for chunk in await client.chat.completions.create(**asked, stream=True)]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == choice.message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "length"


@pytest.mark.asyncio
async def test_a_tool_is_called_with_arguments_of_its_schema(real):
    client = real.openai()
    asked = {"model": "chat", "messages": MESSAGES, "tools": [WEATHER], "tool_choice": "required", "max_tokens": 200}
    answer = await client.chat.completions.create(**asked, temperature=0)
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls
    assert call.function.name == "weather"
    arguments = json.loads(call.function.arguments)
    assert arguments["city"] in {"Oslo", "Rome"}
    chunks = [chunk async for chunk in await client.chat.completions.create(**asked, temperature=0, stream=True)]
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert calls[0].function.name == "weather"
    assert json.loads("".join(call.function.arguments for call in calls)) == arguments
    again = [
        *MESSAGES,
        {"role": "assistant", "tool_calls": [call.model_dump() for call in choice.message.tool_calls]},
        {"role": "tool", "tool_call_id": call.id, "content": "-3 degrees"},
    ]
    after = await client.chat.completions.create(model="chat", messages=again, max_tokens=3)
    assert after.usage.prompt_tokens > answer.usage.prompt_tokens - 200


@pytest.mark.asyncio
async def test_an_answer_has_the_form_that_is_asked_for(real):
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 8},
            "size": {"type": "integer", "minimum": 1, "maximum": 40},
        },
        "required": ["name", "size"],
        "additionalProperties": False,
    }
    answer = await real.openai().chat.completions.create(
        model="chat",
        messages=MESSAGES,
        max_tokens=80,
        response_format={"type": "json_schema", "json_schema": {"name": "thing", "schema": schema, "strict": True}},
    )
    found = json.loads(answer.choices[0].message.content)
    assert set(found) == {"name", "size"}
    assert 1 <= found["size"] <= 40


class Edges(BaseModel):
    left: int = Field(ge=0, le=99)
    ratio: Literal[0, 1] = 0


class Colour(BaseModel):
    name: Literal["red", "blue"]
    shade: int = Field(ge=0, le=9)
    also: list[Literal["green", "grey"]] = Field(max_length=2)
    within: Edges | None


@pytest.mark.asyncio
async def test_an_answer_is_read_as_a_class(real):
    answer = await real.openai().chat.completions.parse(
        model="chat", messages=MESSAGES, response_format=Colour, max_tokens=400, seed=1
    )
    assert isinstance(answer.choices[0].message.parsed, Colour)


@pytest.mark.asyncio
async def test_texts_have_vectors(real):
    client = real.openai()
    plain = await client.embeddings.create(model="embed", input=["import os", "x = 1"], encoding_format="float")
    packed = await client.embeddings.create(model="embed", input=["import os", "x = 1"])
    assert [item.index for item in plain.data] == [0, 1]
    assert sum(number**2 for number in plain.data[0].embedding) == pytest.approx(1, abs=1e-4)
    assert packed.data[1].embedding == pytest.approx(plain.data[1].embedding, abs=1e-3)
    assert plain.usage.prompt_tokens > 2


@pytest.mark.asyncio
async def test_models_are_listed_and_an_unknown_one_is_told_which_there_are(real):
    client = real.openai()
    await client.completions.create(model="complete", prompt="x", max_tokens=1)
    listed = [model.id async for model in await client.models.list()]
    assert listed[0] == "pylot-tiny"
    assert (await client.models.retrieve("pylot-tiny")).id == "pylot-tiny"
    with pytest.raises(openai.NotFoundError, match="there are: pylot-tiny"):
        await client.completions.create(model="davinci-002", prompt="x")

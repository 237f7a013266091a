"""OpenAI's completions over ASGI."""

from __future__ import annotations

import json

import pytest

from pylot_ls.engine.scripted_backend import ScriptedBackend

PATH = "/v1/completions"


def events(response):
    """What was streamed; the last one is [DONE]."""
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


@pytest.mark.asyncio
async def test_a_text_is_continued(serve):
    client = await serve(ScriptedBackend("one two three"))
    answer = await client.post(PATH, json={"prompt": "count:", "max_tokens": 8})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["object"] == "text_completion"
    assert body["choices"] == [{"text": "one two three", "index": 0, "logprobs": None, "finish_reason": "stop"}]
    assert body["usage"] == {
        "prompt_tokens": 2,
        "completion_tokens": 4,
        "total_tokens": 6,
        "prompt_tokens_details": {"cached_tokens": 0},
    }


@pytest.mark.asyncio
async def test_a_stream_says_the_same_piece_by_piece_and_what_it_used_if_asked(serve):
    client = await serve(ScriptedBackend("one two three"))
    body = {"prompt": "count:", "max_tokens": 8, "stream": True, "stream_options": {"include_usage": True}}
    answer = await client.post(PATH, json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    chunks = events(answer)
    assert [chunk["choices"][0]["text"] for chunk in chunks[:-1]] == ["one ", "two ", "thre", "e", ""]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 4
    assert len({chunk["id"] for chunk in chunks}) == 1

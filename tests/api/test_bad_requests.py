"""What cannot be served is told so, with the right status, in OpenAI's shape."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from pylot_ls.api.options import ApiOptions, Limits
from pylot_ls.engine.scripted_backend import ScriptedBackend

COMPLETIONS, CHAT = "/v1/completions", "/v1/chat/completions"
HELLO = [{"role": "user", "content": "hello"}]


def error_of(answer, status):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert {"message", "type", "param", "code"} <= set(error)
    return error


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        (COMPLETIONS, b"{", "no JSON"),
        (COMPLETIONS, b"\xff", "no JSON"),
        (COMPLETIONS, b"[]", "JSON object"),
        (COMPLETIONS, b'{"prompt": 1}', "prompt"),
        (COMPLETIONS, b'{"prompt": []}', "empty list"),
        (COMPLETIONS, b'{"prompt": [true]}', "no prompt"),
        (COMPLETIONS, b'{"prompt": [-1]}', "no prompt"),
        (COMPLETIONS, b'{"prompt": "x", "temperature": "hot"}', "temperature"),
        (COMPLETIONS, b'{"prompt": "x", "temperature": NaN}', "no JSON|temperature"),
        (COMPLETIONS, b'{"prompt": "x", "top_p": 2}', "top_p"),
        (COMPLETIONS, b'{"prompt": "x", "max_tokens": -2}', "max_tokens"),
        (COMPLETIONS, b'{"prompt": "x", "n": 99}', "at most 8"),
        (COMPLETIONS, b'{"prompt": "x", "mirostat": 2}', "mirostat is not supported"),
        (COMPLETIONS, b'{"prompt": "x", "grammar": "root ::= \\"a\\"", "json_schema": {}}', "not both"),
        (COMPLETIONS, b'{"prompt": "x", "json_schema": {"type": "hiccup"}}', "no type of JSON"),
        (COMPLETIONS, b'{"prompt": "x", "logit_bias": [[99999999, 1]]}', "no token of the model"),
        (COMPLETIONS, b'{"prompt": [1, 2], "suffix": "x"}', "has to be a text"),
        (CHAT, b'{"messages": []}', "messages"),
        (CHAT, b'{"messages": "x"}', "messages"),
        (CHAT, b'{"messages": [{}]}', "messages.0.role"),
        (CHAT, b'{"messages": [{"role": "king", "content": "x"}]}', "messages.0.role"),
        (CHAT, b'{"messages": [{"role": "user"}]}', "messages.0 has no content"),
        (CHAT, json.dumps({"messages": HELLO, "response_format": {"type": "sound"}}).encode(), "response_format"),
        (CHAT, json.dumps({"messages": HELLO, "tool_choice": "required"}).encode(), "there is none"),
        (CHAT, json.dumps({"messages": [*HELLO] + [{"role": "assistant", "content": "a"}] * 2}).encode(), "stand last"),
        (
            CHAT,
            b'{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}',
            "reads text alone",
        ),
        ("/infill", b'{"input_prefix": "x"}', "input_suffix"),
        ("/infill", b'{"input_prefix": "", "input_suffix": "", "input_extra": [{"filename": "a"}]}', "text"),
    ],
)
async def test_a_bad_request_is_told_what_is_wrong(serve, path, body, says):
    client = await serve()
    answer = await client.post(path, content=body)
    error = error_of(answer, 400)
    assert re.search(says, error["message"]), error["message"]
    assert (await client.post(COMPLETIONS, json={"prompt": "x", "max_tokens": 1})).status_code == 200


@pytest.mark.asyncio
async def test_an_unknown_model_is_told_which_there_are(serve):
    error = error_of(await (await serve()).post(COMPLETIONS, json={"model": "gpt-9", "prompt": "x"}), 404)
    assert error["code"] == "model_not_found"
    assert "there are: scripted" in error["message"]


@pytest.mark.asyncio
async def test_a_prompt_that_is_too_long_is_told_how_long_it_is_and_what_there_is_room_for(serve):
    error = error_of(await (await serve()).post(COMPLETIONS, json={"prompt": "x" * 5000}), 400)
    assert error["type"] == "exceed_context_size_error"
    assert error["code"] == "context_length_exceeded"
    assert (error["n_prompt_tokens"], error["n_ctx"]) == (5000, 4096)


@pytest.mark.asyncio
async def test_a_body_over_the_limit_is_refused_whether_it_says_so_or_not(serve):
    client = await serve(options=ApiOptions(limits=Limits(most_body_bytes=1000)))
    body = json.dumps({"prompt": "x" * 2000}).encode()

    async def pieces():
        for start in range(0, len(body), 100):
            yield body[start : start + 100]

    assert error_of(await client.post(COMPLETIONS, content=body), 413)["code"] == "body_too_large"
    assert error_of(await client.post(COMPLETIONS, content=pieces()), 413)["code"] == "body_too_large"


@pytest.mark.asyncio
async def test_a_body_that_does_not_arrive_is_not_waited_for(serve):
    client = await serve(options=ApiOptions(limits=Limits(body_seconds=0.0)))
    never = asyncio.Event()

    async def pieces():
        yield b"{"
        await never.wait()

    error_of(await client.post(COMPLETIONS, content=pieces()), 408)


@pytest.mark.asyncio
async def test_a_request_that_takes_too_long_ends(serve, watched_backend):
    backend = watched_backend()
    client = await serve(backend, ApiOptions(limits=Limits(request_seconds=0.0)))
    backend.pause()
    error_of(await client.post(COMPLETIONS, json={"prompt": "x", "max_tokens": 3}), 504)
    assert backend.cancelled == backend.submitted
    backend.resume()


@pytest.mark.asyncio
async def test_what_fails_inside_tells_nothing_of_the_inside(serve):
    def fail(_prompt):
        raise ValueError("the secret")

    error = error_of(
        await (await serve(ScriptedBackend(fail))).post(COMPLETIONS, json={"prompt": "x", "max_tokens": 1}), 500
    )
    assert error["type"] == "server_error"


@pytest.mark.asyncio
async def test_paths_and_methods_that_there_are_not(serve):
    client = await serve()
    assert error_of(await client.get("/v2/magic"), 404)["code"] == "not_found"
    assert error_of(await client.get(COMPLETIONS), 405)["code"] == "method_not_allowed"


@pytest.mark.asyncio
async def test_a_role_without_a_model_is_not_supported(serve):
    error = error_of(await (await serve()).post("/v1/embeddings", json={"input": "x"}), 501)
    assert "no model is chosen for the role embed" in error["message"]

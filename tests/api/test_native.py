"""llama-server's routes, in its shapes."""

from __future__ import annotations

import asyncio
import json

import httpx2
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from pylot_ls.api.options import ApiOptions, Limits
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.types import Sampling


@pytest_asyncio.fixture
async def client(live, bundled_config):
    """Of the bundled model, with a server's own defaults."""
    backend = LlamaBackend(bundled_config)
    options = ApiOptions(sampling=Sampling(temperature=0.0, seed=42), max_tokens=32)
    server = await live(ModelPool({Role.COMPLETE: backend, Role.CHAT: backend}), options)
    async with httpx2.AsyncClient(base_url=server.url, timeout=60) as made:
        yield made


async def said(client, path, **body):
    answer = await client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def chunks_of(answer):
    return [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]


@pytest.mark.asyncio
async def test_a_completion_tells_what_it_was_and_what_it_took(client):
    body = await said(client, "/completion", prompt="def add(a, b):\n    return", n_predict=6, return_tokens=True)
    assert body["stop"]
    assert body["stop_type"] in {"limit", "eos"}
    assert body["tokens_predicted"] == len(body["tokens"]) == body["timings"]["predicted_n"]
    assert body["generation_settings"]["n_predict"] == 6
    assert body["generation_settings"]["seed"] == 42
    assert body["timings"]["prompt_n"] + body["timings"]["cache_n"] == body["tokens_evaluated"]
    streamed = chunks_of(
        await client.post("/completion", json={"prompt": "def add(a, b):\n    return", "n_predict": 6, "stream": True})
    )
    assert "".join(chunk["content"] for chunk in streamed) == body["content"]
    assert [token for chunk in streamed[:-1] for token in chunk["tokens"]] == body["tokens"]
    assert not streamed[0]["stop"]
    assert streamed[-1]["timings"]["cache_n"] > 0


@pytest.mark.asyncio
async def test_the_servers_own_length_counts_where_the_request_does_not_say(client):
    body = await said(client, "/completion", prompt="x = [1, ", ignore_eos=True)
    assert body["tokens_predicted"] == 32
    assert body["generation_settings"]["logit_bias"][0]["bias"] is None
    assert (await said(client, "/completion", prompt="x = [1, ", n_predict=40, ignore_eos=True))[
        "tokens_predicted"
    ] == 40


@pytest.mark.asyncio
async def test_probabilities_may_be_those_of_the_draw(client):
    asked = {"n_predict": 4, "n_probs": 3, "post_sampling_probs": True, "temperature": 0.7, "top_k": 5}
    body = await said(client, "/completion", prompt="import ", **asked)
    for token in body["completion_probabilities"]:
        assert 0 < token["prob"] <= 1
        assert 0 < sum(each["prob"] for each in token["top_probs"]) <= 1 + 1e-6
    refused = await client.post("/completion", json={"prompt": "x", **asked, "top_k": 0})
    assert "needs a top_k" in refused.json()["error"]["message"]


@pytest.mark.asyncio
async def test_text_and_tokens_come_to_the_same(client):
    text = "import os\n"
    tokens = (await said(client, "/tokenize", content=text, add_special=True))["tokens"]
    answers = [
        (await said(client, "/completion", prompt=prompt, n_predict=4))["content"]
        for prompt in (text, tokens, {"prompt_string": text}, [*tokens[:1], text] if len(tokens) > 3 else tokens)
    ]
    assert len(set(answers[:3])) == 1
    several = await said(client, "/completion", prompt=[text, tokens], n_predict=4)
    assert [each["content"] for each in several] == answers[:2]
    assert [each["index"] for each in several] == [0, 1]


@pytest.mark.asyncio
async def test_tokens_are_what_the_text_is_made_of(client):
    text = "naïve = '🤗'\n"
    tokens = (await said(client, "/tokenize", content=text))["tokens"]
    assert (await said(client, "/detokenize", tokens=tokens))["content"] == text
    pieces = (await said(client, "/tokenize", content=text, with_pieces=True))["tokens"]
    assert [piece["id"] for piece in pieces] == tokens
    assert any(isinstance(piece["piece"], list) for piece in pieces)
    assert (await said(client, "/tokenize", content=""))["tokens"] == []
    assert (await client.post("/detokenize", json={"tokens": [10**7]})).status_code == 400


@pytest.mark.asyncio
async def test_the_stop_text_that_ended_it_is_told(client):
    body = await said(client, "/completion", prompt="def f(x):\n    return", n_predict=30)
    stop = body["content"][2:4]
    stopped = await said(client, "/completion", prompt="def f(x):\n    return", n_predict=30, stop=["~~", stop])
    assert stopped["stop_type"] == "word"
    assert stopped["stopping_word"] == stop
    assert stopped["content"] == body["content"][: body["content"].index(stop)]


@pytest.mark.asyncio
async def test_probabilities_of_each_token_and_of_what_could_have_stood_there(client):
    body = await said(client, "/completion", prompt="import ", n_predict=3, n_probs=4)
    shown = body["completion_probabilities"]
    assert "".join(token["token"] for token in shown) == body["content"]
    for token in shown:
        assert len(token["top_logprobs"]) == 4
        assert token["top_logprobs"][0]["id"] == token["id"]
        assert token["logprob"] <= 0
    chunks = chunks_of(
        await client.post("/completion", json={"prompt": "import ", "n_predict": 3, "n_probs": 4, "stream": True})
    )
    assert all(len(chunk["completion_probabilities"]) == len(chunk["tokens"]) for chunk in chunks[:-1])


@pytest.mark.asyncio
async def test_only_the_fields_that_are_asked_for(client):
    fields = ["content", "generation_settings/n_predict", "none"]
    body = await said(client, "/completion", prompt="x", n_predict=2, response_fields=fields)
    assert set(body) == {"content", "generation_settings/n_predict"}


@pytest.mark.asyncio
async def test_a_grammar_and_a_schema_are_kept_to(client):
    body = await said(client, "/completion", prompt="x", n_predict=20, grammar='root ::= "a"{5,5}')
    assert body["content"] == "aaaaa"
    schema = {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 5}, "minItems": 2, "maxItems": 2}
    body = await said(client, "/completion", prompt="x", n_predict=20, json_schema=schema)
    assert len(json.loads(body["content"])) == 2
    refused = await client.post("/completion", json={"prompt": "x", "grammar": "root ::= this is (not"})
    assert refused.status_code == 400


@pytest.mark.asyncio
async def test_a_ban_is_kept_to_by_token_and_by_text(client):
    body = await said(client, "/completion", prompt="def f(x):\n    return", n_predict=1, return_tokens=True)
    (token,) = body["tokens"]
    for bias in ([[token, False]], {str(token): -100}):
        other = await said(
            client, "/completion", prompt="def f(x):\n    return", n_predict=1, return_tokens=True, logit_bias=bias
        )
        assert other["tokens"] != [token]


@pytest.mark.asyncio
async def test_who_runs_out_of_context_goes_on_with_its_newest_half(live, bundled_config):
    backend = LlamaBackend(bundled_config)
    options = ApiOptions(sampling=Sampling(temperature=0.0), shifts_context=True)
    server = await live(ModelPool({Role.COMPLETE: backend, Role.CHAT: backend}), options)
    async with httpx2.AsyncClient(base_url=server.url, timeout=60) as client:
        n_ctx = (await client.get("/props")).json()["default_generation_settings"]["n_ctx"]
        while n_ctx == 0:
            n_ctx = (await client.get("/props")).json()["default_generation_settings"]["n_ctx"]
        text = "value = 1\n" * (n_ctx // 6)
        n_prompt = len((await said(client, "/tokenize", content=text))["tokens"])
        body = await said(client, "/completion", prompt=text, n_predict=n_ctx - n_prompt + 60, ignore_eos=True)
        assert body["truncated"]
        assert body["tokens_predicted"] == n_ctx - n_prompt + 60


@pytest.mark.asyncio
async def test_without_that_it_ends_where_the_context_does(serve):
    client = await serve(ScriptedBackend("x" * 20_000))
    body = await said(client, "/completion", prompt="y" * 4000)
    assert body["stop_type"] == "limit"
    assert body["tokens_predicted"] == 96


@pytest.mark.asyncio
async def test_health_props_slots_and_adapters(serve, watched_backend):
    backend = watched_backend("one two")
    client = await serve(backend, ApiOptions(limits=Limits(most_running=2)))
    assert (await client.get("/health")).json() == {"status": "ok"}
    props = (await client.get("/props")).json()
    assert props["total_slots"] == 2
    assert props["default_generation_settings"]["n_ctx"] == 4096
    slots = (await client.get("/slots")).json()
    assert [slot["is_processing"] for slot in slots] == [False, False]
    assert (await client.get("/lora-adapters")).json() == []
    assert (await client.post("/lora-adapters", json=[])).json() == {"success": True}
    assert (await client.post("/slots/0?action=save", json={"filename": "x"})).status_code == 501


@pytest.mark.asyncio
async def test_metrics_are_those_of_llama_server_and_of_each_user(serve):
    client = await serve(ScriptedBackend("one two three"))
    for _ in range(2):
        await said(client, "/completion", prompt="count with me:", n_predict=8)
    text = (await client.get("/metrics")).text
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["llamacpp:prompt_tokens_total",] == 5
    assert found["llamacpp:prompt_tokens_cached_total",] == 3
    assert found["llamacpp:tokens_predicted_total",] == 8
    assert found["llamacpp:requests_processing",] == 0
    assert found["pylot_api_tokens_total", "decoded", "local"] == 8
    assert found["pylot_api_requests_total", "200", "local"] == 2


@pytest.mark.asyncio
async def test_how_often_llama_cpp_was_called_is_counted(client):
    prompts = ("def add(a, b):\n    return", "x = [1, ", "import ")
    await asyncio.gather(*(said(client, "/completion", prompt=each, n_predict=6, ignore_eos=True) for each in prompts))
    lines = (await client.get("/metrics")).text.splitlines()
    found = dict(line.split(" ", 1) for line in lines if line.startswith("llamacpp:"))
    n_calls, n_busy = float(found["llamacpp:n_decode_total"]), float(found["llamacpp:n_busy_slots_per_decode"])
    # Each had the evaluation of its prompt and a step for each further token, of which some were in one call.
    assert n_calls * n_busy == pytest.approx(3 * 6)
    assert 6 <= n_calls <= 3 * 6
    # A counter by a name that Prometheus' library would not give one.
    assert "# TYPE llamacpp:n_tokens_max counter" in lines
    assert float(found["llamacpp:n_tokens_max"]) > 6


@pytest.mark.asyncio
async def test_the_page_tells_what_can_be_asked_with_nothing_from_elsewhere(serve):
    client = await serve()
    page = (await client.get("/docs")).text
    assert "POST /v1/chat/completions" in page
    assert "<code>temperature</code>" in page
    assert "<script" not in page
    assert "//" not in page


@pytest.mark.asyncio
async def test_what_is_not_to_be_shown_is_not(serve):
    assert "<!doctype html>" in (await (await serve()).get("/")).text
    client = await serve(options=ApiOptions(has_slots=False, has_metrics=False, has_page=False))
    assert (await client.get("/")).status_code == 404
    assert (await client.get("/slots")).status_code == 501
    assert (await client.get("/metrics")).status_code == 501

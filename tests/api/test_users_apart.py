"""What one user's requests leave behind is of no use, and no sight, to another."""

from __future__ import annotations

import asyncio

import httpx2
import openai
import pytest

from pylot_ls.api.keys import KeyBook
from pylot_ls.api.options import ApiOptions, Limits
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.prompt_types import TextSegment

SECRET = "token = 'a canary that nobody else may find'\nimport os\n"


async def n_cached(client, prompt=SECRET, **others):
    answer = await client.completions.create(model="complete", prompt=prompt, max_tokens=1, temperature=0, **others)
    return answer.usage.prompt_tokens_details.cached_tokens


@pytest.mark.asyncio
async def test_the_kv_of_a_prompt_is_found_by_who_asked_it_and_by_nobody_else(live, bundled_config, tmp_path):
    book = KeyBook(tmp_path / "keys.json")
    keys = {name: book.create(name, shares_editors=name == "owner") for name in ("ann", "bob", "owner")}
    backend = LlamaBackend(bundled_config)
    pool = ModelPool({Role.COMPLETE: backend, Role.CHAT: backend})
    server = await live(pool, ApiOptions(keys=book))
    ann, bob, owner = (server.openai(keys[name]) for name in ("ann", "bob", "owner"))
    assert await n_cached(ann) == 0
    assert await n_cached(ann) > 0
    assert await n_cached(bob) == 0
    assert await n_cached(owner) == 0
    # The editors' own, which the owner's key shares.
    editors = pool.complete.generate((TextSegment(SECRET),), max_tokens=1)
    usage = [event.usage async for event in editors][-1]
    assert usage.tokens_reused > 0


@pytest.mark.asyncio
async def test_a_prompt_that_is_not_to_be_used_again_is_not(real):
    client = real.openai()
    assert await n_cached(client) == 0
    assert await n_cached(client, extra_body={"cache_prompt": False}) == 0
    assert await n_cached(client) > 0


@pytest.mark.asyncio
async def test_slots_and_full_queues_of_one_user_leave_the_other_alone(live, watched_backend, tmp_path):
    book = KeyBook(tmp_path / "keys.json")
    keys = {name: book.create(name) for name in ("ann", "bob")}
    backend = watched_backend("x")
    pool = ModelPool({Role.COMPLETE: backend, Role.CHAT: backend})
    limits = Limits(most_running_of_user=1, most_waiting_of_user=0)
    server = await live(pool, ApiOptions(keys=book, limits=limits))
    ann, bob = (server.openai(keys[name]) for name in ("ann", "bob"))
    await n_cached(ann)
    await backend.asked.get()
    backend.pause()
    running = asyncio.ensure_future(n_cached(ann))
    await backend.asked.get()
    with pytest.raises(openai.RateLimitError) as refused:
        await n_cached(ann)
    assert int(refused.value.response.headers["retry-after"]) >= 1
    async with httpx2.AsyncClient(base_url=server.url) as client:
        slots = {
            name: (await client.get("/slots", headers={"X-Api-Key": keys[name]})).json()[0] for name in ("ann", "bob")
        }
    assert slots["ann"]["is_processing"]
    assert "n_prompt_tokens" in slots["ann"]
    assert slots["bob"] == {"id": 0, "n_ctx": slots["ann"]["n_ctx"], "is_processing": True}
    backend.resume()
    await running
    await n_cached(bob)

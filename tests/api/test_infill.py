"""Infill as editors' plugins ask it: typing only adds to the prompt."""

from __future__ import annotations

import json

import httpx2
import pytest
import pytest_asyncio

from pylot_ls.api.keys import KeyBook
from pylot_ls.api.options import ApiOptions
from pylot_ls.bench.infill import infill_request
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.text.rope import Text

SOURCE = (
    "import os\n\n\ndef area(width, height):\n    return width * height\n\n\ndef test():\n    # HERE\n\n\n"
    "def volume(width, height, depth):\n    return area(width, height) * depth\n"
)


def asked(typed, **others):
    """What llama.vim asks when so much has been typed."""
    before, after = SOURCE.split("# HERE")
    body = infill_request(Text.from_str(before + typed + after), len(before + typed), n_predict=4)
    return body | others


@pytest_asyncio.fixture
async def real_infill(live, bundled_config):
    backend = LlamaBackend(bundled_config)
    server = await live(ModelPool({Role.COMPLETE: backend, Role.CHAT: backend}))
    async with httpx2.AsyncClient(base_url=server.url, timeout=60) as client:
        client.api = server.api
        yield client


@pytest.mark.asyncio
async def test_a_keystroke_evaluates_what_was_typed_and_no_more(real_infill):
    costs = []
    for typed in ("", "a", "as", "ass", "asse", "asser", "assert", "assert a", "assert ar", "assert are"):
        answer = await real_infill.post("/infill", json=asked(typed))
        assert answer.status_code == 200, answer.text
        timings = answer.json()["timings"]
        costs.append(timings["prompt_n"])
        assert timings["cache_n"] + timings["prompt_n"] == answer.json()["tokens_evaluated"]
    assert costs[0] > 30
    assert max(costs[1:]) <= 3


@pytest.mark.asyncio
async def test_return_leaves_the_prompt_where_it_is(real_infill):
    await real_infill.post("/infill", json=asked("assert area(2, 3)"))
    answer = await real_infill.post("/infill", json=asked("assert area(2, 3)\n    "))
    assert answer.json()["timings"]["prompt_n"] <= 4


@pytest.mark.asyncio
async def test_other_files_that_change_wait_until_nobody_is_kept_waiting(real_infill):
    first = [{"filename": "a.py", "text": "def first():\n    pass\n"}]
    second = [*first, {"filename": "b.py", "text": "def second():\n    pass\n"}]
    before = await real_infill.post("/infill", json=asked("", input_extra=first))
    answer = await real_infill.post("/infill", json=asked("a", input_extra=second))
    assert answer.json()["timings"]["prompt_n"] <= 3
    await real_infill.api.infilling.settled()
    answer = await real_infill.post("/infill", json=asked("as", input_extra=second))
    assert answer.json()["timings"]["prompt_n"] <= 3
    assert answer.json()["tokens_evaluated"] > before.json()["tokens_evaluated"] + 10


@pytest.mark.asyncio
async def test_the_prompt_holds_other_files_before_the_hole_in_an_order_of_their_own(serve):
    prompts = []

    def answer(prompt):
        prompts.append(prompt)
        return "x"

    client = await serve(ScriptedBackend(answer))
    extra = [{"filename": "b", "text": "B"}, {"filename": "a", "text": "A"}]
    assert (await client.post("/infill", json=asked("", input_extra=extra))).status_code == 200
    others = prompts[0][1]
    assert isinstance(others, TextSegment)
    assert others.text.index("A") < others.text.index("B")
    await client.post("/infill", json=asked("", input_extra=extra[::-1]))
    assert prompts[1][:2] == prompts[0][:2]


@pytest.mark.asyncio
async def test_users_do_not_stand_on_each_others_anchors(serve, tmp_path):
    book = KeyBook(tmp_path / "keys.json")
    ann, bob = book.create("ann"), book.create("bob")
    client = await serve(ScriptedBackend("x"), ApiOptions(keys=book))
    for key in (ann, bob):
        await client.post("/infill", json=asked(""), headers={"X-Api-Key": key})
    answer = await client.post("/infill", json=asked("a"), headers={"X-Api-Key": bob})
    assert answer.json()["timings"]["cache_n"] > 0
    assert len(client.api.infilling._places) == 2


@pytest.mark.asyncio
async def test_it_ends_before_a_line_that_is_indented_less(serve):
    client = await serve(ScriptedBackend("a = 1\n\n    b = 2\nc = 3\n"))
    body = asked("", n_predict=50, n_indent=4)
    answer = (await client.post("/infill", json=body)).json()
    assert answer["content"] == "a = 1\n\n    b = 2"
    stream = await client.post("/infill", json=body | {"stream": True})
    chunks = [json.loads(line.removeprefix("data: ")) for line in stream.text.split("\n\n") if line]
    assert "".join(chunk["content"] for chunk in chunks) == answer["content"]
    assert chunks[-1]["stop"]


@pytest.mark.asyncio
async def test_nothing_is_drawn_unless_a_temperature_is_given(serve, watched_backend):
    backend = watched_backend("x")
    client = await serve(backend)
    await client.post("/infill", json=asked(""))
    assert (await backend.asked.get()).sampling is None
    await client.post("/infill", json=asked("", temperature=0.5))
    assert (await backend.asked.get()).sampling.temperature == 0.5


@pytest.mark.asyncio
async def test_files_gathered_while_nothing_is_typed_are_there_at_the_next_keystroke(real_infill):
    extra = [{"filename": "a.py", "text": "def first():\n    return 1\n" * 5}]
    await real_infill.post("/infill", json=asked("a", input_extra=[]))
    gathered = {"input_prefix": "", "input_suffix": "", "prompt": "", "n_predict": 0, "response_fields": [""]}
    assert (await real_infill.post("/infill", json=gathered | {"input_extra": extra})).json() == {}
    await real_infill.api.infilling.settled()
    answer = (await real_infill.post("/infill", json=asked("as", input_extra=extra))).json()
    assert answer["timings"]["prompt_n"] <= 3
    assert answer["tokens_evaluated"] > 80


@pytest.mark.asyncio
async def test_who_says_how_long_a_prompt_may_take_has_smaller_ones_ready(serve, watched_backend):
    backend = watched_backend("x")
    client = await serve(backend)
    await client.post("/infill", json=asked("", t_max_prompt_ms=500))
    request = await backend.asked.get()
    assert request.budget_ms == 500
    assert request.fallbacks


@pytest.mark.asyncio
async def test_a_model_that_was_shown_several_files_gets_them_as_it_knows_them(live, chat_config):
    backend = LlamaBackend(chat_config)
    server = await live(ModelPool({Role.COMPLETE: backend, Role.CHAT: backend}))
    async with httpx2.AsyncClient(base_url=server.url, timeout=60) as client:
        extra = [{"filename": "a.py", "text": "x = '<|fim_suffix|>'\n"}, {"filename": "b.py", "text": "y\n" * 900}]
        answer = await client.post("/infill", json=asked("", input_extra=extra))
        assert answer.status_code == 200, answer.text
    (standing,) = next(iter(server.api.infilling._places.values()))
    model = await server.api.models.get(None, Role.COMPLETE)
    prompt = server.api.infilling._with_others(model, standing)
    text = b"".join((await model.engine.rendered(prompt)).pieces).decode()
    assert text.startswith("<|repo_name|>myproject\n<|file_sep|>a.py\nx = '<|fim_suffix|>'\n<|file_sep|>b.py\ny\n")
    tokens = await model.engine.tokenize(prompt)
    (suffix,) = await model.engine.tokenize((TextSegment("<|fim_suffix|>", special=True),))
    assert tokens.count(suffix) == 1
    assert len(tokens) < model.info.n_ctx

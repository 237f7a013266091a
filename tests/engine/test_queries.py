"""What is asked of a vocabulary is answered with nothing evaluated, whatever else is in work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from served_worker import Served

from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.pooled_backend import PooledBackend
from pylot_ls.engine.prompt_types import ChatMessage, ChatSegment, Marker, MarkerSegment, TextSegment, TokensSegment
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.shared_memory import SharedMemory
from pylot_ls.engine.types import Finished, FinishReason, GenerateRequest, Rendered, Token
from pylot_ls.errors import EngineClosedError, ModelUnsupportedError, RequestError

TEXT = "def grüße(имя):\n    return '你好 <|fim_middle|>'\n"


def asks(request_id, text):
    return GenerateRequest(request_id, (TextSegment(text),), 0, renders=True)


@pytest.fixture
def engine_of(start_engine, bundled_config):
    """An engine on a backend of a kind."""

    def make(kind):
        if kind == "llama":
            return start_engine(LlamaBackend(bundled_config))
        if kind == "scripted":
            return start_engine(ScriptedBackend())
        return start_engine(PooledBackend(lambda *_: ScriptedBackend(), SharedMemory()))

    return make


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["llama", "scripted", "pooled"])
async def test_the_pieces_of_a_texts_tokens_are_its_bytes(engine_of, kind):
    engine = engine_of(kind)
    tokens = await engine.tokenize((TextSegment(TEXT),))
    assert b"".join(await engine.pieces(tokens)) == TEXT.encode()
    assert await engine.tokenize((TokensSegment(tokens[:3]), TokensSegment(tokens[3:]))) == tokens
    assert await engine.pieces(()) == ()
    assert await engine.tokenize(()) == ()
    assert await engine.tokenize((TextSegment(""),)) == ()
    assert engine.background_tokens == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["llama", "scripted", "pooled"])
async def test_a_token_that_there_is_not_is_refused(engine_of, kind):
    engine = engine_of(kind)
    n_vocab = (await engine.ready()).n_vocab
    for token in (-1, n_vocab):
        with pytest.raises(RequestError, match=f"there is no token {token}; those of the model are 0 to {n_vocab - 1}"):
            await engine.pieces((0, token))
    assert len(await engine.pieces((n_vocab - 1,))) == 1


@pytest.mark.asyncio
async def test_special_tokens_are_found_where_that_is_wanted_and_written_out(engine_of):
    engine = engine_of("llama")
    fim = (await engine.ready()).fim
    special = await engine.tokenize((TextSegment("<|fim_middle|>x", special=True),))
    plain = await engine.tokenize((TextSegment("<|fim_middle|>x"),))
    assert special[0] == fim.middle
    assert fim.middle not in plain
    assert b"".join(await engine.pieces(special)) == b"".join(await engine.pieces(plain)) == b"<|fim_middle|>x"
    assert await engine.tokenize((MarkerSegment(Marker.FIM_MIDDLE), TextSegment("x"))) == special


@pytest.mark.asyncio
async def test_a_prompt_that_the_model_cannot_have_is_refused(engine_of):
    engine = engine_of("llama")
    conversation = (ChatSegment((ChatMessage("user", (TextSegment("?"),)),)),)
    with pytest.raises(ModelUnsupportedError):
        await engine.tokenize(conversation)
    assert await engine.tokenize((TextSegment("x"),))
    scripted = engine_of("scripted")
    assert b"".join(await scripted.pieces(await scripted.tokenize(conversation))) == b"user: ?\nassistant: "


@pytest.mark.asyncio
async def test_a_prompt_costs_as_many_tokens_as_it_is_said_to_have(engine_of):
    engine = engine_of("llama")
    prompt = (MarkerSegment(Marker.BOS), TextSegment(TEXT))
    usage = await engine.prefill(prompt)
    assert usage.prompt_tokens == len(await engine.tokenize(prompt))


@pytest.mark.asyncio
async def test_a_closed_engine_answers_nothing(engine_of):
    engine = engine_of("scripted")
    await engine.close()
    with pytest.raises(EngineClosedError):
        await engine.tokenize((TextSegment("x"),))


@given(st.integers(1, 7), st.text("ab", max_size=20))
def test_the_answer_comes_between_two_evaluations_and_changes_nothing(at, text):
    asked, alone = Served(), Served()
    request_id = asked.submit("ab" * 12, 8)
    alone.submit("ab" * 12, 8)
    alone.serve()
    asked.during(*[lambda: None] * at, lambda: asked.inbox.put(asks("asked", text)) and None)
    asked.serve()
    (answer,) = [event for event in asked.events if isinstance(event, Rendered)]
    assert answer == Rendered("asked", tuple(map(ord, text)), tuple(bytes([ord(letter)]) for letter in text))
    assert asked.kv.log == alone.kv.log
    n_before = sum(isinstance(event, Token) for event in asked.events[: asked.events.index(answer)])
    assert n_before <= max(0, at - 1)
    assert asked.text(request_id) == alone.text(request_id)
    asked.check()


def test_it_waits_for_no_place_in_work():
    served = Served(max_active=1)
    for _ in range(4):
        served.submit("ab" * 12, 8)
    served.inbox.put(asks("asked", "ab"))
    served.worker.turn()
    assert [event for event in served.events if isinstance(event, Rendered)]
    served.serve()
    served.check()


def test_one_that_was_cancelled_ends_as_cancelled():
    served = Served()
    served.inbox.put(asks("asked", "ab"))
    served.inbox.cancel("asked")
    served.serve()
    assert [(e.request_id, e.reason) for e in served.events if isinstance(e, Finished)] == [
        ("asked", FinishReason.CANCELLED)
    ]


@pytest.mark.asyncio
async def test_a_model_tells_what_begins_and_ends_its_texts(engine_of):
    info = await engine_of("llama").ready()
    assert await engine_of("llama").pieces((info.eos.token_id,)) == (info.eos.text.encode(),)
    assert (info.eos.text, info.adds_bos, info.chat_template) == ("<|endoftext|>", False, "")
    assert info.n_parallel > 1

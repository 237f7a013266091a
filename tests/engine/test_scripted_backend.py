"""The scripted backend keeps the backends' contract, deterministically."""

import math
import struct
from dataclasses import replace

import pytest

from pylot_ls.engine.prompt_types import Marker, MarkerSegment, TextSegment, TokensSegment
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL, SCRIPTED_TEXT, ScriptedBackend
from pylot_ls.engine.types import Alternative, Failed, FinishReason, LoadFailed, Loading, Ready, Sampling
from pylot_ls.errors import ModelUnsupportedError

PROMPT = (MarkerSegment(Marker.FIM_PREFIX), TextSegment("abcdefgh"))


def test_it_loads_then_answers_with_its_text(drive):
    driven = drive(ScriptedBackend())
    answer = driven.ask(PROMPT)
    assert driven.events[:2] == [Loading(0.0), Ready(SCRIPTED_MODEL)]
    assert answer.text == SCRIPTED_TEXT
    assert [token.text for token in answer.tokens] == ["scri", "pted", "_sug", "gest", "ion"]
    assert answer.end.reason is FinishReason.END


def test_the_script_sees_the_prompt(drive):
    driven = drive(ScriptedBackend(lambda prompt: prompt[1].text.upper()))
    assert driven.ask(PROMPT).text == "ABCDEFGH"


def test_it_counts_as_a_model_does(drive):
    driven = drive(ScriptedBackend())
    usage = [driven.ask((TextSegment(text),)).end.usage for text in ("abcdefgh", "abcdefghij", "abcdefghij", "x")]
    counts = [(u.prompt_tokens, u.tokens_reused, u.tokens_evaluated) for u in usage]
    assert counts == [(2, 0, 2), (3, 2, 1), (3, 2, 1), (1, 0, 1)]
    assert {u.tokens_decoded for u in usage} == {5}


@pytest.mark.parametrize(
    ("max_tokens", "stop", "text", "reason"),
    [
        (2, (), "scripted", FinishReason.LENGTH),
        (16, ("ted_s",), "scrip", FinishReason.STOP),
        (16, ("nothing",), SCRIPTED_TEXT, FinishReason.END),
        (16, ("ion.",), SCRIPTED_TEXT, FinishReason.END),
    ],
)
def test_it_ends_where_a_model_would(drive, max_tokens, stop, text, reason):
    answer = drive(ScriptedBackend()).ask(PROMPT, max_tokens, stop)
    assert (answer.text, answer.end.reason) == (text, reason)


def test_a_failing_script_fails_the_request(drive):
    def script(_prompt):
        raise LookupError("nothing to say")

    driven = drive(ScriptedBackend(script))
    assert driven.ask(PROMPT).end == Failed("1", "nothing to say", "LookupError")


def test_a_load_failure_fails_every_request(drive):
    failure = LoadFailed("no model", "ModelNotFoundError")
    driven = drive(ScriptedBackend(load_failure=failure))
    assert driven.ask(PROMPT).end == Failed("1", "no model", "ModelNotFoundError")
    assert driven.state() == failure


def test_a_request_is_cancelled_while_paused(drive):
    driven = drive(ScriptedBackend())
    driven.state()
    driven.backend.pause()
    running, waiting = driven.submit(PROMPT), driven.submit(PROMPT)
    driven.backend.cancel(waiting)
    driven.backend.cancel(running)
    assert driven.answer(running).end.reason is FinishReason.CANCELLED
    assert driven.answer(waiting).end.reason is FinishReason.CANCELLED
    driven.backend.resume()
    assert driven.ask(PROMPT).text == SCRIPTED_TEXT


def test_it_closes_while_its_load_is_paused(drive):
    backend = ScriptedBackend()
    backend.pause()
    driven = drive(backend)
    request_id = driven.submit(PROMPT)
    backend.close()
    assert driven.answer(request_id).end.reason is FinishReason.CANCELLED
    assert driven.ask(PROMPT).end.kind == "EngineClosedError"


def test_it_finds_what_was_evaluated_with_the_same_salt(drive):
    driven = drive(ScriptedBackend())
    usages = [driven.ask((TextSegment("abcdefghij"),), salt=salt).end.usage for salt in ("a", "b", "a", "", "")]
    assert [usage.tokens_reused for usage in usages] == [0, 0, 2, 0, 2]


def test_a_seed_says_which_of_its_answers_is_drawn(drive):
    driven = drive(ScriptedBackend("one", others=("two", "three")))
    said = [driven.ask(PROMPT, sampling=Sampling(seed=seed)).text for seed in (0, 1, 2, 3, None)]
    assert said == ["one", "two", "three", "one", "one"]
    assert driven.ask(PROMPT, sampling=Sampling(seed=1, temperature=0.0)).text == "one"


def test_its_tokens_have_pieces_and_alternatives(drive):
    driven = drive(ScriptedBackend("abcdefg"))
    tokens = driven.ask(PROMPT, n_alternatives=2).tokens
    assert [token.piece for token in tokens] == [b"abcd", b"efg"]
    assert tokens[0].alternatives == (Alternative(ord("a"), b"abcd", 0.0), Alternative(ord("b"), b"b", -10.0))


@pytest.mark.parametrize(
    ("prompt", "wrong"),
    [
        ((TokensSegment((SCRIPTED_MODEL.n_vocab,)),), {}),
        (PROMPT, {"sampling": Sampling(top_p=2.0)}),
        (PROMPT, {"n_alternatives": -1}),
    ],
)
def test_it_refuses_what_a_model_does(drive, prompt, wrong):
    end = drive(ScriptedBackend()).ask(prompt, **wrong).end
    assert (type(end), end.kind) == (Failed, "RequestError")


@pytest.mark.asyncio
async def test_one_that_embeds_gives_each_text_its_own_vector_of_length_one(start_engine):
    engine = start_engine(ScriptedBackend(info=replace(SCRIPTED_MODEL, n_embd=8)))
    found = await engine.embedded(("abcde", "f", "abcde", (ord("f"),)))
    vectors = [struct.unpack("<8f", vector) for vector in found.vectors]
    assert found.n_tokens == (2, 1, 2, 1)
    assert (vectors[0], vectors[1]) == (vectors[2], vectors[3])
    assert vectors[0] != vectors[1]
    assert [math.hypot(*vector) for vector in vectors] == pytest.approx([1.0] * 4, abs=1e-6)
    with pytest.raises(ModelUnsupportedError, match="gives vectors only"):
        await engine.prefill(PROMPT)
    with pytest.raises(ModelUnsupportedError, match="produces text only"):
        await start_engine(ScriptedBackend()).embed(("x",))


def test_a_prompt_of_tokens_is_a_text_to_it(drive):
    driven = drive(ScriptedBackend())
    assert driven.ask((TokensSegment(tuple(map(ord, "abcdefgh"))),)).end.usage.prompt_tokens == 2
    assert driven.ask((TextSegment("abcdefghij"),)).end.usage.tokens_reused == 2

"""Requests and events are plain values: they can be sent to another process, or written down."""

import json
import pickle
from dataclasses import FrozenInstanceError, asdict, fields, replace

import pytest

from pylot_ls.engine.prompt_types import (
    ChatMessage,
    ChatSegment,
    Keep,
    Marker,
    MarkerSegment,
    TextSegment,
    TokensSegment,
)
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL
from pylot_ls.engine.types import (
    Alternative,
    Embedded,
    Failed,
    Finished,
    FinishReason,
    GenerateRequest,
    LoadFailed,
    Loading,
    Ready,
    Rendered,
    Sampling,
    SpecialToken,
    Token,
    Usage,
)

PROMPT = (MarkerSegment(Marker.BOS), TextSegment("text", 5, Keep.START, 2))
OTHER = (TokensSegment((1, 2)), ChatSegment((ChatMessage("user", (TextSegment("?", special=True),)),)))
MESSAGES = [
    GenerateRequest("1", PROMPT, max_tokens=3, stop=("\n",)),
    GenerateRequest("2", OTHER, 3, sampling=Sampling(logit_bias=((1, 2.0),)), n_alternatives=2, salt="x"),
    Loading(0.5),
    Ready(SCRIPTED_MODEL),
    Ready(replace(SCRIPTED_MODEL, fim=None)),
    LoadFailed("no model", "ModelNotFoundError"),
    Token("1", "a", 97, -0.5, Usage(tokens_decoded=1), b"a", (Alternative(97, b"a", -0.5),)),
    Finished("1", FinishReason.STOP, "", Usage()),
    Failed("1", "no room", "DecodeError"),
    Embedded("1", (b"1234",), (3,)),
    Rendered("1", (1, 2), (b"a", b"<eos>")),
    Ready(replace(SCRIPTED_MODEL, bos=SpecialToken(1, "<s>"))),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_survives_pickling(message):
    assert pickle.loads(pickle.dumps(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_holds_nothing_but_plain_values(message):
    assert json.loads(json.dumps(asdict(message), default=bytes.hex)).keys() == {
        field.name for field in fields(message)
    }


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_is_frozen(message):
    with pytest.raises(FrozenInstanceError):
        setattr(message, fields(message)[0].name, None)

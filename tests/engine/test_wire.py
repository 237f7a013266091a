"""What goes to another process comes out as it went in, and nothing else comes out."""

from __future__ import annotations

import io
import json
import math
import struct
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine import prompt_types, types
from pylot_ls.engine.context_shape import ContextShape
from pylot_ls.engine.footprint import Footprint
from pylot_ls.engine.memory_plan import MemoryPlan
from pylot_ls.engine.prompt_types import ChatMessage, ChatSegment, Marker, MarkerSegment, TextSegment, TokensSegment
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL
from pylot_ls.engine.types import (
    Alternative,
    Embedded,
    Failed,
    Finished,
    FinishReason,
    GenerateRequest,
    Hole,
    KnownText,
    LoadFailed,
    Loading,
    Priority,
    Ready,
    Rendered,
    Sampling,
    Token,
    Usage,
)
from pylot_ls.engine.wire import WireError, frame, read_frame
from pylot_ls.language import Language, Message

PROMPT = (
    MarkerSegment(Marker.FIM_PREFIX),
    TextSegment("ж \ud800 \x00", 10),
    TokensSegment((1, 2)),
    ChatSegment((ChatMessage("user", (TextSegment("hi"),)),)),
)
SHAPE = ContextShape(n_ctx=1, n_batch=2, n_threads=3, flash_attention="on")
PLAN = MemoryPlan(1, SHAPE, 0, 5, Footprint(*[1] * len(fields(Footprint))), 6, ("to fit: less",))


def through(*values):
    return read_frame(io.BytesIO(frame(*values)))


@pytest.mark.parametrize(
    "value",
    [
        GenerateRequest("1", PROMPT, 8, ("\n\n",), Priority.BACKGROUND, "s", fallbacks=(PROMPT[1:], ()), rank=2),
        GenerateRequest("1", PROMPT, 8, hole=Hole("file:///a", 1, 2), budget_ms=math.inf, grammar='root ::= "a"'),
        GenerateRequest("1", PROMPT, 8, sampling=Sampling(seed=1, logit_bias=((1, -math.inf),)), salt="x"),
        KnownText("s", "file:///a", None),
        Loading(0.5),
        Ready(SCRIPTED_MODEL, PLAN),
        Token("1", "ж", 7, -0.25, Usage(1, 2, 3), "ж".encode()[:1], (Alternative(1, b"\xff", -math.inf),)),
        Finished("1", FinishReason.STOP, "rest", Usage(total_ms=1.5)),
        Embedded("1", (bytes(range(256)),), 3),
        Rendered("1", (1, 2), (b"a", b"\xff")),
        Failed("1", "why", "DecodeError"),
        LoadFailed("why"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_come_out_as_they_went_in(value):
    (came,) = through(value)
    assert came == value
    assert type(came) is type(value)


def test_every_class_of_requests_and_events_goes():
    own = [
        each
        for module in (types, prompt_types)
        for each in vars(module).values()
        if isinstance(each, type) and is_dataclass(each)
    ]
    assert len(own) > 15
    for each in own:
        frame(each(*[1] * sum(field.default is field.default_factory for field in fields(each))))


def test_a_message_can_still_be_translated():
    message = Message("no model at {path}: set model.path to a GGUF file", path=Message("x"))
    (came,) = through(LoadFailed(message))
    assert came.message == message
    assert Language("ru").of(came.message) == Language("ru").of(message) != message


@given(st.lists(st.one_of(st.text(), st.integers(), st.floats(allow_nan=False), st.binary(), st.none(), st.booleans())))
def test_plain_values_come_out_as_they_went_in(values):
    assert through(*values) == values


def test_what_is_not_listed_does_not_go():
    with pytest.raises(TypeError):
        frame(object())
    with pytest.raises(TypeError):
        frame({"a": 1})


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        b"{}",
        b'[{"!":"Popen","args":"sh"}]',
        b'[{"!":"Loading"}]',
        b'[{"!":"Loading","fraction":1,"more":2}]',
        b'[{"!":"Priority","value":99}]',
        b'[{"!":"bytes","base64":"?"}]',
        b'[{"!":"message","template":"{x[0]}","values":{"y":1}}]',
        b'[{"!":["list"]}]',
        b"[" * 100_000,
    ],
)
def test_what_is_no_frame_is_refused(body):
    with pytest.raises(WireError):
        read_frame(io.BytesIO(struct.pack(">I", len(body)) + body))


def test_a_frame_that_is_cut_short_is_the_end():
    data = frame(Loading(0.5))
    assert read_frame(io.BytesIO(b"")) is None
    assert read_frame(io.BytesIO(data[:3])) is None
    assert read_frame(io.BytesIO(data[:-1])) is None
    with pytest.raises(WireError, match="4294967295 bytes"):
        read_frame(io.BytesIO(b"\xff" * 8))
    assert json.loads(data[4:])[0]["!"] == "Loading"

"""A deterministic backend with no model: for tests, and for trying out an editor's configuration."""

from __future__ import annotations

import math
import random
import struct
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from pylot_ls.engine.chat import ChatForm
from pylot_ls.engine.checking import check_options
from pylot_ls.engine.inbox import Inbox, Job
from pylot_ls.engine.prefix_tree import common_prefix
from pylot_ls.engine.prompt_types import ChatSegment, FimOrder, Marker, Prompt, TextSegment, TokensSegment
from pylot_ls.engine.queries import rendered
from pylot_ls.engine.rendering import PromptRenderer
from pylot_ls.engine.streaming import TextStream
from pylot_ls.engine.types import (
    Alternative,
    Embedded,
    Failed,
    FimTokens,
    Finished,
    FinishReason,
    GenerateRequest,
    KnownText,
    LoadFailed,
    Loading,
    ModelInfo,
    Ready,
    Token,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pylot_ls.engine.backend import EventSink

SCRIPTED_TEXT = "scripted_suggestion"
SCRIPTED_OTHERS = ("another_suggestion", "a_third_suggestion")
_CHARACTERS_PER_TOKEN = 4
Script: TypeAlias = "str | Callable[[Prompt], str]"

SCRIPTED_MODEL = ModelInfo(
    name="scripted",
    path="",
    architecture="scripted",
    n_params=0,
    size_bytes=0,
    n_vocab=0x110000,
    n_ctx_train=4096,
    n_ctx=4096,
    fim=FimTokens(prefix=1, suffix=2, middle=3),
    fim_orders=(FimOrder.PSM, FimOrder.SPM),
    chats=True,
)
_MARKERS = {Marker.BOS: None, Marker.FIM_PREFIX: 1, Marker.FIM_SUFFIX: 2, Marker.FIM_MIDDLE: 3}


class ScriptedBackend:
    """See ``Backend``. Answers each prompt with a text of the script, four characters a token.

    There is nothing to heal: its script continues the prompt as it ends. Nor does it look at grammars: its script says
    what they allow, or what a model could not. Who asks for the tokens of a prompt gets its characters.

    Args:
        script: the answer, or a function from the prompt to the answer; an exception of it fails the request.
        others: the answers to requests of a higher rank; what the script says where there are no more. Where tokens are
            drawn at a temperature, the seed says which answer it is, counted round and round.
        info: what it says the model is; one with ``n_embd`` gives vectors and no text.
        load_failure: it never becomes ready, for this reason.
    """

    def __init__(
        self,
        script: Script = SCRIPTED_TEXT,
        *,
        others: Sequence[Script] = (),
        info: ModelInfo = SCRIPTED_MODEL,
        load_failure: LoadFailed | None = None,
    ) -> None:
        self._scripts = (script, *others)
        self._info = info
        self._load_failure = load_failure
        self._sink: EventSink = lambda _event: None
        self._steps = threading.Condition()
        self._paused = False
        self._inbox = Inbox(self._interrupt)
        self._previous: dict[str, str] = {}
        self._renderer = PromptRenderer(
            _code_points, _MARKERS, ChatForm(_conversation, _code_points, None), n_vocab=info.n_vocab
        )
        self._thread = threading.Thread(target=self._work, name="pylot-scripted", daemon=True)

    def start(self, sink: EventSink) -> None:
        """Begin."""
        self._sink = sink
        self._thread.start()

    def submit(self, request: GenerateRequest) -> None:
        """Queue a request."""
        if not self._inbox.put(request):
            self._sink(Failed(request.request_id, "the engine was closed", "EngineClosedError"))

    def cancel(self, request_id: str) -> None:
        """End a request before its next token."""
        self._inbox.cancel(request_id)

    def learn(self, text: KnownText) -> None:
        """Its script knows all it says."""

    def close(self) -> None:
        """End all requests and the thread."""
        self._inbox.close()
        self._interrupt(True)
        if self._thread.is_alive():
            self._thread.join()

    def pause(self) -> None:
        """Hold back every further step (the load is one) until ``resume``; cancelling still works."""
        with self._steps:
            self._paused = True

    def resume(self) -> None:
        """Let the steps run again."""
        with self._steps:
            self._paused = False
            self._steps.notify_all()

    def _interrupt(self, stop: bool) -> None:  # noqa: FBT001 - the inbox's callback
        if stop:
            with self._steps:
                self._steps.notify_all()

    def _step(self, stopped: Callable[[], bool]) -> None:
        with self._steps:
            self._steps.wait_for(lambda: not self._paused or stopped())

    def _work(self) -> None:
        self._sink(Loading(0.0))
        self._step(lambda: self._inbox.closed)
        self._sink(self._load_failure or Ready(self._info))
        while jobs := self._inbox.take(wait=True):
            for job in jobs:
                self._inbox.begin([job])
                self._answer(job)
                self._inbox.end()
                self._inbox.forget(job)

    def _answer(self, job: Job) -> None:
        request_id = job.request.request_id
        if self._load_failure is not None:
            self._sink(Failed(request_id, self._load_failure.message, self._load_failure.kind))
            return
        if job.request.restore_only:
            self._sink(Finished(request_id, FinishReason.LENGTH, "", Usage()))
            return
        if job.request.renders:
            self._sink(rendered(job, self._renderer, _spelling))
            return
        if job.request.embeds != bool(self._info.n_embd):
            message = f"{self._info.name} {'produces text' if job.request.embeds else 'gives vectors'} only"
            self._sink(Failed(request_id, message, "ModelUnsupportedError"))
            return
        if job.request.embeds:
            texts = ["".join(_texts((part,))) for part in job.request.prompt]
            n_tokens = tuple(-(-len(text) // _CHARACTERS_PER_TOKEN) for text in texts)
            self._sink(Embedded(request_id, tuple(_vector(text, self._info.n_embd) for text in texts), n_tokens))
            return
        try:
            check_options(job.request, self._info.n_vocab)
            self._renderer.render(tuple(part for part in job.request.prompt if isinstance(part, TokensSegment)))
            script = self._scripts[_number(job.request, len(self._scripts))]
            answer = script(job.request.prompt) if callable(script) else script
        except Exception as error:  # noqa: BLE001 - a script may fail as it likes
            self._sink(Failed(request_id, str(error), type(error).__name__))
            return
        prompt = "".join(_texts(job.request.prompt))
        n_prompt = -(-len(prompt) // _CHARACTERS_PER_TOKEN)
        previous = self._previous.get(job.request.salt, "")
        n_reused = min(common_prefix(previous, prompt) // _CHARACTERS_PER_TOKEN, max(0, n_prompt - 1))
        self._previous[job.request.salt] = prompt
        usage = Usage(n_prompt, n_reused, n_prompt - n_reused)
        self._sink(Finished(request_id, *self._decode(job, answer, usage)))

    def _decode(self, job: Job, answer: str, usage: Usage) -> tuple[FinishReason, str, Usage]:
        stream = TextStream(job.request.stop)
        for start in range(0, len(answer), _CHARACTERS_PER_TOKEN):
            self._step(lambda: job.cancelled)
            if job.cancelled:
                return FinishReason.CANCELLED, "", usage
            if usage.tokens_decoded == job.request.max_tokens:
                return FinishReason.LENGTH, stream.finish(), usage
            usage = replace(usage, tokens_decoded=usage.tokens_decoded + 1)
            piece = answer[start : start + _CHARACTERS_PER_TOKEN]
            data = piece.encode("utf-8", errors="replace")
            text = stream.feed(data)
            others = _alternatives(ord(piece[0]), data, job.request.n_alternatives)
            self._sink(Token(job.request.request_id, text, ord(piece[0]), 0.0, usage, data, others))
            if stream.stopped:
                return FinishReason.STOP, "", usage
        self._step(lambda: job.cancelled)
        return FinishReason.CANCELLED if job.cancelled else FinishReason.END, stream.finish(), usage


def _number(request: GenerateRequest, n_scripts: int) -> int:
    """Which of the scripts answers a request."""
    if request.sampling is not None:
        return (request.sampling.seed or 0) % n_scripts if request.sampling.temperature else 0
    return request.rank if request.rank < n_scripts else 0


def _alternatives(token: int, piece: bytes, n_tokens: int) -> tuple[Alternative, ...]:
    """The token itself, which is certain, and the characters after it."""
    numbers = range(min(n_tokens, SCRIPTED_MODEL.n_vocab))
    others = [(number, (token + number) % SCRIPTED_MODEL.n_vocab) for number in numbers]
    return tuple(
        Alternative(other, piece if number == 0 else _spelling(other), -10.0 * number) for number, other in others
    )


def _vector(text: str, n_embd: int) -> bytes:
    """A vector of length 1 that no other text has."""
    drawn = random.Random(text.encode("utf-8", errors="replace"))  # noqa: S311 - no secret
    numbers = [drawn.gauss() for _ in range(n_embd)]
    length = math.hypot(*numbers)
    return struct.pack(f"<{n_embd}f", *(number / length for number in numbers))


def _code_points(text: str) -> tuple[int, ...]:
    return tuple(map(ord, text))


def _spelling(token: int) -> bytes:
    return chr(token).encode("utf-8", errors="replace")


def _conversation(messages: Sequence[tuple[str, str]], opens_answer: bool) -> str:  # noqa: FBT001 - a flag
    said = "".join(f"{role}: {content}\n" for role, content in messages)
    return f"{said}assistant: " if opens_answer else said


def _texts(prompt: Prompt) -> Iterator[str]:
    """What a prompt says, its conversations included."""
    for part in prompt:
        if isinstance(part, TextSegment):
            yield part.text
        elif isinstance(part, TokensSegment):
            yield "".join(map(chr, part.tokens))
        elif isinstance(part, ChatSegment):
            yield from (segment.text for message in part.messages for segment in message.content)

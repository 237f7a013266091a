"""A deterministic backend with no model: for tests, and for trying out an editor's configuration."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from pylot_ls.engine.inbox import Inbox, Job
from pylot_ls.engine.prefix_tree import common_prefix
from pylot_ls.engine.prompt_types import ChatSegment, FimOrder, Prompt, TextSegment
from pylot_ls.engine.streaming import TextStream
from pylot_ls.engine.types import (
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


class ScriptedBackend:
    """See ``Backend``. Answers each prompt with a text of the script, four characters a token.

    It has no vocabulary, so that there is nothing to heal: its script continues the prompt as it ends. Nor does it look
    at grammars: its script says what they allow, or what a model could not.

    Args:
        script: the answer, or a function from the prompt to the answer; an exception of it fails the request.
        others: the answers to requests of a higher rank; what the script says where there are no more.
        info: what it says the model is.
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
        self._previous = ""
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
        if job.request.embeds:
            message = f"{self._info.name} produces text only"
            self._sink(Failed(request_id, message, "ModelUnsupportedError"))
            return
        try:
            rank = job.request.rank
            script = self._scripts[rank if rank < len(self._scripts) else 0]
            answer = script(job.request.prompt) if callable(script) else script
        except Exception as error:  # noqa: BLE001 - a script may fail as it likes
            self._sink(Failed(request_id, str(error), type(error).__name__))
            return
        prompt = "".join(_texts(job.request.prompt))
        n_prompt = -(-len(prompt) // _CHARACTERS_PER_TOKEN)
        n_reused = min(common_prefix(self._previous, prompt) // _CHARACTERS_PER_TOKEN, max(0, n_prompt - 1))
        self._previous = prompt
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
            text = stream.feed(piece.encode("utf-8", errors="replace"))
            self._sink(Token(job.request.request_id, text, ord(piece[0]), 0.0, usage))
            if stream.stopped:
                return FinishReason.STOP, "", usage
        self._step(lambda: job.cancelled)
        return FinishReason.CANCELLED if job.cancelled else FinishReason.END, stream.finish(), usage


def _texts(prompt: Prompt) -> Iterator[str]:
    """What a prompt says, its conversations included."""
    for part in prompt:
        if isinstance(part, TextSegment):
            yield part.text
        elif isinstance(part, ChatSegment):
            yield from (segment.text for message in part.messages for segment in message.content)

"""The backend that runs a GGUF model: one worker thread, which alone touches llama.cpp."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls import machine
from pylot_ls.engine.inbox import Inbox, Job
from pylot_ls.engine.manifest import manifest_for
from pylot_ls.engine.model_file import check_model_file
from pylot_ls.engine.rendering import PromptRenderer, Tokens
from pylot_ls.engine.resident import Outcome, ResidentRun
from pylot_ls.engine.streaming import TextStream
from pylot_ls.engine.threads import automatic_threads
from pylot_ls.engine.types import (
    Failed,
    Finished,
    FinishReason,
    GenerateRequest,
    LoadFailed,
    Loading,
    ModelInfo,
    Ready,
    Token,
    Usage,
)
from pylot_ls.errors import ModelUnsupportedError, PylotError, RequestError

if TYPE_CHECKING:
    from pathlib import Path

    from pylot_ls.engine.backend import EventSink
    from pylot_ls.engine.llama_cpp_binding import LlamaContext, LlamaModel

_log = logging.getLogger(__name__)

# Prefill is abortable at any moment, so a batch is as large as llama.cpp computes efficiently.
_N_BATCH = 512


@dataclass(frozen=True, slots=True)
class LlamaConfig:
    """How to run a model.

    Attributes:
        path: a GGUF file.
        n_threads: processor threads, 0 to choose by the model's size and the machine's cores.
        n_ctx: tokens of context; never more than the model was trained on.
        n_gpu_layers: layers on a GPU, negative for all.
        flash_attention: "auto", "on" or "off".
        manifest_folders: where to look for a manifest after the model's own folder.
    """

    path: Path
    n_threads: int = 0
    n_ctx: int = 4096
    n_gpu_layers: int = -1
    flash_attention: str = "on"
    manifest_folders: tuple[Path, ...] = ()


@dataclass(slots=True)
class _Loaded:
    """What the worker holds once the model is there."""

    info: ModelInfo
    model: LlamaModel
    context: LlamaContext
    renderer: PromptRenderer
    run: ResidentRun


@dataclass(slots=True)
class _Progress:
    """What is known of the request in work, for its Usage."""

    job: Job
    queue_ms: float
    n_evaluated_before: int
    n_prompt: int = 0
    n_reused: int = 0
    n_evaluated: int = 0
    n_decoded: int = 0
    first_token_ms: float = 0.0

    def usage(self) -> Usage:
        return Usage(
            prompt_tokens=self.n_prompt,
            tokens_reused=self.n_reused,
            tokens_evaluated=self.n_evaluated,
            tokens_decoded=self.n_decoded,
            queue_ms=self.queue_ms,
            first_token_ms=self.first_token_ms,
            total_ms=self.job.elapsed_ms(),
        )


class LlamaBackend:
    """See ``Backend``. One request at a time, in order; what the next prompt shares with the last stays in KV."""

    def __init__(self, config: LlamaConfig) -> None:
        self._config = config
        self._inbox = Inbox(self._interrupt)
        self._sink: EventSink = _nobody
        self._loaded: _Loaded | None = None
        self._thread = threading.Thread(target=self._work, name="pylot-engine", daemon=True)

    def start(self, sink: EventSink) -> None:
        """Begin to load the model."""
        self._sink = sink
        self._thread.start()

    def submit(self, request: GenerateRequest) -> None:
        """Queue a request."""
        if not self._inbox.put(request):
            self._sink(Failed(request.request_id, "the engine was closed", "EngineClosedError"))

    def cancel(self, request_id: str) -> None:
        """End a request within one decode step."""
        self._inbox.cancel(request_id)

    def close(self) -> None:
        """End all requests and free the model."""
        self._inbox.close()
        if self._thread.is_alive():
            self._thread.join()

    def _interrupt(self, stop: bool) -> None:  # noqa: FBT001 - the inbox's callback
        if self._loaded is not None:
            self._loaded.context.interrupt(stop)

    # Everything below runs on the worker thread.

    def _work(self) -> None:
        failure: LoadFailed | None = None
        try:
            self._loaded = self._load()
            self._sink(Ready(self._loaded.info))
        except PylotError as error:
            failure = LoadFailed(str(error), type(error).__name__)
        except Exception as error:  # noqa: BLE001 - a dead worker would leave every request unanswered
            _log.exception("the model could not be loaded")
            failure = LoadFailed(f"the model could not be loaded: {type(error).__name__}")
        if failure is not None:
            # A load that ``close`` broke off is no fault of the file.
            closed = LoadFailed("the engine was closed", "EngineClosedError")
            failure = closed if self._inbox.closed else failure
            self._sink(failure)
        while (job := self._inbox.take()) is not None:
            if self._loaded is not None:
                self._answer(job, self._loaded)
            elif job.cancelled:
                self._sink(Finished(job.request.request_id, FinishReason.CANCELLED, "", Usage()))
            elif failure is not None:
                self._sink(Failed(job.request.request_id, failure.message, failure.kind))
        if self._loaded is not None:
            self._loaded.context.close()
            self._loaded.model.close()

    def _load(self) -> _Loaded:
        check_model_file(self._config.path)
        # Imported here: it loads the native libraries, which the event loop's thread should not wait for.
        from pylot_ls.engine.llama_cpp_binding import LlamaModel  # noqa: PLC0415

        model = LlamaModel(
            self._config.path,
            n_gpu_layers=self._config.n_gpu_layers,
            on_progress=self._on_progress,
        )
        try:
            return self._open_context(model)
        except BaseException:
            model.close()
            raise

    def _open_context(self, model: LlamaModel) -> _Loaded:
        from pylot_ls.engine.llama_cpp_binding import ContextShape, LlamaContext  # noqa: PLC0415 - see _load

        if not model.generates():
            raise ModelUnsupportedError(f"{self._config.path} is an encoder: it produces no text; choose another model")
        n_ctx = min(self._config.n_ctx, model.n_ctx_train or self._config.n_ctx)
        shape = ContextShape(
            n_ctx=n_ctx,
            n_batch=min(_N_BATCH, n_ctx),
            n_threads=self._config.n_threads or automatic_threads(model.size_bytes, machine.physical_cores()),
            flash_attention=self._config.flash_attention,
        )
        context = LlamaContext(model, shape)
        return _Loaded(
            info=self._describe(model, n_ctx),
            model=model,
            context=context,
            renderer=PromptRenderer(model.tokenize, model.markers()),
            run=ResidentRun(context),
        )

    def _on_progress(self, fraction: float) -> bool:
        if self._inbox.closed:
            return False
        self._sink(Loading(fraction))
        return True

    def _describe(self, model: LlamaModel, n_ctx: int) -> ModelInfo:
        path = self._config.path
        return ModelInfo(
            name=model.metadata("general.name") or path.stem,
            path=str(path.absolute()),
            architecture=model.metadata("general.architecture") or "unknown",
            n_params=model.n_params,
            size_bytes=model.size_bytes,
            n_vocab=model.n_vocab,
            n_ctx_train=model.n_ctx_train,
            n_ctx=n_ctx,
            fim=model.fim_tokens(),
            fim_orders=manifest_for(path, self._config.manifest_folders).fim_orders,
            removes_partially=model.removes_partially(),
        )

    def _answer(self, job: Job, loaded: _Loaded) -> None:
        """Serve a job; whatever happens, it gets exactly one last event."""
        progress = _Progress(job, queue_ms=job.elapsed_ms(), n_evaluated_before=loaded.run.n_evaluated)
        request_id = job.request.request_id
        try:
            reason, rest = self._serve(job, loaded, progress)
            self._sink(Finished(request_id, reason, rest, progress.usage()))
        except PylotError as error:
            self._sink(Failed(request_id, str(error), type(error).__name__))
        except Exception as error:  # noqa: BLE001 - as in _work
            _log.exception("request %s failed", request_id)
            self._sink(Failed(request_id, f"the engine failed: {type(error).__name__}"))

    def _serve(self, job: Job, loaded: _Loaded, progress: _Progress) -> tuple[FinishReason, str]:
        """Prefill and decode; why it ended, and text that no token event has carried yet."""
        if job.cancelled:
            return FinishReason.CANCELLED, ""
        tokens = loaded.renderer.render(job.request.prompt)
        _check_length(tokens, job.request, loaded.info.n_ctx)
        progress.n_prompt = len(tokens)
        progress.n_reused = loaded.run.rewind(tokens)
        outcome = loaded.run.extend(tokens[progress.n_reused :])
        progress.n_evaluated = loaded.run.n_evaluated - progress.n_evaluated_before
        if outcome is Outcome.ABORTED:
            return FinishReason.CANCELLED, ""
        return self._decode(job, loaded, progress)

    def _decode(self, job: Job, loaded: _Loaded, progress: _Progress) -> tuple[FinishReason, str]:
        stream = TextStream(job.request.stop)
        reason = FinishReason.LENGTH
        while not job.cancelled:
            token, logprob = loaded.context.greedy()
            progress.first_token_ms = progress.first_token_ms or job.elapsed_ms()
            if loaded.model.ends_text(token):
                reason = FinishReason.END
                break
            progress.n_decoded += 1
            text = stream.feed(loaded.model.piece(token))
            self._sink(Token(job.request.request_id, text, token, logprob, progress.usage()))
            if stream.stopped:
                return FinishReason.STOP, ""
            if progress.n_decoded == job.request.max_tokens or len(loaded.run.tokens) == loaded.info.n_ctx:
                break
            if loaded.run.extend([token]) is Outcome.ABORTED:
                break
        if job.cancelled:
            return FinishReason.CANCELLED, ""
        return reason, stream.finish()


def _check_length(tokens: Tokens, request: GenerateRequest, n_ctx: int) -> None:
    if not tokens:
        raise RequestError("the prompt is empty")
    if request.max_tokens < 1:
        raise RequestError(f"{request.max_tokens} tokens were asked for; ask for 1 or more")
    if len(tokens) + request.max_tokens > n_ctx:
        raise RequestError(
            f"the prompt has {len(tokens)} tokens and {request.max_tokens} are to be decoded, but the context holds "
            f"{n_ctx}; shorten the prompt or raise model.n_ctx",
        )


def _nobody(_event: object) -> None:
    """The sink before ``start``."""

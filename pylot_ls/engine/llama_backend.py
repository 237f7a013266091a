"""The backend that runs a GGUF model: one worker thread, which alone touches llama.cpp."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from pylot_ls.engine.identity import file_stamp
from pylot_ls.engine.inbox import Inbox
from pylot_ls.engine.lessons import Lessons
from pylot_ls.engine.loading import LlamaConfig, Loaded, load, load_embedder
from pylot_ls.engine.types import Event, Failed, Finished, FinishReason, LoadFailed, Loading, Ready, Usage
from pylot_ls.engine.worker import Worker
from pylot_ls.errors import PylotError
from pylot_ls.language import Message, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pylot_ls.engine.backend import EventSink
    from pylot_ls.engine.embedding import EmbeddingWorker, LoadedEmbedder
    from pylot_ls.engine.memory import Memory
    from pylot_ls.engine.types import GenerateRequest, KnownText

_log = logging.getLogger(__name__)

__all__ = ["LlamaBackend", "LlamaConfig"]


class LlamaBackend:
    """See ``Backend``. Requests are served by priority, those of one priority together in one batch.

    Args:
        config: how to run the model.
        memory: gives it its share; without it as much as the machine has.
        give_way: waits while another model serves a keystroke; called before anything less urgent is computed.

    Attributes:
        stamps: of its files, as they were when they were read; see ``file_stamp``.
    """

    def __init__(
        self, config: LlamaConfig, memory: Memory | None = None, give_way: Callable[[], None] = lambda: None
    ) -> None:
        self._config = config
        self._memory = memory
        self._give_way = give_way
        self._inbox = Inbox(self._interrupt)
        self._lessons = Lessons(self._inbox.wake)
        self._sink: EventSink = _nobody
        self._loaded: Loaded | LoadedEmbedder | None = None
        self.stamps: Mapping[Path, str | None] = {}
        self._thread = threading.Thread(target=self._work, name="pylot-engine", daemon=True)

    def start(self, sink: EventSink) -> None:
        """Begin to load the model."""
        self._sink = sink
        self._thread.start()

    def submit(self, request: GenerateRequest) -> None:
        """Queue a request."""
        if request.embeds != self._config.embeds and not request.renders:
            message = f"{self._config.path.name} {'gives vectors' if self._config.embeds else 'produces text'} only"
            self._sink(Failed(request.request_id, message, "ModelUnsupportedError"))
        elif not self._inbox.put(request):
            self._sink(Failed(request.request_id, "the engine was closed", "EngineClosedError"))

    def cancel(self, request_id: str) -> None:
        """End a request within one decode step."""
        self._inbox.cancel(request_id)

    def learn(self, text: KnownText) -> None:
        """Take note of a text while nobody waits, or forget it."""
        self._lessons.give(text)

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
        files = (self._config.path, *(each.path for each in self._config.adapters))
        self.stamps = {file: file_stamp(file) for file in files}
        try:
            self._loaded, worker = self._load()
        except PylotError as error:
            self._refuse_all(LoadFailed(text_of(error), type(error).__name__))
            return
        except Exception as error:  # noqa: BLE001 - a dead worker would leave every request unanswered
            _log.exception("the model could not be loaded")
            self._refuse_all(
                LoadFailed(Message("the model could not be loaded: {reason}", reason=type(error).__name__))
            )
            return
        try:
            worker.warm_up()
            self._remember_speed(self._loaded, worker)
            self._sink(Ready(self._loaded.info, self._loaded.plan))
            worker.run()
        except Exception as error:  # noqa: BLE001 - as above
            _log.exception("the engine cannot go on")
            unforeseen = Message("the engine failed: {reason}", reason=type(error).__name__)
            reason = text_of(error) if isinstance(error, PylotError) else unforeseen
            self._refuse_all(LoadFailed(Message("{reason}; restart the server", reason=reason), "EngineError"))
        self._loaded.close()

    def _load(self) -> tuple[Loaded | LoadedEmbedder, Worker | EmbeddingWorker]:
        if not self._config.embeds:
            loaded = load(self._config, self._on_progress, self._memory)
            return loaded, Worker(self._inbox, self._sink, loaded, self._lessons, self._give_way)
        from pylot_ls.engine.embedding import EmbeddingWorker  # noqa: PLC0415 - it loads the native libraries

        embedder = load_embedder(self._config, self._on_progress, self._memory)
        return embedder, EmbeddingWorker(self._inbox, self._sink, embedder, self._give_way)

    def _remember_speed(self, loaded: Loaded | LoadedEmbedder, worker: Worker | EmbeddingWorker) -> None:
        book = self._config.speeds
        if book is None or not isinstance(loaded, Loaded) or not isinstance(worker, Worker):
            return
        measured, plan, persistence = worker.measured(), loaded.plan, loaded.persistence
        if measured is not None and plan is not None and persistence is not None:
            persistence.when_identified(lambda identity: book.remember(identity, plan.shape.n_threads, measured))

    def _on_progress(self, fraction: float) -> bool:
        if self._inbox.closed:
            return False
        self._sink(Loading(fraction))
        return True

    def _refuse_all(self, failure: LoadFailed) -> None:
        """Without a model every request fails, until the inbox is closed."""
        if self._inbox.closed:
            # A load that ``close`` broke off is no fault of the file.
            failure = LoadFailed("the engine was closed", "EngineClosedError")
        self._sink(failure)
        while jobs := self._inbox.take(wait=True):
            for job in jobs:
                self._inbox.forget(job)
                event: Event = Failed(job.request.request_id, failure.message, failure.kind)
                if job.cancelled:
                    event = Finished(job.request.request_id, FinishReason.CANCELLED, "", Usage())
                self._sink(event)


def _nobody(_event: object) -> None:
    """The sink before ``start``."""

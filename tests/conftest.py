"""What the tests of several packages share: the bundled model, a driver of backends, engines that get closed."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from pylot_ls.bundled import bundled_model_path
from pylot_ls.engine.engine import Engine
from pylot_ls.engine.llama_backend import LlamaBackend, LlamaConfig
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.types import Failed, Finished, GenerateRequest, LoadFailed, Ready, Token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator

    from xdist.remote import Producer

    from pylot_ls.engine.backend import Backend
    from pylot_ls.engine.prompt_types import Prompt
    from pylot_ls.engine.types import Event

# No test asserts a time, so hypothesis shall not either.
settings.register_profile("pylot", deadline=None)
settings.load_profile("pylot")

# One VS Code after the other takes as long as everything else does on three processors.
_MOST_WORKERS = 4
# Only a hang takes so long.
_HANG_S = 60


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("campaigns", "full campaigns (-m campaign)")
    group.addoption("--campaign-json", metavar="FILE", help="write what the full campaigns came to")
    group.addoption("--campaign-scale", type=float, default=1, metavar="X", help="run them at so much of their size")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The whole suite runs on all processors (a few are enough); what is named runs here, as the full campaigns do."""
    is_all = config.args_source is not pytest.Config.ArgsSource.ARGS and config.option.markexpr == "not campaign"
    return min(_MOST_WORKERS, os.cpu_count() or 1) if is_all else 0


class ByFile(LoadScopeScheduling):
    """One process runs all tests of a file, whose model they share, and one all of VS Code, which is started once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "vscode" if file.startswith("tests/editors/test_vscode") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, object, object]:
    """What a test has logged may be no text that can be sent from one process to another."""
    return encodable((yield))


def encodable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {encodable(key): encodable(each) for key, each in value.items()}
    return type(value)(map(encodable, value)) if isinstance(value, list | tuple) else value


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real editors first: they take longest."""
    items.sort(key=lambda item: (item.get_closest_marker("editor") is None, "test_vscode" not in item.path.name))


@dataclass(frozen=True)
class Answer:
    """All that a backend said to one request."""

    tokens: list[Token]
    end: Finished | Failed

    @property
    def text(self) -> str:
        return "".join(token.text for token in self.tokens) + (
            self.end.text if isinstance(self.end, Finished) else self.end.message
        )


@pytest.fixture(scope="session", autouse=True)
def _no_state_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What servers under test log of suggestions is no part of the user's own log."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


class _Errors(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(logging.Formatter().format(record))


@pytest.fixture(autouse=True)
def _no_error_of_an_event_loop() -> Iterator[None]:
    """What a callback raises, and what nobody asks a task for, asyncio logs: no test would see it."""
    errors, logger = _Errors(), logging.getLogger("asyncio")
    logger.addHandler(errors)
    yield
    logger.removeHandler(errors)
    assert errors.said == []


class Driven:
    """A started backend, used without asyncio: each method waits for what it returns."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.events: list[Event] = []
        self.last_id = ""
        self._changed = threading.Condition()
        self._ids = itertools.count(1)
        backend.start(self._receive)

    def _receive(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait_for(self, is_wanted: Callable[[Event], bool]) -> Event:
        with self._changed:
            self._changed.wait_for(lambda: any(map(is_wanted, self.events)), _HANG_S)
            return next(filter(is_wanted, self.events))

    def ends_within(self, request_id: str, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(
                lambda: any(isinstance(e, Finished | Failed) and e.request_id == request_id for e in self.events),
                seconds,
            )

    def state(self) -> Ready | LoadFailed:
        return self.wait_for(lambda event: isinstance(event, Ready | LoadFailed))

    def submit(
        self,
        prompt: Prompt,
        max_tokens: int = 16,
        stop: tuple[str, ...] = (),
        *,
        heal: bool = False,
        **others,
    ) -> str:
        request_id = self.last_id = str(next(self._ids))
        self.backend.submit(GenerateRequest(request_id, prompt, max_tokens, stop, heal=heal, **others))
        return request_id

    def answer(self, request_id: str) -> Answer:
        end = self.wait_for(lambda event: isinstance(event, Finished | Failed) and event.request_id == request_id)
        return Answer([e for e in self.events if isinstance(e, Token) and e.request_id == request_id], end)

    def ask(self, prompt: Prompt, max_tokens: int = 16, stop: tuple[str, ...] = (), **others) -> Answer:
        return self.answer(self.submit(prompt, max_tokens, stop, **others))


@pytest.fixture(scope="session")
def model_path():
    return bundled_model_path()


@pytest.fixture(scope="module")
def drive() -> Iterator[Callable[[Backend], Driven]]:
    """Start a backend; it is closed at the module's end, or before by the test."""
    driven: list[Driven] = []

    def start(backend: Backend) -> Driven:
        driven.append(Driven(backend))
        return driven[-1]

    yield start
    for each in driven:
        each.backend.close()


@pytest.fixture(scope="session")
def bundled_config(model_path) -> LlamaConfig:
    """The bundled model without flash attention, with which logits depend on the shape of the batches.

    And without speculation, with which the batches depend on what they are measured to take.
    """
    return LlamaConfig(
        model_path,
        # Long prompts would only make the tests slow.
        n_ctx=512,
        # On a busy machine two of them wait for each other at every operation.
        n_threads=1,
        flash_attention="off",
        speculation=False,
        ngrams="off",
        manifest_folders=(model_path.parent,),
    )


@pytest.fixture(scope="module")
def bundled(drive, bundled_config) -> Driven:
    """The bundled model, loaded once a module; tests find in its KV what the ones before left.

    And nothing of its warm-up: cells in between change the order of sums.
    """
    driven = drive(LlamaBackend(bundled_config))
    driven.state()
    return driven


class WatchedBackend(ScriptedBackend):
    """Keeps what it was asked to serve and to cancel; ``asked`` wakes a test for each request."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.submitted: list[str] = []
        self.cancelled: list[str] = []
        self.asked: asyncio.Queue[GenerateRequest] = asyncio.Queue()

    def submit(self, request: GenerateRequest) -> None:
        self.submitted.append(request.request_id)
        self.asked.put_nowait(request)
        super().submit(request)

    def cancel(self, request_id: str) -> None:
        self.cancelled.append(request_id)
        super().cancel(request_id)


@pytest.fixture
def watched_backend() -> type[WatchedBackend]:
    return WatchedBackend


@pytest_asyncio.fixture
async def start_engine() -> AsyncIterator[Callable[[Backend], Engine]]:
    """Start an engine on a backend; it is closed at the test's end."""
    engines: list[Engine] = []

    def start(backend: Backend) -> Engine:
        engines.append(Engine(backend))
        engines[-1].start()
        return engines[-1]

    yield start
    for engine in engines:
        await engine.close()

"""What was kept of a prompt is put back before anybody asks, and nobody who asks is worse off for it."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from shelf import Shelf

from pylot_ls.engine import persistence
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.persistence import PersistenceConfig
from pylot_ls.engine.prompt_types import Marker, MarkerSegment, TextSegment
from pylot_ls.engine.types import Failed, FinishReason, GenerateRequest, Priority

SOURCE = "\n".join(f"def handler_{n}(request, response):\n    return response.{n}(request)\n" for n in range(40))
OTHER = "\n".join(f"class Error{n}(Exception):\n    code = {n} * 17\n" for n in range(60))


def prompt_of(text=SOURCE, n_tokens=400):
    return (TextSegment(text, n_tokens),)


@pytest.fixture
def serve(drive, bundled_config, tmp_path):
    """Start a backend on a store."""

    def start(shelf, **changes):
        config = PersistenceConfig(shelf, tmp_path / "models.json")
        driven = drive(LlamaBackend(replace(bundled_config, persistence=config, **changes)))
        driven.state()
        driven.backend._loaded.persistence._thread.join()
        return driven

    return start


@pytest.fixture
def kept(serve):
    """A store that holds what an earlier backend evaluated of the prompt."""
    shelf = Shelf()
    driven = serve(shelf)
    driven.ask(prompt_of(), 8)
    driven.backend.close()
    assert shelf.disk
    return shelf.restarted()


def submit_restore(driven, request_id="restore", prompt=None):
    request = GenerateRequest(request_id, prompt or prompt_of(), 0, priority=Priority.BACKGROUND, restore_only=True)
    driven.backend.submit(request)
    return request_id


def test_a_restored_prompt_costs_the_request_after_it_one_token(serve, kept):
    driven = serve(kept)
    restored = driven.answer(submit_restore(driven)).end
    assert restored.reason is FinishReason.LENGTH
    assert (restored.usage.tokens_evaluated, restored.usage.tokens_reused) == (0, 399)
    kept.values.clear()  # it is resident
    usage = driven.ask(prompt_of(), 8).end.usage
    assert (usage.tokens_evaluated, usage.tokens_reused) == (1, 399)
    driven.backend._loaded.sequences.tree.check_integrity()


def test_what_is_resident_already_is_left_alone(serve, kept):
    driven = serve(kept)
    driven.ask(prompt_of(n_tokens=390), 8)
    before = driven.backend._loaded.sequences.tree.sequences
    submit_restore(driven, "same", prompt_of(n_tokens=390))
    assert driven.answer("same").end.usage.tokens_reused == 0
    assert driven.backend._loaded.sequences.tree.sequences == before


def test_requests_are_served_while_the_disk_is_read(serve, kept):
    driven = serve(kept)
    kept.held = True
    submit_restore(driven)
    assert kept.asked.wait(60)
    assert driven.ask(prompt_of(OTHER, 50), 8).end.reason is FinishReason.LENGTH
    assert not any(getattr(event, "request_id", "") == "restore" for event in driven.events)
    kept.release()
    assert driven.answer("restore").end.usage.tokens_reused == 399


def test_a_restore_waits_until_the_model_is_identified(drive, bundled_config, kept, tmp_path, monkeypatch):
    known = threading.Event()
    identity = persistence.model_identity

    def slowly(*arguments):
        assert known.wait(60)
        return identity(*arguments)

    monkeypatch.setattr(persistence, "model_identity", slowly)
    config = replace(bundled_config, persistence=PersistenceConfig(kept, tmp_path / "models.json"))
    driven = drive(LlamaBackend(config))
    submit_restore(driven)
    driven.ask(prompt_of(OTHER, 50), 8)
    assert not kept.asked.is_set()
    known.set()
    assert driven.answer("restore").end.usage.tokens_reused == 399


def test_nothing_is_evicted_for_a_restore(serve, kept):
    driven = serve(kept)
    # The context has 1,024 cells.
    for text in (OTHER, SOURCE[50:]):
        driven.ask(prompt_of(text, 480), 8)
    before = driven.backend._loaded.sequences.tree.sequences
    assert driven.answer(submit_restore(driven)).end.usage.tokens_reused == 0
    assert driven.backend._loaded.sequences.tree.sequences == before
    # It is in memory all the same.
    assert driven.ask(prompt_of(), 8).end.usage.tokens_evaluated == 1


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_a_restore_that_waits_for_the_disk_can_be_ended(serve, kept, end):
    driven = serve(kept)
    kept.held = True
    submit_restore(driven)
    assert kept.asked.wait(60)
    if end == "cancel":
        driven.backend.cancel("restore")
    else:
        driven.backend.close()
    assert driven.answer("restore").end.reason is FinishReason.CANCELLED
    # What comes late is nobody's.
    kept.release()


def test_without_a_store_there_is_nothing_to_restore(bundled):
    end = bundled.answer(submit_restore(bundled)).end
    assert (end.reason, end.usage.tokens_reused) == (FinishReason.LENGTH, 0)


def test_a_prompt_that_cannot_be_rendered_fails_and_the_next_is_served(serve, kept, monkeypatch):
    driven = serve(kept)
    monkeypatch.setattr(driven.backend._loaded.renderer, "_markers", {})
    submit_restore(driven, "bad", (MarkerSegment(Marker.FIM_PREFIX),))
    submit_restore(driven, "good")
    assert isinstance(driven.answer("bad").end, Failed)
    assert driven.answer("good").end.usage.tokens_reused == 399

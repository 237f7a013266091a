"""What is frozen of a prompt outlives the server with models whose KV cannot be cut, too."""

from __future__ import annotations

from dataclasses import replace

import pytest
from shelf import Shelf

from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.persistence import PersistenceConfig
from pylot_ls.engine.prompt_types import Marker, MarkerSegment, TextSegment
from pylot_ls.engine.types import FinishReason, GenerateRequest

SOURCE = "\n".join(f"def handler_{n}(request, response):\n    return response.{n}(request)\n" for n in range(20))
AFTER = "\n\ndef main():\n    serve()\n"
TYPED = "def last(request):\n    ret"


def fim(typed=TYPED):
    return (
        MarkerSegment(Marker.FIM_PREFIX),
        TextSegment(SOURCE),
        MarkerSegment(Marker.FIM_SUFFIX),
        TextSegment(AFTER),
        MarkerSegment(Marker.FIM_MIDDLE),
        TextSegment(typed),
    )


@pytest.fixture
def serve(drive, uncuttable_config, tmp_path):
    """Start a backend on a store."""

    def start(shelf):
        config = PersistenceConfig(shelf, tmp_path / "models.json")
        driven = drive(LlamaBackend(replace(uncuttable_config, persistence=config)))
        driven.state()
        driven.backend._loaded.persistence._thread.join()
        return driven

    return start


@pytest.fixture
def keep(serve):
    """Let a backend evaluate a prompt and close it: what it said, and the store it leaves."""

    def ask(*, may_be_kept=True):
        shelf = Shelf()
        driven = serve(shelf)
        driven.backend.submit(GenerateRequest("kept", fim(), 6, keep=may_be_kept))
        answer = driven.answer("kept")
        driven.backend.close()
        return answer, shelf.restarted()

    return ask


def restore(driven, request_id="restore"):
    driven.backend.submit(GenerateRequest(request_id, fim(), 0, restore_only=True))
    return driven.answer(request_id).end


def n_frozen(driven):
    renderer = driven.backend._loaded.renderer
    return len(renderer.render(fim())) - renderer.n_last(fim())


def test_a_prompt_that_was_restored_costs_what_was_typed_and_says_the_same(serve, keep):
    first, shelf = keep()
    driven = serve(shelf)
    end = restore(driven)
    assert (end.reason, end.usage.tokens_reused) == (FinishReason.LENGTH, n_frozen(driven))
    shelf.values.clear()  # it is resident
    again = driven.ask(fim(), 6)
    assert again.text == first.text
    assert again.end.usage.tokens_reused == n_frozen(driven)
    driven.backend._loaded.sequences.tree.check_integrity()


def test_a_keystroke_finds_what_is_kept_without_a_restore(serve, keep):
    first, shelf = keep()
    driven = serve(shelf)
    again = driven.ask(fim(), 6)
    assert again.text == first.text
    assert again.end.usage.tokens_reused == n_frozen(driven)
    assert driven.ask(fim(TYPED + "u"), 6).end.usage.tokens_evaluated <= 5


def test_what_is_resident_is_left_alone(serve, keep):
    _, shelf = keep()
    driven = serve(shelf)
    driven.ask(fim(), 6)
    before = driven.backend._loaded.sequences.tree.sequences
    assert restore(driven).usage.tokens_reused == 0
    assert driven.backend._loaded.sequences.tree.sequences == before


def test_what_llama_cpp_does_not_take_is_evaluated(serve, keep):
    first, shelf = keep()
    shelf.disk = {key: value[: len(value) // 2] for key, value in shelf.disk.items()}
    driven = serve(shelf)
    again = driven.ask(fim(), 6)
    assert again.text == first.text
    assert again.end.usage.tokens_reused == 0
    driven.backend._loaded.sequences.tree.check_integrity()


def test_a_prompt_is_kept_once_and_with_its_end_in_work_as_well(serve, keep):
    _, shelf = keep()
    assert len(shelf.disk) == 1
    driven = serve(shelf)
    for n in range(1, 5):
        driven.ask(fim(TYPED[:-n]), 6)
    driven.backend.close()
    assert len(shelf.disk) == 1


def test_what_must_leave_no_trace_leaves_none(keep):
    _, shelf = keep(may_be_kept=False)
    assert not shelf.disk

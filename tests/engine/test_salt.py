"""Requests of different salts share no KV: not what is resident, not what memory or disk has of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from served_worker import MEMORIES, N_CTX, Served
from shelf import Shelf

from pylot_ls.engine import checkpoints
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.persistence import PersistenceConfig
from pylot_ls.engine.prefix_tree import common_prefix
from pylot_ls.engine.prompt_types import Marker, MarkerSegment, TextSegment
from pylot_ls.engine.types import GenerateRequest, Priority, Token

SALTS = ("", "one", "other")
REQUESTS = st.lists(
    st.tuples(
        st.builds("\x01{}\x02ab\x03{}".format, st.sampled_from(["ab" * 6, "ab" * 8]), st.text("ab", max_size=12))
        | st.text("ab", min_size=1, max_size=N_CTX - 8),
        st.integers(0, 6),
        st.sampled_from(SALTS),
        st.sampled_from(Priority),
        st.integers(0, 1),
        st.booleans(),
    ),
    min_size=4,
    max_size=24,
)
SOURCE = "\n".join(f"def handler_{n}(request, response):\n    return response.{n}(request)\n" for n in range(20))
PROMPT = (
    MarkerSegment(Marker.FIM_PREFIX),
    TextSegment(SOURCE),
    MarkerSegment(Marker.FIM_SUFFIX),
    TextSegment("\n\ndef main():\n    serve()\n"),
    MarkerSegment(Marker.FIM_MIDDLE),
    TextSegment("def last(request):\n    ret"),
)


@pytest.fixture(autouse=True, scope="module")
def every_prompt_has_checkpoints():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "_SHORTEST", 0)
        yield


def said(served, request_id):
    """The tokens of a request: its prompt's and those that were decoded."""
    decoded = [e.token_id for e in served.events if isinstance(e, Token) and e.request_id == request_id]
    return [*map(ord, served.requests[request_id].prompt[0].text), *decoded]


@settings(max_examples=150)
@given(REQUESTS, st.sampled_from(sorted(MEMORIES)), st.sampled_from([N_CTX, N_CTX + 20, 1000]))
def test_nothing_is_reused_but_of_the_same_salt(requests, memory, n_cells):
    served = Served(n_cells, memory=memory, max_active=3)
    for number, (prompt, max_tokens, salt, priority, rank, at_once) in enumerate(requests):
        served.submit(prompt, max_tokens, priority, salt=salt, rank=rank if max_tokens else 0)
        if not at_once or number == len(requests) - 1:
            served.serve()
    for request_id, request in served.requests.items():
        others = [said(served, other) for other, each in served.requests.items() if each.salt == request.salt]
        others.remove(said(served, request_id))
        n_most = max((common_prefix(said(served, request_id), other) for other in others), default=0)
        assert served.end(request_id).usage.tokens_reused <= n_most
    served.sequences.tree.check_integrity()


@pytest.mark.parametrize("salts", [("", "a"), ("b", ""), ("c", "d")])
def test_the_real_model_reuses_nothing_of_another_salt(bundled, salts):
    while bundled.backend._loaded.sequences.evict():
        pass
    usages = [bundled.ask(PROMPT, 4, salt=salt).end.usage for salt in salts * 2]
    n_prompt = usages[0].prompt_tokens
    assert [usage.tokens_reused for usage in usages] == [0, 0, n_prompt - 1, n_prompt - 1]
    assert [usage.tokens_evaluated for usage in usages] == [n_prompt, n_prompt, 1, 1]


def test_what_is_said_is_the_same_with_any_salt(bundled):
    assert len({bundled.ask(PROMPT, 12, salt=salt).text for salt in ("x", "y", "")}) == 1


@pytest.fixture
def serve(drive, bundled_config, tmp_path):
    """Start a backend on a store."""

    def start(shelf, config=bundled_config):
        persistence = PersistenceConfig(shelf, tmp_path / "models.json")
        driven = drive(LlamaBackend(replace(config, persistence=persistence)))
        driven.state()
        driven.backend._loaded.persistence._thread.join()
        return driven

    return start


def restored(driven, salt):
    """How many tokens are put back for a prompt of a salt while nothing else is to do."""
    driven.backend.submit(GenerateRequest(f"restore {salt}", PROMPT, 0, restore_only=True, salt=salt))
    return driven.answer(f"restore {salt}").end.usage.tokens_reused


@pytest.mark.parametrize("kept_salt", ["", "kept"])
def test_a_later_server_finds_what_was_kept_with_its_salt_alone(serve, kept_salt):
    shelf = Shelf()
    first = serve(shelf)
    first.ask(PROMPT, 4, salt=kept_salt)
    first.backend.close()
    later = serve(shelf.restarted())
    for salt in ("x", "" if kept_salt else "kept"):
        assert restored(later, salt) == 0
        assert later.ask(PROMPT, 4, salt=salt).end.usage.tokens_reused == 0
    assert restored(later, kept_salt) > 100
    assert later.ask(PROMPT, 4, salt=kept_salt).end.usage.tokens_evaluated == 1


def test_neither_does_one_whose_kv_cannot_be_cut(serve, uncuttable_config):
    shelf = Shelf()
    first = serve(shelf, uncuttable_config)
    n_prompt = first.ask(PROMPT, 4, salt="kept").end.usage.prompt_tokens
    short = (*PROMPT[:1], TextSegment(SOURCE[-300:]), *PROMPT[2:])
    # The second of each goes on from a checkpoint of its own.
    assert [first.ask(short, 4, salt=salt).end.usage.tokens_reused > 0 for salt in "xyxy"] == [False, False, True, True]
    assert first.ask(PROMPT, 4, salt="kept").end.usage.tokens_reused > n_prompt // 2
    first.backend.close()
    later = serve(shelf.restarted(), uncuttable_config)
    assert later.ask(PROMPT, 4, salt="").end.usage.tokens_reused == 0
    assert later.ask(PROMPT, 4, salt="kept").end.usage.tokens_reused > n_prompt // 2

"""What fails in the worker fails its request, the next one is served; and other continuations of one prompt."""

from __future__ import annotations

import pytest
from served_worker import Served, cold_run

from pylot_ls.engine.types import GenerateRequest, TextSegment
from pylot_ls.errors import EngineError


def test_after_an_unforeseen_failure_the_requests_in_work_fail_and_the_next_is_served(monkeypatch, caplog):
    served = Served()
    served.ask("aabb")
    lost = served.submit("abab")
    with monkeypatch.context() as patch:
        patch.setattr(served.worker._scheduler, "decide", lambda *_args, **_kwargs: {}["a"])
        turns, turn = iter([True]), served.worker.turn
        patch.setattr(served.worker, "turn", lambda: next(turns, False) and turn())
        served.worker.run()
    assert (served.end(lost).kind, served.end(lost).message) == ("EngineError", "the engine failed: KeyError")
    assert "failed" in caplog.text
    assert not served.kv.cells
    next_one = served.submit("abab")
    served.serve()
    assert served.text(next_one) == cold_run("abab", 4)[0]


def test_what_fails_again_and_again_ends_the_worker(monkeypatch):
    served = Served()
    monkeypatch.setattr(served.worker, "turn", lambda: 1 // 0)
    with pytest.raises(EngineError, match="several times in a row"):
        served.worker.run()


def test_of_a_higher_rank_another_continuation_of_the_same_prompt_is_decoded():
    served = Served()
    plain = served.submit("abab", 3)
    served.serve()
    others = []
    for rank in (1, 2):
        request = GenerateRequest(str(100 + rank), (TextSegment("abab"),), 3, rank=rank)
        served.inbox.put(request)
        served.serve()
        others.append(served.text(request.request_id))
        assert served.end(request.request_id).usage.tokens_evaluated == 1
    first = served.text(plain)[0]
    assert len({first, *(text[0] for text in others)}) == 3
    assert others[0][1:] == cold_run("abab" + others[0][0], 2)[0]

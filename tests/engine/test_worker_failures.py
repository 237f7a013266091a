"""What fails in the worker fails its request, and the next one is served."""

from __future__ import annotations

import pytest
from served_worker import Served, cold_run

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

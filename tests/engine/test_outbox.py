"""When events leave the worker."""

from __future__ import annotations

from served_worker import Served

from pylot_ls.engine.outbox import Outbox
from pylot_ls.engine.types import Finished, FinishReason, Priority, Token, Usage


def finished(request_id):
    return Finished(request_id, FinishReason.LENGTH, "", Usage())


def test_events_are_told_at_the_flush_in_their_order_and_once():
    told = []
    outbox = Outbox(told.append, unheard="warm-up")
    events = [finished(name) for name in "abc"]
    for event in events:
        outbox.put(event)
    assert told == []
    outbox.flush()
    outbox.flush()
    assert told == events


def test_nobody_hears_of_what_nobody_asked_for():
    told = []
    outbox = Outbox(told.append, unheard="warm-up")
    outbox.put(finished("warm-up"))
    outbox.flush()
    assert told == []


def test_a_token_is_told_when_the_next_evaluation_begins():
    served = Served()
    request = served.submit("abc", 3)
    served.worker.turn()
    assert served.events == []
    told = []
    served.during(lambda: told.extend(served.events))
    served.worker.turn()
    assert [(event.request_id, type(event)) for event in told] == [(request, Token)]


def test_the_end_of_a_request_waits_for_nothing():
    served = Served()
    request = served.submit("abc", 1)
    served.worker.turn()
    assert [type(event) for event in served.events] == [Token, Finished]
    assert served.events[-1].request_id == request


def test_a_token_does_not_wait_for_the_prompt_of_another_request():
    served = Served()
    served.submit("abc", 5, Priority.INTERACTIVE)
    served.worker.turn()
    served.submit("defg", 5, Priority.INTERACTIVE)
    told = []
    served.during(lambda: told.extend(served.events))
    served.worker.turn()
    assert len(told) == 1

"""Which of several prompts a request is served with: by what is known of each, the measured rate and the time left."""

import math

import pytest
from served_worker import Eager, Served, cold

from pylot_ls.engine.choosing import Choosing
from pylot_ls.engine.inbox import Job
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.types import GenerateRequest

WHOLE, HALF, QUARTER = "a" * 40, "b" * 20, "c" * 10
RATE = 1.0  # a token a second: what a test itself takes is nothing beside that


class Kept:
    """What is on disk of the whole prompt; some of it comes to memory."""

    def __init__(self, *arrivals):
        self.arrivals = list(arrivals)
        self.n_expected = 0

    def expect(self, _tokens, done, _salt):
        self.n_expected += 1
        done()

    def reaches(self, _tokens, n_stored, _salt):
        return max(n_stored, self.arrivals.pop(0) if self.arrivals else 0)


@pytest.fixture
def served():
    return Served()


def request_of(*prompts, budget_s=1e9, max_tokens=4):
    whole, *smaller = ((TextSegment(text),) for text in prompts)
    return GenerateRequest("r", whole, max_tokens, fallbacks=tuple(smaller), budget_ms=budget_s * 1000)


def choose(served, *prompts, budget_s, rate=RATE):
    return Choosing(served.worker._loaded).choose(Job(request_of(*prompts, budget_s=budget_s)), rate)


@pytest.mark.parametrize(("budget_s", "chosen"), [(50, WHOLE), (40, HALF), (24, HALF), (23, QUARTER), (12, QUARTER)])
def test_the_first_that_fits_into_the_time_is_chosen(served, budget_s, chosen):
    number, tokens = choose(served, WHOLE, HALF, QUARTER, budget_s=budget_s)
    assert bytes(tokens).decode() == chosen
    assert (WHOLE, HALF, QUARTER)[number] == chosen


def test_where_nothing_fits_the_fastest_is_chosen(served):
    assert choose(served, WHOLE, QUARTER, HALF, budget_s=1)[0] == 1


def test_what_is_resident_takes_no_time(served):
    served.ask(WHOLE[:-20])
    assert choose(served, WHOLE, HALF, QUARTER, budget_s=24)[0] == 0
    assert choose(served, WHOLE, HALF, QUARTER, budget_s=23)[0] == 2


def test_while_one_is_ready_no_larger_one_is_begun(served):
    served.ask(QUARTER)
    assert choose(served, WHOLE, HALF, QUARTER + "c", budget_s=24)[0] == 2
    served.ask(HALF)
    assert choose(served, WHOLE, HALF + "b", QUARTER + "c", budget_s=1000)[0] == 1
    served.ask(WHOLE)
    assert choose(served, WHOLE + "a", HALF + "b", QUARTER + "c", budget_s=0)[0] == 0


def test_with_all_the_time_there_is_the_prompt_itself_is_taken(served):
    served.ask(QUARTER)
    assert choose(served, WHOLE, HALF, QUARTER + "c", budget_s=math.inf)[0] == 0


def test_before_a_rate_is_known_the_prompt_itself_is_taken(served):
    assert choose(served, WHOLE, HALF, budget_s=0, rate=0.0)[0] == 0


def test_on_a_fast_machine_a_long_prompt_is_ready(served):
    assert choose(served, WHOLE, HALF, budget_s=0, rate=400.0)[0] == 0


def test_without_fallbacks_there_is_nothing_to_choose(served):
    assert choose(served, WHOLE, budget_s=0)[0] == 0


def test_what_is_kept_of_the_prompt_itself_takes_no_time(served, monkeypatch):
    kept = Kept(10, 30)
    monkeypatch.setattr(type(served.worker._loaded), "cache", lambda _self: kept)
    assert choose(served, WHOLE, HALF, budget_s=30)[0] == 1
    kept.arrivals = [30]
    assert choose(served, WHOLE, HALF, budget_s=12)[0] == 0
    assert kept.n_expected == 2


def test_the_disk_is_not_read_while_one_is_ready(served, monkeypatch):
    kept = Kept()
    served.ask(QUARTER)
    monkeypatch.setattr(type(served.worker._loaded), "cache", lambda _self: kept)
    choose(served, WHOLE, HALF, QUARTER + "c", budget_s=24)
    choose(served, QUARTER + "c", HALF, budget_s=24)
    assert kept.n_expected == 0


def test_a_request_is_answered_with_what_follows_the_chosen_prompt(served):
    served.worker._tokens_per_s = RATE
    request = request_of(WHOLE, HALF, QUARTER, budget_s=24)
    served.requests["r"] = request_of(HALF)
    served.inbox.put(request)
    served.serve()
    assert served.text("r") == cold(HALF, 4).text
    assert served.end("r").usage.fallback == 1
    served.check()


def test_a_warm_up_measures_the_rate_and_leaves_nothing_behind(served):
    served.worker.warm_up()
    assert served.worker._tokens_per_s > 0
    assert served.events == []
    served.check()


def test_a_warm_up_ends_when_the_inbox_is_closed(served):
    served.inbox.close()
    served.worker.warm_up()
    assert served.kv.log == []


def test_a_request_that_comes_during_the_warm_up_is_served(served):
    served.during(lambda: served.submit("ab", 3) and None)
    served.worker.warm_up()
    served.serve()
    served.check()


def test_a_warm_up_measures_what_drafts_cost_and_leaves_nothing_behind():
    served = Served(speculation=Eager())
    before = served.worker._loaded.speculation._further
    served.worker.warm_up()
    assert served.worker._loaded.speculation._further != before
    assert served.events == []
    served.check()

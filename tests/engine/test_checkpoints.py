"""Whole prefixes: with models whose KV cannot be cut a keystroke costs a handful of tokens, too."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from served_worker import MEMORIES, Served

from pylot_ls.engine import checkpoints
from pylot_ls.engine.checkpoints import stops, worth_keeping
from pylot_ls.engine.types import FimTokens, Priority

FIM = FimTokens(prefix=1, suffix=2, middle=3)
# The tokens of a served prompt are its characters, so these are its markers.
PRE, SUF, MID = "\x01", "\x02", "\x03"
TYPED = "def area(width, height): return width * height"
# What typing goes back by at most, and the tokens at a prompt's end that are evaluated for their logits or healed.
FEW = 2 * 8 + 4

no_cut = pytest.mark.parametrize("memory", ["recurrent", "windowed"])
any_memory = pytest.mark.parametrize("memory", sorted(MEMORIES))


def psm(before, after, middle=""):
    return f"{PRE}{before}{SUF}{after}{MID}{middle}"


def tokens(text):
    return [ord(c) for c in text]


@pytest.fixture(autouse=True, scope="module")
def every_prompt_has_checkpoints():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "_SHORTEST", 0)
        yield


@pytest.fixture
def wide(monkeypatch):
    """A served worker with room for prompts of a few hundred tokens."""
    monkeypatch.setattr("served_worker.N_CTX", 400)
    return lambda memory, **options: Served(2000, memory=memory, n_sequences=24, **options)


@pytest.mark.parametrize(
    ("prompt", "n_unsettled", "places"),
    [
        # Near the end of the prefix, behind what is frozen, a little and shortly before the end.
        (psm("p" * 20, "s" * 10, "m" * 30), 1, (17, 33, 54, 62)),
        (psm("p" * 20, "s" * 10, "m" * 30), 4, (17, 33, 51, 59)),
        # A short middle has no place a little before its end.
        (psm("p" * 20, "s" * 10, "mmm"), 1, (17, 33, 35)),
        (psm("p" * 20, "s" * 10), 1, (17, 32, 33)),
        # The other order.
        (f"{SUF}{'s' * 10}{PRE}{'p' * 20}{MID}mmm", 1, (28, 33, 35)),
        ("x" * 20, 1, (11, 19)),
        ("x" * 5, 1, (4,)),
        ("x" * 3, 4, ()),
        (f"{PRE}{MID}", 1, (1, 2)),
        ("xx" + MID + "x" * 20, 1, (14, 22)),
    ],
)
def test_evaluation_stops_where_the_next_prompts_will_be_the_same(prompt, n_unsettled, places):
    assert stops(tokens(prompt), n_unsettled, FIM) == places


def test_a_model_without_markers_stops_before_the_end_only():
    assert stops(tokens(psm("p" * 20, "s" * 20)), 1, None) == (34, 42)


def test_while_a_prompt_grows_two_places_stay_one_of_which_is_neither_near_nor_far():
    places = {0}
    for last in range(1, 200):
        places = {*worth_keeping(places, last), last}
        assert len(places) <= 3
        assert last < 8 or min(last - place for place in places if last - place >= 8) <= 16


@any_memory
@pytest.mark.parametrize("heal", [False, True])
def test_a_character_typed_costs_a_few_tokens(wide, memory, heal):
    served = wide(memory)
    head = psm("p" * 150, "s" * 60)
    served.ask(head, 6, heal=heal)
    for n in range(1, len(TYPED)):
        assert served.ask(head + TYPED[:n], 6, heal=heal).tokens_evaluated <= 5
    served.check()


@no_cut
def test_a_short_prompt_has_no_checkpoints(wide, memory, monkeypatch):
    monkeypatch.setattr(checkpoints, "_SHORTEST", 32)
    served = wide(memory)
    served.ask("x" * 31)
    assert not served.sequences.checkpoints
    served.ask("x" * 32)
    assert served.sequences.checkpoints
    served.check()


@no_cut
def test_what_is_typed_leaves_few_sequences_behind(wide, memory):
    served = wide(memory)
    for n in range(len(TYPED)):
        served.ask(psm("p" * 50, "s" * 20, TYPED[:n]), 6)
        # Near the prefix's end, behind what is frozen, three places of what is typed; and the suggestion.
        assert len(served.sequences.checkpoints) <= 5
        assert len(served.sequences.tree.sequences) <= 6


@no_cut
def test_deleting_goes_back_to_what_was_typed(wide, memory):
    served = wide(memory)
    head = psm("p" * 150, "s" * 60)
    served.ask(head, 6)
    ends = [*range(1, 40), *range(39, 0, -1), *range(1, 40)]
    costs = [served.ask(head + TYPED[:end], 6).tokens_evaluated for end in ends]
    # Where it goes further back than what is kept, once in a while, it begins behind what is frozen.
    assert sum(cost > FEW for cost in costs) <= len(costs) / 20
    assert max(costs) <= 40
    served.check()


@any_memory
@pytest.mark.parametrize("n_head", [0, 1, 10])
def test_documents_typed_in_turn_cost_a_few_tokens_a_keystroke(wide, memory, n_head):
    served = wide(memory)
    heads = ["h" * n_head + letter * 6 for letter in "ab"]
    for head in heads:
        served.ask(head, 6)
    for n in range(1, 20):
        for head in heads:
            assert served.ask(head + "xyxxyyxyxyxxyxyyxyxy"[:n], 6).tokens_evaluated <= 5
    served.check()


@any_memory
def test_the_prompt_of_the_next_anchor_begins_near_the_end_of_the_last_ones_prefix(wide, memory):
    served = wide(memory)
    served.ask(psm("p" * 150, "s" * 60, "typed"))
    usage = served.ask(psm("p" * 150 + "typed", "t" * 30), 0, Priority.BACKGROUND)
    assert usage.tokens_reused >= 147
    served.check()


@any_memory
def test_what_was_prepared_in_the_background_is_there_for_the_keystroke(wide, memory):
    served = wide(memory)
    served.ask(psm("p" * 150, "s" * 60, "typed"), 0, Priority.BACKGROUND)
    # It was not healed, and the keystroke's prompt is.
    assert served.ask(psm("p" * 150, "s" * 60, "typeda"), heal=True).tokens_evaluated <= 5


@no_cut
def test_a_checkpoint_outlives_the_prompts_that_continue_it(wide, memory):
    served = wide(memory)
    head = psm("p" * 50, "s" * 20)
    for typed in ("abc", "xyz", "abc", "uvw"):
        assert served.ask(head + typed).tokens_evaluated <= 5 or typed == "abc"
    assert served.sequences.tree.match(tokens(head)).n_shared == len(head)
    served.check()


@no_cut
def test_a_checkpoint_of_two_prompts_in_work_is_kept_once(wide, memory):
    served = wide(memory)
    for _ in range(3):
        served.submit(psm("p" * 50, "s" * 20, "abcdef"))
    served.serve()
    tree = served.sequences.tree
    held = [tuple(tree.tokens(seq)) for seq in served.sequences.checkpoints]
    assert len(set(held)) == len(held)


def test_a_state_that_an_interruption_would_destroy_is_not_interrupted(wide):
    served = wide("recurrent")
    slow = served.submit(psm("p" * 150, "s" * 60), 0, Priority.BACKGROUND)
    n_stored, asked = 0, []
    while slow not in served.ends():
        served.during(lambda: asked.append(served.submit("b", 1)))
        for _ in range(3):
            served.worker.turn()
        # Each keystroke was served, and the background's chunks before and after it are there.
        assert set(asked) <= set(served.ends())
        assert slow in served.ends() or served.kv.n_stored(0) >= n_stored + 8
        n_stored = served.kv.n_stored(0)
    usage = served.end(slow).usage
    assert usage.tokens_evaluated == usage.prompt_tokens
    served.check()


def test_a_request_whose_state_was_destroyed_all_the_same_is_served(wide):
    served = wide("recurrent")
    prompt = psm("p" * 150, "s" * 60, "typed")
    served.ask(prompt)
    served.submit(prompt + "x")
    served.during(lambda: 1, lambda: None, lambda: 1)
    served.serve()
    served.check(aborted=True)


@no_cut
def test_a_keystroke_continues_what_a_cancelled_one_had_evaluated(wide, memory):
    served = wide(memory)
    prompt = psm("p" * 150, "s" * 60)
    first = served.submit(prompt)
    for _ in range(10):
        served.worker.turn()
    n_stored = served.kv.n_stored(0)
    assert n_stored > 50
    served.inbox.cancel(first)
    assert served.ask(prompt + "x").tokens_reused >= n_stored
    served.check(cancelled={first})


@no_cut
def test_where_no_sequence_is_left_there_are_no_checkpoints(memory):
    served = Served(memory=memory, n_sequences=2, max_active=2)
    for letter in "ab":
        served.submit(letter * 30, 4)
    served.serve()
    served.check()


@st.composite
def sittings(draw):
    """A file is typed in, deleted from, and left for another place, with other requests in between."""
    heads = [psm("p" * 20, "s" * 9), psm("p" * 20 + "q" * 4, "s" * 9), f"{SUF}sss{PRE}{'p' * 20}{MID}", "c" * 12]
    head, typed, asked = heads[0], "", []
    for act in draw(st.lists(st.sampled_from(["type"] * 8 + ["delete"] * 4 + ["jump"]), max_size=40)):
        if act == "type":
            typed = (typed + draw(st.sampled_from("ab")))[:6]
        elif act == "delete":
            typed = typed[:-1]
        else:
            head, typed = draw(st.sampled_from(heads)), ""
        is_cancelled = draw(st.integers(0, 4)) == 0
        asked.append((head + typed, draw(st.integers(0, 5)), draw(st.booleans()), is_cancelled))
    return asked


@settings(max_examples=150, deadline=None)
@given(sittings(), st.sampled_from(["recurrent", "windowed"]), st.sampled_from([4, 8, 24]), st.sampled_from([60, 1000]))
def test_whatever_is_done_in_a_file_suggestions_are_those_of_a_cold_run(asked, memory, n_sequences, n_cells):
    served = Served(n_cells, memory=memory, n_sequences=n_sequences, max_active=2)
    cancelled = set()
    for prompt, max_tokens, heal, is_cancelled in asked:
        request_id = served.submit(prompt, max_tokens, heal=heal)
        for _ in range(3):
            if not served.is_idle:
                served.worker.turn()
        if is_cancelled and request_id not in served.ends():
            cancelled.add(request_id)
            served.inbox.cancel(request_id)
    served.serve()
    served.check(cancelled=cancelled, aborted=True)
    assert served.sequences.checkpoints <= set(served.sequences.tree.sequences)

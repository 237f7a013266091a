"""The worker over a fake model: every request gets what a run of its own would give it, and one last event."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from fake_kv import next_token, repetitive_token
from hypothesis import given, settings
from hypothesis import strategies as st
from served_worker import MEMORIES, N_CTX, Eager, Served, cold_run

from pylot_ls.engine import checkpoints
from pylot_ls.engine.types import Failed, FinishReason, Priority
from pylot_ls.errors import DecodeError


@dataclass(frozen=True)
class Submit:
    prompt: str
    max_tokens: int
    priority: Priority
    session: str
    heal: bool = False


@dataclass(frozen=True)
class Cancel:
    back: int


@dataclass(frozen=True)
class Abort:
    """The evaluation ends when so many of its tokens are stored."""

    n_stored: int


PROMPTS = (
    st.text("ab", min_size=1, max_size=N_CTX - 8)
    | st.sampled_from(["ab" * 12, "ab" * 18, "ab" * 12 + "b"])
    # What is typed behind a frozen prefix and suffix.
    | st.builds("\x01{}\x02ab\x03{}".format, st.sampled_from(["ab" * 6, "ab" * 8]), st.text("ab", max_size=12))
)
SUBMITS = st.builds(
    Submit, PROMPTS, st.integers(0, 8), st.sampled_from(Priority), st.sampled_from("xyz"), st.booleans()
)
STEPS = SUBMITS | st.builds(Cancel, st.integers(1, 5)) | st.builds(Abort, st.integers(0, 8)) | st.none()
# Long ones: it takes a crowd for requests to come into each other's way.
PROGRAMS = st.lists(STEPS, min_size=15, max_size=50)


@pytest.fixture(autouse=True, scope="module")
def every_prompt_has_checkpoints():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "_SHORTEST", 0)
        yield


def run_program(served, program):
    """Do one thing of the program in each evaluation, and the next ones at once while there is nothing to evaluate."""
    left = list(program)
    cancelled = set()

    def act(parts=()):
        if not left:
            return None
        step = left.pop(0)
        if isinstance(step, Submit):
            served.submit(step.prompt, step.max_tokens, step.priority, step.session, heal=step.heal)
        elif isinstance(step, Cancel):
            request_id = str(len(served.requests) - step.back)
            if request_id in served.requests and request_id not in served.ends():
                cancelled.add(request_id)
            served.inbox.cancel(request_id)
        elif isinstance(step, Abort):
            return min(step.n_stored, sum(len(part.tokens) for part in parts))
        return None

    served.kv.during = act
    while left or not served.is_idle:
        if served.is_idle:
            act()
        else:
            served.worker.turn()
    return cancelled


@settings(max_examples=300, deadline=None)
@given(
    PROGRAMS,
    st.sampled_from(sorted(MEMORIES)),
    st.sampled_from([N_CTX, N_CTX + 20, 1000]),
    st.integers(1, 6),
    st.booleans(),
)
def test_every_request_gets_what_a_run_of_its_own_gives_it(program, memory, n_cells, max_active, drafts):
    says, speculation = (repetitive_token, Eager()) if drafts else (next_token, None)
    served = Served(n_cells, memory=memory, max_active=max_active, says=says, speculation=speculation)
    cancelled = run_program(served, program)
    served.check(cancelled=cancelled, aborted=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(SUBMITS, max_size=8), st.integers(0, 12))
def test_closing_ends_what_is_left_as_cancelled(submits, n_turns):
    served = Served(N_CTX + 20, max_active=3)
    for each in submits:
        served.submit(each.prompt, each.max_tokens, each.priority, each.session)
    for _ in range(n_turns):
        if not served.is_idle:
            served.worker.turn()
    # What has ended beside what decodes is told with the next evaluation.
    left = set(served.inbox._live)
    served.inbox.close()
    served.worker.run()
    assert {request_id for request_id in left if served.end(request_id).reason is FinishReason.CANCELLED} == left
    served.check(cancelled=left, aborted=True)


@given(st.lists(SUBMITS, max_size=6))
def test_the_costs_add_up_where_nothing_is_interrupted(submits):
    served = Served()
    for each in submits:
        served.submit(each.prompt, each.max_tokens, Priority.KEYSTROKE, each.session)
    served.serve()
    served.check()


def test_a_keystroke_that_comes_during_background_work_is_served_before_it_goes_on():
    served = Served()
    slow = served.submit("a" * 40, 0, Priority.BACKGROUND)
    keystroke = []
    served.during(lambda: None, lambda: keystroke.append(served.submit("bbb", 3)))
    served.serve()
    assert served.ends() == [*keystroke, slow]
    # Two chunks of the slow one, the second of which was interrupted; the keystroke; then what was left.
    assert [len(parts) for parts in served.kv.log] == [1] * len(served.kv.log)
    assert ["".join(map(chr, parts[0].tokens))[:3] for parts in served.kv.log[:3]] == ["aaa", "aaa", "bbb"]
    assert served.kv.log[2 + 3][0].position == 8
    served.check(aborted=True)


def test_background_work_gets_done_between_keystrokes():
    served = Served()
    slow = served.submit("a" * 40, 0, Priority.BACKGROUND)
    while slow not in served.ends():
        n_before = served.kv.n_stored(0)
        # Each is interrupted once and then has the time for a chunk.
        served.during(lambda: served.submit("b", 1), lambda: None, lambda: None)
        for _ in range(3):
            served.worker.turn()
        assert served.kv.n_stored(0) > n_before
    served.serve()
    served.check(aborted=True)


def test_a_keystroke_does_not_wait_for_a_place():
    served = Served(max_active=2)
    slow = [served.submit(letter * 40, 0, Priority.BACKGROUND, letter) for letter in "ab"]
    streams = [served.submit(letter * 20, 8, Priority.INTERACTIVE, letter) for letter in "cd"]
    for _ in range(4):
        served.worker.turn()
    keystroke = served.submit("bbb")
    served.serve()
    assert served.ends()[0] == keystroke
    assert set(served.ends()[1:3]) == set(streams)
    assert set(served.ends()[3:]) == set(slow)
    served.check()


def test_a_request_cancelled_while_it_waits_for_a_place_ends_at_once():
    served = Served(max_active=1)
    served.submit("a" * 40, 8)
    waiting = served.submit("b" * 40, 8)
    served.worker.turn()
    served.inbox.cancel(waiting)
    served.worker.turn()
    assert served.ends() == [waiting]
    assert served.end(waiting).usage.queue_ms > 0


def test_requests_for_which_there_is_no_room_wait_for_one_another():
    served = Served(N_CTX)
    for letter in "abc":
        served.submit(letter * 30, 8, session=letter)
    served.serve()
    served.check(aborted=True)


def test_a_recurrent_state_that_an_abort_destroyed_is_computed_again_in_chunks():
    served = Served(memory="recurrent")
    stream = served.submit("a" * 16, 4, Priority.INTERACTIVE)
    served.during(*[lambda: None] * 3, lambda: 0)
    served.serve()
    sizes = [[len(part.tokens) for part in parts] for parts in served.kv.log]
    # Up to the two checkpoints, to the end, and a token that is aborted; the same again; the rest of the tokens.
    assert sizes == [[4], [8], [4], [1], [4], [8], [5], [1], [1]]
    assert served.end(stream).usage.tokens_evaluated == 16
    served.check()


def test_requests_of_one_priority_do_not_take_each_others_place():
    served = Served(max_active=1)
    requests = [served.submit(letter * 20, 8) for letter in "ab"]
    served.serve()
    assert served.ends() == requests
    served.check()


def test_a_keystroke_takes_the_room_of_background_work():
    served = Served(N_CTX)
    slow = served.submit("a" * 40, 0, Priority.BACKGROUND)
    for _ in range(4):
        served.worker.turn()
    assert served.kv.n_stored(0) == 32
    keystroke = served.submit("b" * 30, 2)
    served.serve()
    assert served.ends() == [keystroke, slow]
    served.check(aborted=True)


def test_a_context_that_is_fuller_than_was_thought_is_made_room_in():
    served = Served()
    served.kv.n_cells = 50
    for letter in "abc":
        served.ask(letter * 30, 2)
    served.check()


def test_a_context_without_room_for_a_request_that_is_alone_fails_it_and_says_what_to_do():
    served = Served()
    served.kv.n_cells = 10
    request_id = served.submit("a" * 30)
    served.serve()
    assert served.end(request_id).kind == "RequestError"
    assert "shorten the prompt or raise model.n_ctx" in served.end(request_id).message


def test_a_prompt_evaluated_ahead_costs_one_token_afterwards():
    served = Served()
    ahead = served.submit("abcdefgh", 0, Priority.BACKGROUND)
    served.serve()
    assert (served.text(ahead), served.end(ahead).reason) == ("", FinishReason.LENGTH)
    assert served.ask("abcdefgh", 0).tokens_evaluated == 0
    usage = served.ask("abcdefgh")
    assert (usage.tokens_reused, usage.tokens_evaluated) == (7, 1)


def test_a_prompt_that_holds_another_costs_what_it_adds():
    served = Served()
    served.ask("abcdefgh", 0)
    assert served.ask("abcdefghijk").tokens_evaluated == 3


def test_who_comes_for_a_cancelled_request_goes_on_with_its_sequence():
    served = Served(says=lambda tokens, among: min(next_token(tokens, among), ord("y")))
    before = served.submit("abcdefgh", 8)
    for _ in range(4):
        served.worker.turn()
    assert not served.ends()
    served.inbox.cancel(before)
    assert served.ask("abcdefghx").tokens_evaluated == 1
    assert len(served.sequences.tree.sequences) == 1
    served.check(cancelled={before})


def test_a_guess_costs_the_next_keystroke_no_token_and_leaves_nothing_behind():
    served = Served(says=lambda tokens, among: min(next_token(tokens, among), ord("y")))
    first = served.submit("abcdefgh", 3)
    served.serve()
    guess = served.submit("abcdefgh" + served.text(first), 30, Priority.BACKGROUND)
    served.serve()
    assert len(served.text(guess)) > 8
    assert served.ask("abcdefghx").tokens_evaluated == 1
    assert len(served.sequences.tree.sequences) == 1
    assert served.ask("abcdefghx" + "y" * 20).tokens_evaluated <= 20
    # What was asked for is another place to which one may return, as ever.
    assert served.ask("abcdefghz").tokens_evaluated == 1
    assert len(served.sequences.tree.sequences) == 2
    served.check()


@pytest.mark.parametrize("n_head", [0, 1, 10])
def test_two_documents_typed_in_turn_cost_a_token_a_keystroke(n_head):
    served = Served(200)
    heads = ["h" * n_head + letter * 6 for letter in "ab"]
    for head in heads:
        served.ask(head, 6)
    for n in range(1, 20):
        for head in heads:
            assert served.ask(head + "xyxxyyxyxyxxyxyyxyxy"[:n], 6).tokens_evaluated <= 2
    served.check(aborted=True)


def test_requests_of_one_priority_share_batches_and_sessions_take_turns():
    served = Served()
    for letter in "abc":
        served.submit(letter * 16, 8, session=letter)
    served.serve()
    prompts = [chr(part.tokens[0]) for parts in served.kv.log for part in parts if len(part.tokens) > 4]
    assert prompts[:3] == ["a", "b", "c"]
    assert max(map(len, served.kv.log)) == 3
    served.check()


def test_a_stop_text_ends_its_request_alone():
    served = Served()
    text, _ = cold_run("abcab", 8)
    stopped = served.submit("abcab", 8, stop=(text[2:4],))
    other = served.submit("abcab", 8)
    served.serve()
    assert (served.text(stopped), served.end(stopped).reason) == (text[: text.index(text[2:4])], FinishReason.STOP)
    assert served.text(other) == text


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (DecodeError("no luck"), "DecodeError", "no luck"),
        (ZeroDivisionError("the user's code"), "EngineError", "the engine failed: ZeroDivisionError"),
    ],
)
def test_a_failing_evaluation_fails_its_batch_and_nothing_after(error, kind, message, caplog):
    served = Served()
    first = served.submit("abc")
    served.during(lambda: None, lambda: error)
    served.serve()
    assert (served.end(first).kind, served.end(first).message) == (kind, message)
    assert ("failed" in caplog.text) is (kind == "EngineError")
    assert not served.kv.cells
    assert not served.kv.damaged
    second = served.submit("abc")
    served.serve()
    assert served.text(second) == cold_run("abc", 4)[0]


def test_a_token_that_cannot_be_chosen_fails_its_request_and_no_other(monkeypatch):
    served = Served()
    served.ask("b" * 12, 1)
    first, second = served.submit("a" * 7, 4), served.submit("b" * 12, 4)
    greedy = served.kv.greedy

    def failing(index, *args):
        if len(served.kv.log[-1]) == 2 and index == 0:
            raise ValueError("no logits")
        return greedy(index, *args)

    monkeypatch.setattr(served.kv, "greedy", failing)
    served.serve()
    failed = {request_id for request_id in (first, second) if isinstance(served.end(request_id), Failed)}
    assert len(failed) == 1
    (other,) = {first, second} - failed
    assert served.text(other) == cold_run(served.requests[other].prompt[0].text, 4)[0]


@pytest.mark.parametrize(
    ("prompt", "max_tokens", "message"),
    [
        ("", 1, "the prompt is empty"),
        ("a", -1, "-1 tokens were asked for; ask for none or more"),
        ("a" * N_CTX, 1, r"the prompt has 48 tokens and 1 are to be decoded, but the context holds 48; shorten"),
    ],
)
def test_a_request_that_cannot_be_served_is_refused(prompt, max_tokens, message):
    served = Served()
    refused = served.submit(prompt, max_tokens)
    other = served.submit("abc")
    served.serve()
    assert served.end(refused).kind == "RequestError"
    assert message in served.end(refused).message
    assert served.text(other) == cold_run("abc", 4)[0]

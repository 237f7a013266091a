"""What is evaluated next."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine.scheduler import Scheduler, Share, Task
from pylot_ls.engine.types import Priority

N_BATCH = 64
ROWS = st.tuples(st.sampled_from("abc"), st.sampled_from(Priority), st.integers(1, 300), st.booleans())
TASKS = st.lists(ROWS, max_size=8).map(
    lambda rows: [
        Task(number, session, priority, 1 if decodes else n_pending, decodes)
        for number, (session, priority, n_pending, decodes) in enumerate(rows)
    ],
)
RATES = st.just(0.0) | st.floats(1, 1e4)


def prompts(tasks, shares):
    return [share for share in shares if not tasks[share.id].decodes]


@given(TASKS, RATES, st.booleans())
def test_only_the_highest_priority_is_served(tasks, rate, someone_types):
    shares = Scheduler(N_BATCH).decide(tasks, rate, someone_types=someone_types)
    highest = max((task.priority for task in tasks), default=None)
    assert {tasks[share.id].priority for share in shares} == ({highest} if tasks else set())


@given(TASKS, RATES, st.booleans())
def test_whoever_decodes_gets_its_token_and_one_prompt_a_chunk_that_fits(tasks, rate, someone_types):
    shares = Scheduler(N_BATCH).decide(tasks, rate, someone_types=someone_types)
    served = [task for task in tasks if task.priority == max(task.priority for task in tasks)]
    assert [share for share in shares if tasks[share.id].decodes] == [Share(t.id, 1) for t in served if t.decodes]
    assert len(prompts(tasks, shares)) == any(not task.decodes for task in served)
    assert all(1 <= share.n_tokens <= tasks[share.id].n_pending for share in shares)
    assert sum(share.n_tokens for share in shares) <= N_BATCH


@given(TASKS, st.integers(1, 6))
def test_a_batch_is_never_too_large(tasks, n_batch):
    shares = Scheduler(n_batch).decide(tasks, 1e4)
    assert sum(share.n_tokens for share in shares) <= n_batch
    assert max(Counter(share.id for share in shares).values(), default=1) == 1


@given(TASKS, st.floats(1, 1e4), st.booleans())
def test_a_chunk_takes_no_longer_than_150_ms_unless_it_is_of_the_smallest(tasks, rate, someone_types):
    shares = Scheduler(N_BATCH).decide(tasks, rate, someone_types=someone_types)
    for share in prompts(tasks, shares):
        assert share.n_tokens <= max(8, rate * 0.150)


@given(TASKS, RATES)
def test_while_someone_types_only_what_is_no_keystroke_gets_less(tasks, rate):
    calm = Scheduler(N_BATCH).decide(tasks, rate)
    hurried = Scheduler(N_BATCH).decide(tasks, rate, someone_types=True)
    for share, other in zip(prompts(tasks, calm), prompts(tasks, hurried), strict=True):
        assert other.n_tokens <= share.n_tokens
        if tasks[share.id].priority is Priority.KEYSTROKE or rate == 0:
            assert other == share
        else:
            assert other.n_tokens <= max(8, rate * 0.040)


@pytest.mark.parametrize(
    ("rate", "someone_types", "n_tokens"),
    [(1000.0, False, 150), (1000.0, True, 40), (10.0, False, 8), (0.0, False, 32)],
)
def test_a_chunk_is_what_the_measured_rate_allows(rate, someone_types, n_tokens):
    tasks = [Task(0, "a", Priority.BACKGROUND, 500, decodes=False)]
    assert Scheduler(512).decide(tasks, rate, someone_types=someone_types) == (Share(0, n_tokens),)


@pytest.mark.parametrize("tasks", [[], [Task(0, "a", Priority.KEYSTROKE, 0, decodes=False)]], ids=["none", "done"])
def test_there_is_no_batch_where_nothing_is_pending(tasks):
    assert Scheduler(N_BATCH).decide(tasks, 100.0) == ()


@pytest.mark.parametrize(
    ("others", "n_tokens"),
    [([], 4), ([Task(1, "b", Priority.BACKGROUND, 9, decodes=False)], 4)]
    + [([Task(1, "b", Priority.KEYSTROKE, 3, decodes=decodes)], 1) for decodes in (True, False)],
    ids=["alone", "beside less urgent", "beside one that decodes", "beside a prompt"],
)
def test_drafted_tokens_are_checked_only_where_nobody_else_waits_for_them(others, n_tokens):
    drafting = Task(0, "a", Priority.KEYSTROKE, 4, decodes=True)
    assert Scheduler(N_BATCH).decide([drafting, *others], 100.0)[0] == Share(0, n_tokens)


def test_a_keystroke_is_served_alone():
    tasks = [
        Task(0, "a", Priority.BACKGROUND, 500, decodes=False),
        Task(1, "a", Priority.INTERACTIVE, 1, decodes=True),
        Task(2, "a", Priority.KEYSTROKE, 2, decodes=False),
    ]
    assert Scheduler(N_BATCH).decide(tasks, 100.0) == (Share(2, 2),)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 200), st.integers(0, 10)), min_size=1, max_size=12))
def test_no_session_waits_longer_than_one_turn_of_each_other(arrivals):
    scheduler = Scheduler(N_BATCH)
    n_sessions = len({session for session, _, _ in arrivals})
    left = {number: [session, n_tokens, at] for number, (session, n_tokens, at) in enumerate(arrivals)}
    waited = Counter()
    for now in range(10_000):
        if not left:
            break
        there = {number: row for number, row in left.items() if row[2] <= now}
        tasks = [Task(n, row[0], Priority.INTERACTIVE, row[1], decodes=False) for n, row in there.items()]
        served = None
        for share in scheduler.decide(tasks, 100.0):
            served = left[share.id][0]
            left[share.id][1] -= share.n_tokens
            if left[share.id][1] == 0:
                del left[share.id]
        for session in {row[0] for row in there.values()}:
            waited[session] = 0 if session == served else waited[session] + 1
            assert waited[session] <= n_sessions
    assert not left

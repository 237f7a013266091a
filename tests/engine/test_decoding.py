"""What follows an evaluation: drafts are checked in it, and the end of what was typed is chosen anew."""

from __future__ import annotations

import pytest
from fake_kv import logprob_after, next_token, repetitive_token
from hypothesis import given
from hypothesis import strategies as st
from served_worker import PIECES, Eager, Served, cold

from pylot_ls.engine.healing import MOST_TOKENS
from pylot_ls.engine.types import FinishReason, Priority, Token


def drafting(**kwargs):
    return Served(says=repetitive_token, speculation=Eager(), **kwargs)


def test_a_text_that_repeats_itself_takes_fewer_evaluations_than_tokens():
    served = drafting()
    usage = served.ask("abcabcabcabc", 20)
    assert usage.tokens_decoded == 20
    # The prompt's, and one for each draft: what it has rightly, and a token more.
    assert usage.tokens_accepted > 5
    assert len(served.kv.log) == 2 + 20 - 1 - usage.tokens_accepted
    served.check()


@given(st.text("abc", min_size=1, max_size=20), st.integers(1, 20))
def test_drafts_change_nothing_but_the_cost(prompt, max_tokens):
    with_drafts, without = drafting(), Served(says=repetitive_token)
    for served in (with_drafts, without):
        served.ask(prompt, max_tokens)
        served.check()
    said = [[(e.text, e.token_id, e.logprob) for e in s.events if isinstance(e, Token)] for s in (with_drafts, without)]
    assert said[0] == said[1]
    held = [s.sequences.tree.tokens(0) for s in (with_drafts, without)]
    assert held[0][: len(held[1])] == held[1]


def test_a_draft_is_never_longer_than_the_tokens_that_are_left():
    served = drafting()
    served.ask("abcabcabcabc", 3)
    assert max(len(part.tokens) for parts in served.kv.log[2:] for part in parts) == 2


def test_a_draft_goes_no_further_than_its_line_or_the_next_where_it_begins_with_a_lines_end():
    served = Served(says=lambda tokens, _among: tokens[-7], speculation=Eager(), n_batch=32)
    served.ask("abcdef\nabcdef\nabc", 18)
    drafts = ["".join(map(chr, part.tokens[1:])) for parts in served.kv.log[1:] for part in parts]
    assert drafts == ["ef\n", "bcdef\n", "bcdef"]


def test_a_stop_text_within_a_draft_ends_the_request():
    served = drafting()
    text = cold("abcabcabcabc", 20, repetitive_token).text
    stopped = served.submit("abcabcabcabc", 20, stop=(text[8:11],))
    served.serve()
    assert served.end(stopped).reason is FinishReason.STOP
    assert served.text(stopped) == text[: text.index(text[8:11])]
    tree = served.sequences.tree
    assert [tree.tokens(seq) for seq in tree.sequences] == [served.kv.tokens(seq) for seq in tree.sequences]


@pytest.mark.parametrize("n_stored", [0, 1, 3])
def test_a_check_that_is_interrupted_leaves_none_of_its_draft(n_stored):
    served = drafting()
    stream = served.submit("abcabcabcabc", 20, Priority.INTERACTIVE)
    keystroke = []

    def interrupt():
        keystroke.append(served.submit("bbb", 2))
        return n_stored

    served.during(lambda: None, lambda: None, interrupt)
    for _ in range(3):
        served.worker.turn()
    assert len(served.kv.log[2][0].tokens) > 3
    assert served.kv.n_stored(0) == served.sequences.tree.n_tokens(0) == 12
    served.serve()
    assert served.ends() == [*keystroke, stream]
    served.check(aborted=True)


def test_requests_that_decode_together_check_no_drafts():
    served = drafting()
    for letter in "ab":
        served.submit(letter * 4, 8, session=letter)
    served.serve()
    together = [parts for parts in served.kv.log if len(parts) == 2]
    assert together
    assert all(part.n_logits == 1 for parts in together for part in parts)
    served.check()


@given(st.text("ab", min_size=1, max_size=20), st.integers(1, 6))
def test_what_is_typed_is_spelt_again_and_not_told_again(prompt, max_tokens):
    served = Served()
    request_id = served.submit(prompt, max_tokens, heal=True)
    served.serve()
    served.check()
    usage = served.end(request_id).usage
    n_healed = len(prompt) - usage.prompt_tokens
    assert n_healed <= min(MOST_TOKENS, len(prompt) - 1)
    (held,) = (served.kv.tokens(seq) for seq in served.kv.sequences)
    told = prompt + served.text(request_id)
    assert told.encode().startswith(b"".join(PIECES[token] for token in held))
    # Not at the suggestion's expense, and not without bounds.
    assert max_tokens <= usage.tokens_decoded + (served.end(request_id).reason is FinishReason.END) * max_tokens
    assert usage.tokens_decoded <= max_tokens + n_healed


def test_a_keystroke_that_is_healed_costs_one_token():
    served = Served()
    typed = "abbabaabbabaabaab"
    for end in range(6, len(typed)):
        usage = served.ask(typed[:end], 4, heal=True)
        assert usage.tokens_evaluated <= 2 or end == 6
    assert served.ask(typed, 4, heal=True).tokens_evaluated == 1
    served.check()


def test_a_prompt_that_is_only_evaluated_is_not_healed():
    served = Served()
    usage = served.ask("cab", 0, heal=True)
    assert (usage.prompt_tokens, usage.tokens_decoded) == (3, 0)


def test_the_end_of_a_text_is_none_while_what_was_typed_is_not_spelt():
    """The model would end here; the word that was begun is completed all the same."""
    prompt = next(p for p in ("x" * n + "ba" for n in range(1, 200)) if next_token([*map(ord, p[:-2])]) == ord("z"))
    served = Served()
    request_id = served.submit(prompt, 3, heal=True)
    served.serve()
    assert served.end(request_id).usage.tokens_decoded > 0
    served.check()


def test_no_draft_is_made_while_healing():
    served = Served(says=repetitive_token, speculation=Eager())
    served.submit("abababababab", 8, heal=True)
    served.worker.turn()
    served.worker.turn()
    (generation,) = served.worker._active
    while generation.is_healing:
        assert generation.task(0).n_pending == 1
        served.worker.turn()
    served.serve()
    served.check()


def test_the_probability_of_each_token_of_a_draft_is_its_own():
    served = drafting()
    served.ask("abcabcabcabc", 20)
    tokens = [*map(ord, "abcabcabcabc")]
    for event in served.events[:-1]:
        assert event.logprob == logprob_after(tokens)
        tokens.append(event.token_id)

"""Texts are learnt a little at a time while nobody waits, and forgotten at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from served_worker import Eager, Served

from pylot_ls.engine import lessons as lessons_module
from pylot_ls.engine.lessons import Lessons
from pylot_ls.engine.ngrams import Ngrams
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.types import GenerateRequest, Hole, KnownText


def tokenize(text):
    return tuple(map(ord, text))


def begun(known):
    woken = []
    lessons = Lessons(lambda: woken.append(True))
    lessons.begin(tokenize, known)
    return lessons, woken


def learn_all(lessons):
    n_steps = 0
    while lessons.is_ready:
        lessons.step()
        n_steps += 1
    return n_steps


class Kept(Ngrams):
    """Keeps what was learnt as characters and lines."""

    def __init__(self):
        super().__init__()
        self.texts = {}

    def put(self, session, text_id, text, **others):
        self.texts[text_id] = text
        super().put(session, text_id, text, **others)


@given(st.text("ab \n", max_size=60))
def test_a_text_is_learnt_whole_and_its_lines_are_found(text):
    known = Kept()
    lessons, _ = begun(known)
    lessons.give(KnownText("", "a", text))
    learn_all(lessons)
    learnt = known.texts["a"]
    assert "".join(map(chr, learnt.tokens.tolist())) == text
    for number, line in enumerate(text.split("\n")):
        start, end = learnt.positions(number, number)
        assert line in text[start:end]


def test_a_long_text_takes_several_steps_and_what_is_known_of_it_is_not_tokenised_again(monkeypatch):
    monkeypatch.setattr(lessons_module, "_BLOCKS_AT_A_TIME", 2)
    known, tokenised = Kept(), []
    lessons = Lessons(lambda: None)
    lessons.begin(lambda text: tokenised.append(text) or tokenize(text), known)
    lessons.give(KnownText("", "a", "".join(f"line {n}\n" for n in range(9))))
    assert learn_all(lessons) == 5
    assert len(tokenised) == 9
    lessons.give(KnownText("", "a", "new\n" + "".join(f"line {n}\n" for n in range(9))))
    learn_all(lessons)
    assert tokenised[9:] == ["new\n"]


@given(st.integers(0, 2500), st.integers(0, 3))
def test_a_long_line_is_learnt_in_pieces_none_of_which_is_long(n_characters, n_feeds):
    text = "x" * n_characters + "\n" * n_feeds + "y"
    known, tokenised = Kept(), []
    lessons = Lessons(lambda: None)
    lessons.begin(lambda piece: tokenised.append(piece) or tokenize(piece), known)
    lessons.give(KnownText("", "a", text))
    learn_all(lessons)
    assert bytes(known.texts["a"].tokens.tolist()).decode() == text
    assert max(map(len, tokenised)) <= 1000 + n_feeds


def test_of_a_text_the_newest_is_learnt_and_the_worker_is_woken():
    known = Kept()
    lessons, woken = begun(known)
    lessons.give(KnownText("", "a", "old"))
    lessons.give(KnownText("", "a", "new"))
    learn_all(lessons)
    assert bytes(known.texts["a"].tokens.tolist()) == b"new"
    assert len(woken) == 2


@pytest.mark.parametrize("n_steps", [0, 1, 2, 3])
def test_what_is_forgotten_is_gone_however_far_it_was_learnt(n_steps):
    known = Ngrams()
    lessons, _ = begun(known)
    lessons.give(KnownText("", "a", "abc"))
    for _ in range(n_steps):
        lessons.step()
    lessons.give(KnownText("", "a", None))
    lessons.forget()
    learn_all(lessons)
    assert known.matcher("", Hole("", 0, 0), []).guess(tokenize("ab")) is None


@pytest.mark.parametrize("n_steps", [0, 1, 2, 3])
def test_of_a_text_that_turns_out_to_be_its_own_nothing_is_said_elsewhere_however_far_it_was_learnt(n_steps):
    known = Ngrams()
    lessons, _ = begun(known)
    lessons.give(KnownText("", "a", "abc\nx"))
    for _ in range(n_steps):
        lessons.step()
    lessons.give(KnownText("", "a", "abc\nx", own_only=True))
    lessons.forget()
    assert known.matcher("", Hole("", 0, 0), []).guess(tokenize("ab")) is None
    learn_all(lessons)
    assert known.matcher("", Hole("", 0, 0), []).guess(tokenize("ab")) is None
    assert known.matcher("", Hole("a", 1, 1), []).guess(tokenize("ab")) is not None


def test_a_text_that_was_its_own_for_a_while_counts_everywhere_afterwards():
    known = Ngrams()
    lessons, _ = begun(known)
    for own_only in (True, False):
        lessons.give(KnownText("", "a", "abc", own_only))
    lessons.forget()
    learn_all(lessons)
    assert known.matcher("", Hole("", 0, 0), []).guess(tokenize("ab")) is not None


def test_a_text_that_is_opened_again_is_learnt_again():
    known = Ngrams()
    lessons, _ = begun(known)
    for text in ("abc", None, "abd"):
        lessons.give(KnownText("", "a", text))
    lessons.forget()
    learn_all(lessons)
    assert known.matcher("", Hole("", 0, 0), []).guess(tokenize("ab")).tokens.tolist() == [ord("d")]


def test_without_a_place_for_it_nothing_is_learnt():
    lessons, _ = begun(None)
    lessons.give(KnownText("", "a", "abc"))
    lessons.give(KnownText("", "a", None))
    lessons.forget()
    lessons.step()
    assert not lessons.is_ready


@pytest.fixture
def served():
    return Served(ngrams=Ngrams())


def ask(served, prompt, hole):
    request = GenerateRequest(str(len(served.requests)), (TextSegment(prompt),), 4, hole=hole)
    served.requests[request.request_id] = request
    served.inbox.put(request)
    served.serve()
    return served.text(request.request_id)


def test_a_request_says_what_stands_in_a_text_where_the_model_would_say_something_else(served):
    without = ask(served, "only here:", None)
    served.learn("a", "only here: this\n")
    assert ask(served, "only here:", Hole("b", 0, 0)) == " thi" != without
    assert ask(served, "only here:", None) == without
    # In its own place it is what the user is about to replace.
    assert ask(served, "only here:", Hole("a", 0, 0)) == without


def test_a_request_that_comes_behind_the_closing_of_a_text_draws_nothing_from_it(served):
    served.learn("a", "only here: this\n")
    served.worker._lessons.give(KnownText("", "a", None))
    assert ask(served, "only here:", Hole("b", 0, 0)) == ask(served, "only here:", None)


@pytest.mark.parametrize("n_steps", [0, 1, 2])
def test_a_request_in_a_text_that_was_given_just_now_knows_it(served, monkeypatch, n_steps):
    monkeypatch.setattr(lessons_module, "_BLOCKS_AT_A_TIME", 1)
    lessons = served.worker._lessons
    lessons.give(KnownText("", "another", "one\ntwo\nthree\n"))
    lessons.give(KnownText("", "a", "one\ntwo\nonly here: this\n"))
    for _ in range(n_steps):
        served.worker.turn()
    assert ask(served, "only here:", Hole("a", 0, 1)) == " thi"


def test_a_request_in_a_long_text_does_not_wait_for_it(served, monkeypatch):
    monkeypatch.setattr(lessons_module, "_MOST_AT_ONCE", 10)
    served.worker._lessons.give(KnownText("", "a", "one\ntwo\nonly here: this\n"))
    assert ask(served, "only here:", Hole("a", 0, 1)) == ask(served, "only here:", None)


def test_texts_wait_while_somebody_waits(served):
    lessons = served.worker._lessons
    served.submit("ab", 3)
    lessons.give(KnownText("", "a", "text\n"))
    served.worker.turn()
    assert served.worker._active
    assert not lessons._begun
    served.serve()
    while lessons.is_ready:
        served.worker.turn()
    assert served.worker._loaded.ngrams._texts


@pytest.mark.parametrize("speculation", [None, Eager()])
def test_drafts_from_known_texts_change_no_answer(speculation):
    served = Served(ngrams=Ngrams(), speculation=speculation)
    served.learn("a", "only here: this and that\nand not there\n")
    request = GenerateRequest("r", (TextSegment("and only here:"),), 12, hole=Hole("b", 0, 0))
    served.requests["r"] = request
    served.inbox.put(request)
    served.serve()
    assert served.text("r").startswith(" this and th")
    assert (served.end("r").usage.tokens_accepted > 0) == (speculation is not None)

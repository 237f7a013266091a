"""Other continuations of one prompt: each begins with another token, and costs little beside the first."""

from __future__ import annotations

import pytest
from fake_kv import next_token
from served_worker import END, PIECES, Served, cold_run

from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.types import FinishReason, GenerateRequest, Token


class Ranked(Served):
    """Asks for other continuations, too."""

    def put(self, prompt, rank, *, heal=False, max_tokens=3):
        request = GenerateRequest(f"rank {rank}", (TextSegment(prompt),), max_tokens, rank=rank, heal=heal)
        self.inbox.put(request)
        return request.request_id

    def tokens(self, request_id):
        return [event for event in self.events if isinstance(event, Token) and event.request_id == request_id]


@pytest.mark.parametrize("memory", ["attention", "recurrent", "windowed"])
def test_another_continuation_of_the_same_prompt_begins_with_another_token_and_goes_on_greedily(memory):
    served = Ranked(memory=memory)
    plain = served.submit("abab", 3)
    served.serve()
    others = []
    for rank in (1, 2):
        request_id = served.put("abab", rank)
        served.serve()
        others.append(served.text(request_id))
        if memory == "attention":
            assert served.end(request_id).usage.tokens_evaluated == 1
    first = served.text(plain)[0]
    assert len({first, *(text[0] for text in others)}) == 3
    assert others[0][1:] == cold_run("abab" + others[0][0], 2)[0]


def test_those_that_are_asked_for_beside_the_first_are_decoded_with_it_in_one_batch():
    served = Ranked()
    plain = served.submit("abababab", 6)
    served.worker.turn()
    others = [served.put("abababab", rank, max_tokens=6) for rank in (1, 2)]
    served.serve()
    assert served.text(plain) == cold_run("abababab", 6)[0]
    for request_id in others:
        assert served.end(request_id).usage.tokens_evaluated == 1
        token = served.tokens(request_id)[0].text
        assert served.text(request_id) == token + cold_run("abababab" + token, 5)[0]
    assert max(len(parts) for parts in served.kv.log) == 3


def test_the_sequence_that_holds_the_prompt_stays_as_it_is_and_the_others_go_first_when_room_is_needed():
    served = Ranked()
    elsewhere = served.submit("bbbbbb", 2)
    served.serve()
    plain = served.submit("abab", 3)
    served.serve()
    tree = served.sequences.tree
    held = [tree.tokens(seq) for seq in tree.sequences]
    for rank in (1, 2):
        served.put("abab", rank)
    served.serve()
    assert [tree.tokens(seq) for seq in tree.sequences][2:] == held
    assert {served.end(each).reason for each in (elsewhere, plain)} == {FinishReason.LENGTH}
    served.sequences.evict()
    served.sequences.evict()
    assert [tree.tokens(seq) for seq in tree.sequences] == held


def test_a_token_that_ends_the_text_is_no_beginning_of_another_continuation():
    def says(tokens, among=None):
        """Behind "c" the second most probable token ends the text."""
        if tokens[-1] != ord("c"):
            return next_token(tokens, among)
        return ord("q") if among is None else END if END in among else next_token(tokens, among)

    served = Ranked(says=says)
    plain = served.submit("abc", 3)
    served.serve()
    assert served.text(plain)[0] == "q"
    others = [served.put("abc", rank) for rank in (1, 2)]
    served.serve()
    assert all(served.text(request_id) for request_id in others)
    assert len({served.text(request_id)[0] for request_id in (plain, *others)}) == 3


def test_of_a_word_that_is_begun_all_continuations_agree_with_it_and_their_first_tokens_count():
    served = Ranked()
    prompt = "xabab"
    plain = served.submit(prompt, 3, heal=True)
    served.serve()
    texts = {served.text(plain)}
    for rank in (1, 2):
        request_id = served.put(prompt, rank, heal=True)
        served.serve()
        texts.add(served.text(request_id))
        first = served.tokens(request_id)[0]
        taken = b"abab"[-(len(prompt) - served.end(request_id).usage.prompt_tokens) :]
        piece = PIECES[first.token_id]
        assert piece.startswith(taken) or taken.startswith(piece)
        assert first.text == piece[len(taken) :].decode()
    assert len(texts) > 1

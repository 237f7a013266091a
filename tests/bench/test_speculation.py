"""What speculation gains is measured on the same suggestions."""

from __future__ import annotations

import asyncio

import pytest

from pylot_ls.bench.speculation import SpeculationRow, bench_speculation
from pylot_ls.errors import ClientError
from pylot_ls.lsp.client import Answer
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text


def answer(text="x", n_decoded=5, first_ms=10.0, total_ms=50.0, n_evaluated=4, n_reused=200):
    return Answer(text, 60.0, n_evaluated, n_reused, n_decoded, first_ms, total_ms)


def test_the_time_after_the_first_token_is_compared():
    row = SpeculationRow().plus(answer(total_ms=40.0), answer(total_ms=70.0))
    assert (row.suggestions, row.n_tokens, row.with_ms, row.without_ms, row.speed) == (1, 4, 30.0, 60.0, 2.0)


def test_other_texts_are_counted_and_not_compared():
    row = SpeculationRow().plus(answer("x"), answer("y"))
    assert (row.different, row.suggestions, row.speed) == (1, 0, None)


@pytest.mark.parametrize("plain", [answer(n_decoded=1), answer(n_decoded=0), answer(n_reused=201)])
def test_a_single_token_and_another_prompt_say_nothing(plain):
    assert SpeculationRow().plus(answer("z"), plain) == SpeculationRow()


def test_other_numbers_of_reused_tokens_of_one_prompt_are_the_same_prompt():
    assert SpeculationRow().plus(answer(n_evaluated=100, n_reused=104), answer()).suggestions == 1


def test_a_file_that_is_too_short_is_an_error(bundled_run):
    document = Document("file:///a.py", "python", 1, Text.from_str("x = 1\n" * 9))
    with pytest.raises(ClientError, match="too short to type blocks"):
        asyncio.run(bench_speculation(bundled_run, document, 10, repetitive=True))

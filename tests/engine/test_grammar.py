"""What is decoded by a grammar has its form, whatever the model would rather say; a wrong grammar is an error."""

from __future__ import annotations

import gc
import json
import re
from dataclasses import replace

import pytest

from pylot_ls.engine.gbnf import MOST_BRACKETS, MOST_CHARACTERS, MOST_REPEATED, check_grammar
from pylot_ls.engine.grammar_sampler import GrammarSampler
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.types import Failed, FinishReason
from pylot_ls.errors import RequestError
from pylot_ls.prompts import grammars

PROMPTS = (
    "def add(a, b):\n    return a + b\n",
    'The answer is: {"name": ',
    "// 你好, мир\n<|fim_prefix|>",
    "",
)
WRONG = {
    "no grammar": "this is none",
    "no rule root": 'start ::= "a"',
    "an undefined rule": "root ::= missing",
    "a rule that begins with itself": 'root ::= root "a" | "b"',
    "rules that begin with each other": 'root ::= other "a"\nother ::= root | "b"',
    "a rule that begins with itself behind what may be nothing": 'root ::= "x"? root "a" | "b"',
    "a rule that begins with itself behind another that may be nothing": (
        'root ::= n root "b" | "a"\nn ::= m\nm ::= "x" | ""'
    ),
    "a rule that begins with itself behind a group that may be nothing": 'root ::= ((|)?){2,} (root)+ | "a"',
    "a rule that begins with itself behind what is there no time": 'root ::= "x"{0} root "a" | "b"',
    "nothing repeated": 'root ::= (""*)* "a"',
    "a bracket that is not closed": 'root ::= ("a"',
    "a text that is not closed": 'root ::= "a',
    "a class that is not closed": "root ::= [a",
    "a backslash at the end": 'root ::= "\\',
    "a number that is none": 'root ::= "a"{x}',
    "a repetition the wrong way round": 'root ::= "a"{3,2}',
    "a null character": 'root ::= "a\0"',
    "half a character": 'root ::= "\ud800"',
    "too many brackets": "root ::= " + "(" * 100_000 + '"a"' + ")" * 100_000,
    "too deep brackets": "root ::= " + "(" * (MOST_BRACKETS + 1) + '"a"' + ")" * (MOST_BRACKETS + 1),
    "too many repetitions": f'root ::= "a"{{{MOST_REPEATED + 1}}}',
    "a number of a thousand digits": f'root ::= "a"{{{"9" * 1000}}}',
    "repetitions of repetitions": 'root ::= ((("a"{1,900}){1,900}){1,900}){1,900}',
    "white space": " \n",
}


def prompt(text):
    return (TextSegment(text or "\n"),)


def said(answer):
    assert not isinstance(answer.end, Failed), answer.end.message
    return answer.text, answer.end.reason


@pytest.mark.parametrize("text", PROMPTS)
def test_a_json_object_with_a_name_always_comes_as_one(bundled, text):
    answer, reason = said(bundled.ask(prompt(text), 100, grammar=grammars.json_name("name")))
    assert reason is FinishReason.END
    assert re.fullmatch(r'\{"name": "[A-Za-z_][A-Za-z0-9_]*"\}', answer)
    assert json.loads(answer)["name"].isidentifier()


@pytest.mark.parametrize("text", PROMPTS)
def test_one_of_some_texts_comes(bundled, text):
    choices = ("yes", "no", 'a "quoted" \\ one', "нет\n", "はい")
    answer, reason = said(bundled.ask(prompt(text), 40, grammar=grammars.one_of(choices)))
    assert (answer in choices, reason) == (True, FinishReason.END)


def test_code_comes_in_a_fence(bundled):
    answer, reason = said(bundled.ask(prompt("def add(a, b):\n"), 300, grammar=grammars.code_block("python")))
    assert answer.startswith("```python\n")
    if reason is FinishReason.END:
        assert answer.endswith("\n```")
    assert "\n```" not in answer.removesuffix("\n```")


def test_names_come_each_on_a_line(bundled):
    answer, reason = said(bundled.ask(prompt("def add(a, b):\n"), 300, grammar=grammars.names(3)))
    assert reason is FinishReason.END
    assert 1 <= len(answer.split("\n")) <= 3
    assert all(name.isidentifier() for name in answer.split("\n"))


def test_a_text_in_json_comes_as_one(bundled):
    answer, reason = said(bundled.ask(prompt('{"text": "a\\n'), 300, grammar=grammars.json_text('te"xt', 20)))
    assert reason is FinishReason.END
    assert 1 <= len(json.loads(answer)['te"xt']) <= 20


def test_what_the_grammar_allows_is_what_the_model_says_by_itself(bundled):
    text = "def add(a, b):\n    return a +"
    free = bundled.ask(prompt(text), 8)
    bound = bundled.ask(prompt(text), 8, grammar="root ::= .*")
    assert [token.token_id for token in bound.tokens] == [token.token_id for token in free.tokens]
    assert [token.logprob for token in bound.tokens] == pytest.approx([t.logprob for t in free.tokens], abs=1e-4)


def test_a_stop_text_ends_it_and_no_token_is_decoded_where_none_is_asked_for(bundled):
    answer, reason = said(bundled.ask(prompt("x"), 20, ("c",), grammar='root ::= "abcd"'))
    assert (answer, reason) == ("ab", FinishReason.STOP)
    assert said(bundled.ask(prompt("x"), 0, grammar='root ::= "abcd"'))[1] is FinishReason.LENGTH


def test_characters_of_several_bytes_come_whole(bundled):
    answer, reason = said(bundled.ask(prompt("x"), 60, grammar="root ::= [ж-я]{3} [一-龥]{2} [😀-😂]"))
    assert reason is FinishReason.END
    assert re.fullmatch("[ж-я]{3}[一-龥]{2}[😀-😂]", answer)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_grammar_is_an_error_and_the_next_request_is_served(bundled, wrong):
    end = bundled.ask(prompt("x"), 8, grammar=wrong).end
    assert (type(end), end.kind) == (Failed, "RequestError")
    assert "grammar" in end.message
    assert said(bundled.ask(prompt("x"), 8, grammar='root ::= "ab"')) == ("ab", FinishReason.END)


def test_another_continuation_by_a_grammar_is_refused(bundled):
    end = bundled.ask(prompt("x"), 8, grammar='root ::= "a" | "b"', rank=1).end
    assert (type(end), end.kind) == (Failed, "RequestError")


def test_what_is_known_of_texts_and_of_drafts_is_not_looked_at(drive, bundled_config):
    driven = drive(LlamaBackend(replace(bundled_config, speculation=True, ngrams="on")))
    driven.state()
    answer = driven.ask(prompt("abab" * 20), 60, grammar='root ::= "ab"{12}')
    assert said(answer) == ("ab" * 12, FinishReason.END)
    assert answer.end.usage.tokens_drafted == 0


def test_grammars_are_freed_however_their_requests_end(bundled):
    bundled.ask(prompt("x"), 8, grammar='root ::= "ab"')
    bundled.ask(prompt("x"), 1, grammar='root ::= "abcdefghijkl"')
    bundled.ask(prompt("x" * 4000), 8, grammar='root ::= "ab"')
    request_id = bundled.submit(prompt("x"), 300, grammar="root ::= [a-z]*")
    bundled.backend.cancel(request_id)
    bundled.answer(request_id)
    gc.collect()
    left = [each for each in gc.get_objects() if type(each) is GrammarSampler and each._sampler]
    assert not left


@pytest.mark.parametrize(
    "grammar",
    [
        'root ::= "((((" [((((({{{] # {9999999}\n',
        "root ::= " + "(" * 60 + '"a"' + ")" * 60,
        f'root ::= "a"{{{MOST_REPEATED}}} # {"(" * 100}',
        'root ::= "\\"((" ("b" | "c"){2,3}',
    ],
)
def test_brackets_in_texts_classes_and_comments_do_not_count(grammar):
    check_grammar(grammar)


@pytest.mark.parametrize(
    "grammar",
    [
        'root ::= "a" root | "b"',
        'root ::= "root" x\nx ::= [root] root? | y{1,3}\ny ::= "y" x',
        'root ::= x{1,2} "" root | "a"\nx ::= "b"+',
        "root ::= <root> root | .",
    ],
)
def test_a_rule_may_end_with_itself(grammar):
    check_grammar(grammar)


def test_a_grammar_that_is_too_long_is_refused():
    with pytest.raises(RequestError, match=str(MOST_CHARACTERS)):
        check_grammar('root ::= "' + "a" * MOST_CHARACTERS + '"')


@pytest.mark.parametrize(
    "grammar",
    [
        pytest.param("".join(f"r{n} ::= r{n + 1}\n" for n in range(2000)), id="a chain"),
        pytest.param(
            "".join(f"r{n} ::= r{n + 1}? r{n + 1}\n" for n in range(1200)), id="a chain of what may be nothing"
        ),
    ],
)
def test_long_chains_of_rules_are_looked_through_at_once(grammar):
    # Each round over all rules took one step along the chain: minutes.
    last = grammar.split()[-1]
    check_grammar(f'root ::= r0\n{grammar}{last} ::= "x"?\n')
    with pytest.raises(RequestError, match="may begin with itself"):
        check_grammar(f"root ::= r0\n{grammar}{last} ::= r0\n")

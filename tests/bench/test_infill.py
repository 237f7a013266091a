"""A request to llama-server is the one that llama.vim sends."""

from __future__ import annotations

import pytest

from pylot_ls.bench.infill import infill_request
from pylot_ls.text.rope import Text


def request_at(marked, n_predict=16):
    """The request with the cursor where ``|`` stands."""
    offset = marked.index("|")
    return infill_request(Text.from_str(marked.replace("|", "", 1)), offset, n_predict)


def test_all_fields_of_a_request():
    assert request_at("import os\n\ndef f(a):\n    return a|)\nprint()\n") == {
        "id_slot": 0,
        "input_prefix": "import os\n\ndef f(a):\n",
        "input_suffix": ")\nprint()\n\n",
        "input_extra": [],
        "prompt": "    return a",
        "n_predict": 16,
        "n_indent": 4,
        "top_k": 40,
        "top_p": 0.9,
        "samplers": ["top_k", "top_p", "infill"],
        "stream": False,
        "cache_prompt": True,
        "t_max_prompt_ms": 500,
        "t_max_predict_ms": 250,
    }


def test_a_line_of_white_space_is_asked_about_from_its_start():
    request = request_at("def f():\n    |  \npass")
    assert request["prompt"] == ""
    assert request["n_indent"] == 0
    assert request["input_suffix"] == "\npass\n"


def test_256_lines_go_before_the_cursors_line_and_64_after_it():
    lines = [f"line {number}" for number in range(600)]
    lines[300] = "x = |"
    request = request_at("\n".join(lines))
    assert request["input_prefix"].splitlines() == lines[44:300]
    assert request["input_suffix"].splitlines()[1:] == lines[301:365]


def test_line_terminators_are_line_feeds():
    request = request_at("a\r\nb|\r\nc\r\n")
    assert (request["input_prefix"], request["input_suffix"]) == ("a\n", "\nc\n\n")


@pytest.mark.parametrize(("rest", "is_asked"), [("12345678", True), ("123456789", False)])
def test_with_more_than_eight_characters_behind_the_cursor_nothing_is_asked(rest, is_asked):
    assert (request_at(f"f(|{rest}\n") is not None) == is_asked

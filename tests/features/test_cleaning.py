import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features.cleaning import clean

SPECIAL = [
    "<|endoftext|>",
    "<|fim_middle|>",
    "<|file_sep|>",
    "<|im_end|>",
    "<\uff5cfim▁hole\uff5c>",
    "<\uff5cend▁of▁sentence\uff5c>",
    "<fim_prefix>",
    "<fim_middle>",
    "<file_sep>",
    "<repo_name>",
    "<jupyter_code>",
    "<PRE>",
    "▁<EOT>",
    "<end_of_turn>",
    "<gh_stars>",
    "[INST]",
    "<<SYS>>",
]


@pytest.mark.parametrize("token", SPECIAL)
def test_a_special_tokens_text_ends_a_suggestion(token):
    assert clean(f"x = 1{token}y") == "x = 1"
    assert clean(f"x = 1\n{token}") == "x = 1\n"


@pytest.mark.parametrize("text", ["x <|endof", "x <|", "x <fim_mi", "x <\uff5cfim▁"])
def test_so_does_one_that_is_cut_short(text):
    assert clean(text) == "x "


@pytest.mark.parametrize(
    "text",
    [
        "a < b",
        "a |> b",
        "x <| f <| y",
        "List<Foo>",
        "<s>old</s>",
        "<a_b>",
        "usage: f <filename>",
        "a[INSTANCE]",
        "a <",
        "",
    ],
)
def test_code_stays(text):
    assert clean(text) == text


@pytest.mark.parametrize("character", ["\ufffd", "\0", "\x1b", "\x7f"])
def test_half_a_character_or_a_control_ends_a_suggestion(character):
    assert clean(f"x = 'é{character}'") == "x = 'é"


@pytest.mark.parametrize("text", ["x\ty\nz", "é ж 😀", "👩\u200d💻 e\u0301"])
def test_text_stays(text):
    assert clean(text) == text


@given(st.text())
def test_what_is_left_is_a_beginning_with_no_such_thing_in_it(text):
    cleaned = clean(text)
    assert text.startswith(cleaned)
    assert clean(cleaned) == cleaned

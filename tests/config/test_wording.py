import datetime as dt
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.config.fields import FIELDS
from pylot_ls.config.wording import MAX_SHOWN, accepted, shortened, shown, shown_key, shown_path
from pylot_ls.trace import on_one_line


@pytest.fixture
def home(monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ann"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (64.5, "64.5"),
        (math.nan, "nan"),
        ("a\tb\n", '"a b"'),
        ('say "x"', '"say \\"x\\""'),
        ("\x1b[31m\u202e", '"[31m"'),
        ({}, "{}"),
        ({"secret": 1}, "{…}"),
        ([], "[]"),
        ([1, None, "x", [2], {}], '[1, null, "x", […], {}]'),
        (tuple(range(9)), "[0, 1, 2, 3, 4, …]"),
        (dt.date(1979, 5, 27), "1979-05-27"),
        pytest.param(10**5000, "a number of thousands of digits", id="huge"),
    ],
)
def test_a_value_is_shown_as_json_on_one_line(value, text):
    assert shown(value) == text


@given(st.text(st.characters()), st.integers(1, 80))
def test_shortened_text_is_one_safe_line_and_within_its_limit(text, limit):
    short = shortened(text, limit)
    assert len(short) <= limit
    assert short == on_one_line(short)


def test_long_text_ends_in_an_ellipsis():
    assert shown_key("k" * 1000) == "k" * (MAX_SHOWN - 1) + "…"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/home/ann", "~"),
        ("/home/ann/x/y.toml", "~/x/y.toml"),
        ("/home/annabel/x", "/home/annabel/x"),
        ("/home/ann.bak/x", "/home/ann.bak/x"),
        ("/mnt/home/ann/x", "/mnt/home/ann/x"),
    ],
)
def test_only_the_users_own_home_is_shown_as_a_tilde(home, path, text):
    assert shown_path(Path(path)) == text.replace("/", Path("/").root)


def test_the_home_is_hidden_inside_a_longer_text_too(home):
    assert shown("file:///home/ann/m.gguf and /home/ann") == '"file://~/m.gguf and ~"'


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("model.path", "a path"),
        ("completion.enabled", "true or false"),
        ("completion.max_tokens", "a whole number from 1 to 512"),
        ("prompt.prefix_share", "a number from 0.1 to 0.9"),
        ("prompt.order", '"auto", "psm" or "spm"'),
        ("completion.languages_off", "a list of strings of 1 to 100 characters"),
        ("completion.files_off", "a list of at most 50 patterns as in a .gitignore of 1 to 200 characters"),
    ],
)
def test_what_is_accepted_is_said_in_words(key, words):
    assert accepted(FIELDS[key].schema) == words

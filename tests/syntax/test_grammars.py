import sys

import pytest

from pylot_ls.syntax import grammars
from pylot_ls.syntax.grammars import LANGUAGE_IDS, grammar


@pytest.fixture(autouse=True)
def nothing_is_loaded():
    grammar.cache_clear()
    yield
    grammar.cache_clear()


@pytest.mark.parametrize("language_id", sorted(LANGUAGE_IDS))
def test_each_language_has_a_grammar(language_id):
    assert grammar(language_id) is not None


@pytest.mark.parametrize("language_id", ["", "plaintext", "markdown", "Python"])
def test_another_language_has_none(language_id):
    assert grammar(language_id) is None


def test_a_grammar_that_is_not_installed_is_none_and_no_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "tree_sitter_go", None)
    assert grammar("go") is None
    assert grammar("python") is not None


@pytest.mark.parametrize("place", [("json", "language"), ("json", "dumps"), ("time", "time")])
def test_what_is_no_grammar_is_none_and_no_error(monkeypatch, place):
    monkeypatch.setitem(grammars._GRAMMARS, "go", place)
    assert grammar("go") is None

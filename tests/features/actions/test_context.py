"""What is looked at around a place: a window with places of its own, that begins where nothing is open."""

from __future__ import annotations

import argparse
import typing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features.actions.context import Context
from pylot_ls.features.view import View
from pylot_ls.syntax.definitions import DefinitionKind, definitions
from pylot_ls.syntax.grammars import grammar
from pylot_ls.syntax.parsing import parse_whole
from pylot_ls.text.document import Document
from pylot_ls.text.files import document_from_file
from pylot_ls.text.rope import Text

TEXTS = st.lists(st.sampled_from(["a", "🙂", "\n", "\r\n", "\r"]), max_size=20).map("".join)


@given(TEXTS)
def test_places_of_a_view_are_those_of_its_text(text):
    view = View(Text.from_str(text), 0, len(text))
    places = [view.to_text(offset) for offset in range(len(view.text) + 1)]
    assert places == sorted(set(places))
    assert [view.from_text(place) for place in places] == list(range(len(view.text) + 1))
    for offset, character in enumerate(view.text):
        assert text[places[offset]] == character or (character == "\n" and text[places[offset]] == "\r")


@pytest.mark.parametrize("module", [argparse, typing])
def test_nearly_each_function_of_a_long_file_is_found_from_its_name(module):
    document = document_from_file(Path(module.__file__))
    text, language = str(document.text), grammar("python")
    functions = [
        each for each in definitions(parse_whole(language, text.encode())) if each.kind is DefinitionKind.FUNCTION
    ]
    missed = []
    for each in functions:
        context = Context(document, each.named.start, each.named.start)
        found = context.definition
        if found is None or context.view.to_text(found.whole.start) != each.whole.start:
            missed.append(each.name)
    # One that is longer than what is looked at is offered nothing.
    assert len(missed) <= len(functions) / 100


SHORT = "def short():\n    return 1\n\n\n"
# Longer than what is looked at first, on either side.
DOCUMENTED = '    """Say much:\n' + "        more of it\n" * 150 + '    """\n'
LONG = "def long():\n" + DOCUMENTED + "    x = 1\n" * 100 + "    return x\n\n\n"


@pytest.mark.parametrize("words", ["def long", "more of it\n", 'of it\n    """\n', "    return x\n"])
def test_a_long_function_is_found_from_each_of_its_lines(words):
    text = SHORT * 300 + LONG + SHORT * 300
    offset = text.index(words) + len(words) - 1
    context = Context(Document("file:///a.py", "python", 1, Text.from_str(text)), offset, offset)
    assert context.shown(context.definition.whole) == LONG.rstrip()


def test_of_a_short_function_less_is_parsed_than_of_a_long_one():
    text = SHORT * 300 + LONG + SHORT * 300
    document = Document("file:///a.py", "python", 1, Text.from_str(text))
    near, far = text.index("def short"), text.index("def long")
    assert len(Context(document, near, near).view.text) < len(Context(document, far, far).view.text) / 2


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["short", "long"])
async def test_what_was_parsed_for_one_list_is_at_hand_for_the_next(name, monkeypatch):
    text = SHORT * 300 + LONG + SHORT * 300
    offset = text.index(f"def {name}")
    context = Context(Document("file:///a.py", "python", 1, Text.from_str(text)), offset, offset)
    first = await context.parsed()
    monkeypatch.setattr("pylot_ls.syntax.scope.parse", None)
    second = await Context(context.document, offset + 1, offset + 1).parsed()
    assert second.definition == first.definition


def test_a_definition_that_is_not_all_in_view_is_none():
    text = "def f():\n" + "    x = 1\n" * 5000
    context = Context(Document("file:///a.py", "python", 1, Text.from_str(text)), 4, 4)
    assert context.definition is None
    assert context.region is None


@pytest.mark.parametrize("column", [0, 2, 4, 8, 20])
def test_any_place_in_a_line_is_a_place_in_what_stands_there(column):
    text = "class A:\n    def f(self): pass\n    y = 1\n"
    offset = len("class A:\n") + column
    context = Context(Document("file:///a.py", "python", 1, Text.from_str(text)), offset, offset)
    assert context.definition.name == "f"

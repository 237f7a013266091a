"""Questions about a document: it stands first, whole or a window of it that moves rarely."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine.prompt_types import ChatSegment
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL
from pylot_ls.errors import ModelUnsupportedError
from pylot_ls.prompts.question import SYSTEM, About, question_prompt
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

LINES = "".join(f"value_{n} = {n}\r\n" for n in range(2_000))


def asked(text, start, question="What is it?", *, n_ctx=4096, max_tokens=200, name="a.py"):
    """The contents of the user's message, and the one of the system's."""
    about = About(Text.from_str(text), "python", name, start, start)
    (chat,) = question_prompt(about, question, replace(SCRIPTED_MODEL, n_ctx=n_ctx), max_tokens)
    assert isinstance(chat, ChatSegment)
    system, user = chat.messages
    assert (system.role, user.role) == ("system", "user")
    return [part.text for part in user.content], system.content[0].text


def test_a_document_that_fits_stands_whole_before_the_question():
    (title, document, end, question), system = asked("x = 1\r\ny = 2\r\n", 3)
    assert system == SYSTEM
    assert title + document + end + question == "a.py (python):\n```python\nx = 1\ny = 2\n\n```\n\nWhat is it?"


def test_a_document_without_a_name_is_called_by_its_language():
    (title, *_), _ = asked("x = 1\n", 0, name="")
    assert title.startswith("python:\n")


def test_questions_of_several_lengths_and_near_places_begin_alike():
    begun = {
        tuple(asked(LINES, start, question)[0][:2])
        for start in range(20_000, 20_500, 50)
        for question in ("Why?", "Why is that so, and what does it do?")
    }
    assert len(begun) <= 2


@given(st.integers(0, len(LINES)), st.integers(700, 8000))
def test_what_is_asked_about_is_in_the_window_and_the_window_within_its_limit(start, n_ctx):
    about = About(Text.from_str(LINES), "python", "a.py", start, start)
    (chat,) = question_prompt(about, "What is it?", replace(SCRIPTED_MODEL, n_ctx=n_ctx), 200)
    document = chat.messages[1].content[1]
    line = LINES.count("\n", 0, start)
    assert line == LINES.count("\n") or f"value_{line} = {line}\n" in "\n" + document.text
    assert document.max_tokens + 200 < n_ctx


def test_a_document_of_one_huge_line_is_cut_within_it():
    (_, document, *_), _ = asked("x" * 100_000 + "HERE" + "y" * 100_000, 100_000)
    assert "HERE" in document
    assert len(document) < 50_000


def test_a_context_without_room_is_an_error_that_says_so():
    with pytest.raises(ModelUnsupportedError, match="no room for this question"):
        asked("x = 1\n", 0, n_ctx=300)
    with pytest.raises(ModelUnsupportedError, match="no room for this question"):
        asked("x = 1\n", 0, "why " * 3_000)


def test_a_document_is_called_by_the_name_of_its_file_however_the_uri_spells_it():
    document = Document("file:///a%20b/%D1%84%20%D1%8B.py", "python", 1, Text.from_str("x = 1\n"))
    assert About.of(document, 0, 1) == About(document.text, "python", "ф ы.py", 0, 1)

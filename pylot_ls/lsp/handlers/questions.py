"""The commands ``pylot-ls.explain`` and ``pylot-ls.ask``: what a part of an open document does, and other questions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pylot_ls.config.wiring import completion_options
from pylot_ls.engine.manifest import Role
from pylot_ls.features.hover.explaining import chosen_engine, explain_definition
from pylot_ls.features.questions import Answer, answer, explanation_question, own_question
from pylot_ls.lsp.arguments import document_of, offsets_of, text_of
from pylot_ls.prompts.question import About

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from pylot_ls.lsp.answer_stream import AnswerStream
    from pylot_ls.lsp.server import PylotServer
    from pylot_ls.text.document import Document

EXPLAIN = "pylot-ls.explain"
ASK = "pylot-ls.ask"


def register(server: PylotServer) -> None:
    """Register the commands."""
    server.command(EXPLAIN)(_explain)
    server.command(ASK)(_ask)


async def _explain(ls: PylotServer, uri: Any, range_: Any, *, stream: AnswerStream) -> dict[str, Any]:
    """Explain a range, or the line of an empty one; with a model that only completes the definition around it."""
    session = ls.session
    document, start, end = _part(ls, uri, range_)
    keep = session.privacy.may_be_kept(uri)

    async def explained() -> Answer:
        engine, model = await chosen_engine(session.pool)
        if model.chats:
            about = _line_or_part(About.of(document, start, end))
            question = explanation_question(about)
            return await answer(about, question, engine, session.language, keep=keep, on_text=stream.tell)
        options = completion_options(session.settings).prompt
        found = await explain_definition(document, (start, end), engine, session.language, options, keep=keep)
        stream.tell(found.text)
        return Answer(found.text, is_complete=True)

    return await _told(ls, explained(), stream)


async def _ask(ls: PylotServer, uri: Any, range_: Any, question: Any, *, stream: AnswerStream) -> dict[str, Any]:
    """Answer a question about a range, or about the document where that is empty."""
    session = ls.session
    about = About.of(*_part(ls, uri, range_))
    asked = own_question(about, text_of(question, 2))
    keep = session.privacy.may_be_kept(uri)

    async def answered() -> Answer:
        engine = await session.pool.engine(Role.CHAT)
        return await answer(about, asked, engine, session.language, keep=keep, on_text=stream.tell)

    return await _told(ls, answered(), stream)


def _part(ls: PylotServer, uri: Any, range_: Any) -> tuple[Document, int, int]:
    """The document as models see it, a notebook's cell with those around it, and where the range is in it."""
    document = document_of(ls, uri, 0)
    start, end = offsets_of(ls, document, range_, 1)
    whole = ls.session.notebooks.whole(document)
    return replace(document, text=whole.document.text), start + whole.shift, end + whole.shift


def _line_or_part(about: About) -> About:
    """The part, or its line where it is empty."""
    if about.start != about.end:
        return about
    line = about.text.line_of(about.start)
    return replace(about, start=about.text.line_start(line), end=about.text.line_end(line))


async def _told(ls: PylotServer, answering: Awaitable[Answer], stream: AnswerStream) -> dict[str, Any]:
    """``{"text": the whole answer, "is_complete": whether it ended by itself, "language": its tag}``."""
    language = ls.session.language
    stream.begin(language.say("the model is answering"))
    try:
        found = await answering
    finally:
        stream.end()
    return {"text": found.text, "is_complete": found.is_complete, "language": language.tag}

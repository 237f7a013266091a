"""The commands ``pylot-ls.explain`` and ``pylot-ls.ask``: what a part of an open document does, and other questions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pylot_ls.engine.manifest import Role
from pylot_ls.features.questions import answer, explanation_question, own_question
from pylot_ls.lsp.arguments import document_of, offsets_of, text_of
from pylot_ls.prompts.question import About

if TYPE_CHECKING:
    from pylot_ls.lsp.answer_stream import AnswerStream
    from pylot_ls.lsp.server import PylotServer

EXPLAIN = "pylot-ls.explain"
ASK = "pylot-ls.ask"


def register(server: PylotServer) -> None:
    """Register the commands."""
    server.command(EXPLAIN)(_explain)
    server.command(ASK)(_ask)


async def _explain(ls: PylotServer, uri: Any, range_: Any, *, stream: AnswerStream) -> dict[str, Any]:
    """Explain a range, or the line of an empty one."""
    about = _about(ls, uri, range_)
    if about.start == about.end:
        line = about.text.line_of(about.start)
        about = replace(about, start=about.text.line_start(line), end=about.text.line_end(line))
    return await _answered(ls, uri, about, explanation_question(about), stream)


async def _ask(ls: PylotServer, uri: Any, range_: Any, question: Any, *, stream: AnswerStream) -> dict[str, Any]:
    """Answer a question about a range, or about the document where that is empty."""
    about = _about(ls, uri, range_)
    return await _answered(ls, uri, about, own_question(about, text_of(question, 2)), stream)


def _about(ls: PylotServer, uri: Any, range_: Any) -> About:
    document = document_of(ls, uri, 0)
    start, end = offsets_of(ls, document, range_, 1)
    whole = ls.session.notebooks.whole(document)
    return About.of(replace(document, text=whole.document.text), start + whole.shift, end + whole.shift)


async def _answered(ls: PylotServer, uri: str, about: About, question: str, stream: AnswerStream) -> dict[str, Any]:
    """``{"text": the whole answer, "is_complete": whether it ended by itself, "language": its tag}``."""
    session = ls.session
    language = session.language
    stream.begin(language.say("the model is answering"))
    try:
        engine = await session.pool.engine(Role.CHAT)
        found = await answer(
            about,
            question,
            engine,
            language,
            keep=session.privacy.may_be_kept(uri),
            on_text=stream.tell,
        )
    finally:
        stream.end()
    return {"text": found.text, "is_complete": found.is_complete, "language": language.tag}

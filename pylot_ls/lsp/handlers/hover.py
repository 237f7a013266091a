"""``textDocument/hover``, of a selection, too, where a client sends a range: rust-analyzer's ``hoverRange``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from pylot_ls.config.wiring import hover_options
from pylot_ls.features.hover.rendering import as_markdown, as_plain_text
from pylot_ls.lsp.documents import position_of
from pylot_ls.text.position import offset_at, position_at

if TYPE_CHECKING:
    from pylot_ls.features.hover.hovers import Hover
    from pylot_ls.lsp.params import RangeHoverParams
    from pylot_ls.lsp.server import PylotServer
    from pylot_ls.text.document import Document


def register(server: PylotServer) -> None:
    """Register the handler, statically."""
    server.feature(types.TEXT_DOCUMENT_HOVER)(_hover)


async def _hover(ls: PylotServer, params: types.HoverParams | RangeHoverParams) -> types.Hover | None:
    session, uri = ls.session, params.text_document.uri
    document = session.documents.get(uri)
    if document is None or not session.settings.hover.enabled:
        return None
    asked = params.position
    places = (asked.start, asked.end) if isinstance(asked, types.Range) else (asked, asked)
    encoding = session.documents.encoding
    start, end = sorted(offset_at(document.text, position_of(place), encoding) for place in places)
    whole = session.notebooks.whole(document)
    options = hover_options(session.settings, session.language)
    found = await session.hovers.hover(
        whole.document,
        (start + whole.shift, end + whole.shift),
        options,
        kept=session.privacy.may_be_kept(uri),
    )
    if found is None or session.documents.get(uri) is None:  # it was closed meanwhile
        return None
    return types.Hover(_contents(ls, found, document), _range(ls, found, document, whole.shift))


def _contents(ls: PylotServer, found: Hover, document: Document) -> types.MarkupContent:
    language = ls.session.language
    if ls.session.abilities.hover_markdown:
        text = as_markdown(found, document.language_id, language)
        return types.MarkupContent(types.MarkupKind.Markdown, text)
    return types.MarkupContent(types.MarkupKind.PlainText, as_plain_text(found, language))


def _range(ls: PylotServer, found: Hover, document: Document, shift: int) -> types.Range:
    """Of what is explained, in the document as it was when the client asked."""
    places = (found.subject.start - shift, found.subject.end - shift)
    start, end = (position_at(document.text, place, ls.session.documents.encoding) for place in places)
    return types.Range(types.Position(start.line, start.character), types.Position(end.line, end.character))

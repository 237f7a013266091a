"""What both completion methods share: from a position to a suggestion."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from pylot_ls.lsp.documents import position_of
from pylot_ls.text.position import offset_at

if TYPE_CHECKING:
    from lsprotocol import types

    from pylot_ls.features.completion import Suggestion
    from pylot_ls.lsp.server import PylotServer
    from pylot_ls.text.document import Document

STATS_METHOD = "pylot/completion"


async def suggestion_at(
    ls: PylotServer,
    uri: str,
    position: types.Position,
    *,
    invoked: bool,
    by_hand: bool = False,
) -> tuple[Document, Suggestion] | None:
    """The suggestion at a position and the document it is for.

    ``invoked``: the user may have asked for it. ``by_hand``: the user certainly has.
    The snapshot is taken before the first await: edits that come in later belong to later requests.
    """
    document = ls.session.documents.get(uri)
    if document is None:
        return None
    offset = offset_at(document.text, position_of(position), ls.session.documents.encoding)
    whole = ls.session.notebooks.whole(document)
    completion = await ls.session.answer(whole.document, offset + whole.shift, invoked=invoked, by_hand=by_hand)
    if completion is None:
        return None
    if ls.session.abilities.stats:
        stats = {"uri": uri, "version": document.version, "usage": asdict(completion.usage)}
        stats["background_tokens"] = ls.session.engine.background_tokens
        stats["is_live"] = completion.is_live
        stats["confidence"] = completion.suggestion.confidence if completion.suggestion else None
        ls.protocol.notify(STATS_METHOD, stats)
    if completion.suggestion is None:
        return None
    suggestion = replace(completion.suggestion, offset=completion.suggestion.offset - whole.shift)
    ls.session.feedback.shown(document, [suggestion])
    return document, suggestion

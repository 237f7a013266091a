"""What both completion methods share: from a position to suggestions."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from pylot_ls.lsp.documents import position_of
from pylot_ls.lsp.selected import Selected
from pylot_ls.text.position import offset_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lsprotocol import types

    from pylot_ls.features.completion import Completion, Suggestion
    from pylot_ls.lsp.server import PylotServer
    from pylot_ls.text.document import Document

STATS_METHOD = "pylot/completion"


@dataclass(frozen=True, slots=True)
class Suggested:
    """What is suggested at a position, the best first, or that nothing is.

    Attributes:
        document: the one they are for.
    """

    document: Document
    suggestions: Sequence[Suggestion]


async def suggestions_at(
    ls: PylotServer,
    uri: str,
    position: types.Position,
    *,
    invoked: bool,
    by_hand: bool = False,
    selected: types.SelectedCompletionInfo | None = None,
) -> Suggested | None:
    """The suggestions at a position, or behind the entry of the editor's list that is selected there.

    None where that was not found out, as when a newer request came in. ``invoked``: the user may have asked for it.
    ``by_hand``: the user certainly has. With ``selected`` they are what goes on behind its text, as if it stood in the
    document already; there are none where it cannot stand there.
    The snapshot is taken before the first await: edits that come in later belong to later requests.
    """
    session = ls.session
    document = session.documents.get(uri)
    if document is None:
        return None
    offset = offset_at(document.text, position_of(position), session.documents.encoding)
    whole = session.notebooks.whole(document)
    entry, asked, cursor = None, whole.document, offset + whole.shift
    if selected is not None:
        entry = Selected.at(document.text, offset, selected, session.documents.encoding)
        if entry is None:
            return Suggested(document, [])
        text, cursor = entry.accepted_in(whole.document.text, whole.shift)
        asked = replace(whole.document, text=text)
    completion = await session.answer(asked, cursor, invoked=invoked, by_hand=by_hand, entry=entry)
    if completion is None:
        return None
    _tell_costs(ls, document, completion)
    suggestions = [replace(each, offset=each.offset - whole.shift) for each in completion.suggestions]
    session.feedback.shown(document, suggestions if entry is None else list(map(entry.with_entry, suggestions)))
    return Suggested(document, suggestions)


def _tell_costs(ls: PylotServer, document: Document, completion: Completion) -> None:
    if not ls.session.abilities.stats:
        return
    stats = {"uri": document.uri, "version": document.version, "usage": asdict(completion.usage)}
    stats["background_tokens"] = ls.session.engine.background_tokens
    stats["is_live"] = completion.is_live
    stats["confidence"] = completion.suggestion.confidence if completion.suggestion else None
    ls.protocol.notify(STATS_METHOD, stats)

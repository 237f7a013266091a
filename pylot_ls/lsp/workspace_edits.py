"""What an action comes to as LSP's edits, as a client can take them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from pylot_ls.features.actions.action import Edited, NewFile
from pylot_ls.text.position import position_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.features.actions.action import Outcome
    from pylot_ls.lsp.capabilities import ActionAbilities
    from pylot_ls.text.document import Document
    from pylot_ls.text.position import PositionEncoding
    from pylot_ls.text.rope import Text

_ANNOTATION = "pylot-ls"


def workspace_edit(
    document: Document, outcome: Outcome, title: str, abilities: ActionAbilities, encoding: PositionEncoding
) -> types.WorkspaceEdit | None:
    """The edit; None where there is none to make, or the client cannot make it.

    Args:
        document: as it is now.
        outcome: its replacements are for that.
        title: what the user is asked to confirm.
        abilities: the client's.
        encoding: of positions.
    """
    is_annotated = abilities.annotations and abilities.versions
    annotations = {_ANNOTATION: types.ChangeAnnotation(title, needs_confirmation=True)} if is_annotated else None
    if isinstance(outcome, Edited):
        edits = [
            types.TextEdit(_range(document.text, each.start, each.end, encoding), each.text)
            for each in outcome.replacements
        ]
        if not abilities.versions:
            return types.WorkspaceEdit(changes={document.uri: edits})
        identifier = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
        return types.WorkspaceEdit(
            document_changes=[types.TextDocumentEdit(identifier, _annotated(edits, is_annotated=is_annotated))],
            change_annotations=annotations,
        )
    if isinstance(outcome, NewFile) and abilities.versions and abilities.creates:
        uri = f"{document.uri.rpartition('/')[0]}/{outcome.names[0]}"
        # Whatever may be there by then stays.
        options = types.CreateFileOptions(overwrite=False, ignore_if_exists=False)
        create = types.CreateFile(uri, options=options, annotation_id=_ANNOTATION if is_annotated else None)
        start = types.Position(0, 0)
        edits = [types.TextEdit(types.Range(start, start), outcome.text)]
        identifier = types.OptionalVersionedTextDocumentIdentifier(uri)
        return types.WorkspaceEdit(
            document_changes=[create, types.TextDocumentEdit(identifier, _annotated(edits, is_annotated=is_annotated))],
            change_annotations=annotations,
        )
    return None


def _annotated(
    edits: Sequence[types.TextEdit], *, is_annotated: bool
) -> list[types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit]:
    if not is_annotated:
        return list(edits)
    return [types.AnnotatedTextEdit(_ANNOTATION, each.range, each.new_text) for each in edits]


def _range(text: Text, start: int, end: int, encoding: PositionEncoding) -> types.Range:
    return types.Range(_position(text, start, encoding), _position(text, end, encoding))


def _position(text: Text, offset: int, encoding: PositionEncoding) -> types.Position:
    found = position_at(text, offset, encoding)
    return types.Position(found.line, found.character)

"""What a client gives back of an action that was offered, or somebody wrote by hand: validated, then a wish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylot_ls.features.actions.context import Diagnostic
from pylot_ls.features.actions.kinds import KINDS
from pylot_ls.lsp.actions import Wish
from pylot_ls.lsp.params import InvalidParamsError
from pylot_ls.text.position import Position, offset_at

if TYPE_CHECKING:
    from pylot_ls.lsp.session import Session
    from pylot_ls.text.document import Document


def data_of(wish: Wish, title: str) -> dict[str, Any]:
    """A wish as JSON; ``title`` is the action's."""
    data: dict[str, Any] = {
        "kind": wish.kind,
        "uri": wish.uri,
        "mark": wish.mark,
        "start": wish.start,
        "end": wish.end,
        "title": title,
    }
    if wish.diagnostic is not None:
        said = wish.diagnostic
        data["diagnostic"] = {
            "message": said.message,
            "start": said.start,
            "end": said.end,
            "severity": said.severity,
            "code": said.code,
            "source": said.source,
        }
    return data


def wish_of(session: Session, data: Any, where: str) -> tuple[Wish, str]:
    """A wish and its title from JSON.

    Besides what ``data_of`` makes, a keymap may say ``kind``, ``uri`` and ``range``, as LSP has ranges: the document
    counts as it is now.

    Args:
        session: whose documents these are.
        data: what came.
        where: what it is called in an error.

    Raises:
        InvalidParamsError: it is none.
    """
    if not isinstance(data, dict):
        raise InvalidParamsError(f"{where}: is not valid, expected an object")
    kind, uri = _text(data, "kind", where), _text(data, "uri", where)
    if kind not in KINDS:
        raise InvalidParamsError(f"{where}.kind: is not valid, expected one of {', '.join(KINDS)}")
    title = data.get("title", kind)
    if not isinstance(title, str):
        raise InvalidParamsError(f"{where}.title: is not valid, expected a string")
    if "mark" not in data:
        return _now(session, kind, uri, data, where), title
    mark = _number(data, "mark", where)
    then = session.actions.snapshots.document(uri, mark)
    longest = len(then.text) if then is not None else None
    start, end = _range(data, where, longest)
    said = data.get("diagnostic")
    diagnostic = None if said is None else _diagnostic(said, f"{where}.diagnostic", longest)
    return Wish(kind, uri, mark, start, end, diagnostic), title


def _now(session: Session, kind: str, uri: str, data: dict[str, Any], where: str) -> Wish:
    document = session.documents.get(uri)
    if document is None:
        raise InvalidParamsError(f"{where}.uri: there is no open document of that name")
    places = data.get("range")
    if not isinstance(places, dict):
        raise InvalidParamsError(f"{where}.range: is not valid, expected a range")
    start, end = sorted(
        _offset(session, document, places.get(name), f"{where}.range.{name}") for name in ("start", "end")
    )
    return Wish(kind, uri, session.actions.snapshots.take(document), start, end)


def _offset(session: Session, document: Document, place: Any, where: str) -> int:
    if not isinstance(place, dict):
        raise InvalidParamsError(f"{where}: is not valid, expected a position")
    position = Position(_number(place, "line", where), _number(place, "character", where))
    return offset_at(document.text, position, session.documents.encoding)


def _range(data: dict[str, Any], where: str, longest: int | None) -> tuple[int, int]:
    start, end = _number(data, "start", where), _number(data, "end", where)
    if start > end or (longest is not None and end > longest):
        raise InvalidParamsError(f"{where}.end: is not valid, the range is not in the document")
    return start, end


def _diagnostic(said: Any, where: str, longest: int | None) -> Diagnostic:
    if not isinstance(said, dict):
        raise InvalidParamsError(f"{where}: is not valid, expected an object")
    start, end = _range(said, where, longest)
    message, code, source = (_text(said, name, where) for name in ("message", "code", "source"))
    return Diagnostic(message, start, end, _number(said, "severity", where), code, source)


def _text(data: dict[str, Any], name: str, where: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise InvalidParamsError(f"{where}.{name}: is not valid, expected a string")
    return value


def _number(data: dict[str, Any], name: str, where: str) -> int:
    value = data.get(name)
    # Some clients know no integers.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidParamsError(f"{where}.{name}: is not valid, expected an integer from 0")
    return value

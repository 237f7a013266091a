"""What of a document is looked at around a range: no more than will do, since most of a list's time goes to parsing."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pylot_ls.features.view import View
from pylot_ls.prompts.window import window_end, window_start
from pylot_ls.syntax.scope import Scope

if TYPE_CHECKING:
    from pylot_ls.syntax.definitions import Definition
    from pylot_ls.text.document import Document
    from pylot_ls.text.rope import Text

# Characters before and after a range that are looked at first, and where these do not tell. Hardly any function is
# longer; a definition that goes on beyond them is not offered anything that needs all of it.
_BEFORE, _MOST_BEFORE = 3_000, 6_000
_AFTER, _MOST_AFTER = 2_000, 7_000
_END_STEP = 1_000
# A line with which a definition begins, and what is written above it.
_HEADER = re.compile(
    r"""(?:
        @\w | \#\[ | (?:async\s+)?def\s+\w+\s*[(\[] | class\s+\w+\s*[(:{\[]
        | (?:export|public|private|protected|static|abstract|final)\s+\w+[\w\s.<>]*[({=]
        | (?:async\s+)?function\s*\w+\s*\( | (?:interface|struct|enum|namespace)\s+\w+\s*\{ | func\s.*\{
        | (?:pub\b\S*\s+)?(?:(?:async\s+)?fn|struct|enum|trait|impl)\b.*[({] | template\s*<
        | (?:void|int|char|bool|double|float|long|size_t|auto)\s+\w+\s*\(
    )""",
    re.VERBOSE,
)
# Lines that end nothing: what they stand in may go on below them.
_NO_END = re.compile(r"\s*(?:\#|//|/?\*|\\?\s*$)")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A window of a document and its syntax.

    Attributes:
        view: the window.
        scope: its syntax; None where there is no grammar, or it takes too long to parse.
        place: the range's beginning in the view; in white space around a line, the nearest character of that line.
        definition: the innermost one around that, if all of it is in the view.
        goes_on: whether the one around it may go on beyond the view's end.
        is_settled: whether a larger view would hardly show another one.
    """

    view: View
    scope: Scope | None
    place: int
    definition: Definition | None
    goes_on: bool
    is_settled: bool


def excerpt_around(document: Document, start: int, end: int, *, parses: bool = True) -> Excerpt:
    """What is looked at around a range: a larger window only where a smaller one does not show what is there.

    Args:
        document: of which it is a part.
        start: of the range, in characters.
        end: of the range.
        parses: whether it may take a parse.

    Raises:
        LookupError: it would take one.
    """
    near, far = (partial(_read, document, (start, end), n, parses=parses) for n in (_BEFORE, _MOST_BEFORE))
    if not _is_begun(document.text, start):
        return far(_MOST_AFTER)
    found = near(_AFTER)
    if found.is_settled:
        return found
    # What begins alike is not parsed again.
    return near(_MOST_AFTER) if found.goes_on or found.definition is not None else far(_MOST_AFTER)


def _is_begun(text: Text, start: int) -> bool:
    """Whether what is around a place begins in the smaller window, as far as indentation tells."""
    begin = window_start(text, start, _BEFORE)
    if not begin:
        return True
    outermost = math.inf
    line_end = min(text.line_end(text.line_of(start)), start + _AFTER)
    for line in reversed(text.slice(begin, line_end).split("\n")):
        indentation = _indentation(line)
        if line.strip() and indentation <= outermost:
            outermost = indentation
            if _HEADER.match(line, indentation):
                return True
    return False


def _begin(text: Text, start: int, n_before: int) -> int:
    """Where a window begins: in steps, so that it is mostly the one of the list before."""
    begin = window_start(text, start, n_before)
    # Elsewhere a string or a comment may be open, and all behind it would be read the other way round. What is an
    # example in one of them is indented further than what stands around that.
    offset, found, least = begin, begin, math.inf
    for line in text.slice(begin, start).split("\n") if begin else ():
        indentation = _indentation(line)
        if indentation < least and _HEADER.match(line, indentation):
            found, least = offset, indentation
        if not least:
            break
        offset += len(line) + 1
    return found


def _read(document: Document, around: tuple[int, int], n_before: int, n_after: int, *, parses: bool) -> Excerpt:
    text, (start, end) = document.text, around
    begin = _begin(text, start, n_before)
    wanted = min(len(text), (end // _END_STEP + 1) * _END_STEP + n_after)
    view = View(text, begin, window_end(text, begin, wanted - begin))
    place = _place(view.text, view.from_text(start))
    if not parses and not Scope.is_at_hand(document.language_id, view.text):
        raise LookupError("it takes a parse")
    scope = Scope.of(document.language_id, view.text)
    if scope is None:
        return Excerpt(view, None, place, None, goes_on=False, is_settled=True)
    found = scope.definition_at(place)
    if found is None:
        is_settled = (not begin and view.reaches_end) or _is_between_definitions(view.text, place)
        return Excerpt(view, scope, place, None, goes_on=False, is_settled=is_settled)
    below = _first_below(view.text, found.whole.end)
    goes_on = not below and not view.reaches_end
    # With an error at its end a view may show less of what is there than there is.
    is_settled = _indentation(below) <= _indentation(_line(view.text, found.whole.start)) if below else not goes_on
    return Excerpt(view, scope, place, None if goes_on else found, goes_on, is_settled)


def _place(view: str, offset: int) -> int:
    line_start = view.rfind("\n", 0, offset) + 1
    line = _line(view, offset)
    first, last = len(line) - len(line.lstrip()), len(line.rstrip()) - 1
    return line_start + max(first, min(offset - line_start, last)) if line.strip() else offset


def _line(view: str, offset: int) -> str:
    return view[view.rfind("\n", 0, offset) + 1 :].partition("\n")[0]


def _first_below(view: str, offset: int) -> str:
    """The first line below a definition that ends it, "" where there is none."""
    below = view[offset:].split("\n")[1:]
    return next((line for line in below if not _NO_END.match(line)), "")


def _is_between_definitions(view: str, offset: int) -> bool:
    """Whether nothing can be around a place, since what stands there, or next below it, is not indented."""
    line = _line(view, offset)
    if not line.strip():
        line = next(filter(str.strip, view[offset:].split("\n")), "")
    elif _HEADER.match(line):
        return False
    # A comment there may be the documentation of what follows.
    return bool(line) and not line[0].isspace() and not _NO_END.match(line)


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))

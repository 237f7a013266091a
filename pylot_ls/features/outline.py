"""The functions and classes around a place in a document, and the name or the expression there."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pylot_ls.features.surroundings import Surroundings
from pylot_ls.features.view import View
from pylot_ls.prompts.window import window_start
from pylot_ls.syntax.definitions import Definition, Span, definitions
from pylot_ls.syntax.expressions import expression_at
from pylot_ls.syntax.grammars import grammar
from pylot_ls.syntax.names import Name, name_at
from pylot_ls.syntax.parsing import parse
from pylot_ls.syntax.window import AFTER_BYTES, BEFORE_BYTES, Window, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.text.document import Document


# A window that is cut may begin within a docstring, and then all behind it is read the wrong way round.
_PYTHON_DEFINITION = re.compile(r"^[^\S\n]*(?:async def|def|class|@)[^\S\n]*\w", re.MULTILINE)
_SEARCHED_SHARE = 1 / 4


@dataclass(frozen=True, slots=True)
class Outline:
    """What the text around a place defines. All spans are the document's.

    Attributes:
        definitions: as far as the text is parsed, in the order in which they begin.
        name: the one at the place; None where there is none.
        expression: the smallest one at a place where there is no name.
        holders: the innermost definition that holds another one, by that one's whole.
    """

    definitions: tuple[Definition, ...]
    name: Name | None
    expression: Span | None
    holders: dict[Span, Definition | None]

    def around(self, offset: int) -> tuple[Definition, ...]:
        """The definitions that hold a place, the outermost first."""
        return tuple(each for each in self.definitions if each.whole.start <= offset < each.whole.end)

    def parent(self, definition: Definition) -> Definition | None:
        """The innermost one that holds another one."""
        return self.holders.get(definition.whole)


async def outline_at(document: Document, offset: int) -> Outline | None:
    """The outline around an offset; None where there is no grammar, or the text is nothing that a person wrote."""
    if document.text.slice(offset - 1, offset + 1) == "\r\n":
        offset -= 1
    around = Surroundings.of(document, offset)
    language = grammar(document.language_id)
    if around is None or language is None:
        return None
    window = Window.around(around.prefix, around.suffix, is_whole=around.is_whole)
    if window is None:
        return None
    if document.language_id == "python" and len(window.before) < offset:
        window = Window(_from_definition(window.before), window.after)
    # Some milliseconds, in which the event loop would stand still.
    return await asyncio.to_thread(_outline, document, offset, window)


def _outline(document: Document, offset: int, window: Window) -> Outline | None:
    language = grammar(document.language_id)
    parsed = parse(language, encode(window.before + window.after)) if language else None
    if parsed is None:
        return None
    text = document.text
    view = View(text, window_start(text, offset, BEFORE_BYTES), min(len(text), offset + AFTER_BYTES))
    n_cut = view.from_text(offset) - len(window.before)

    def to_document(place: int) -> int:
        return view.to_text(place + n_cut)

    place = len(encode(window.before))
    name = name_at(parsed, place)
    expression = None if name is not None else expression_at(parsed, place)
    found = tuple(moved(each, to_document) for each in definitions(parsed))
    return Outline(
        found,
        None if name is None else replace(name, span=_moved(name.span, to_document)),
        None if expression is None else _moved(expression, to_document),
        _holders(found),
    )


def _holders(found: tuple[Definition, ...]) -> dict[Span, Definition | None]:
    """See ``Outline.holders``; of a text that has thousands, in one pass."""
    holders: dict[Span, Definition | None] = {}
    around: list[Definition] = []
    for each in found:
        while around and (around[-1].whole.end <= each.whole.start or around[-1].whole == each.whole):
            around.pop()
        holders[each.whole] = around[-1] if around else None
        around.append(each)
    return holders


def _from_definition(before: str) -> str:
    """The text from the first line on that begins a definition, be it indented: a quarter is left out at most."""
    found = _PYTHON_DEFINITION.search(before, 0, int(len(before) * _SEARCHED_SHARE))
    return before[found.start() :] if found else before


def moved(definition: Definition, place: Callable[[int], int]) -> Definition:
    """A definition whose spans are those of another text, to which ``place`` takes offsets."""

    def optional(span: Span | None) -> Span | None:
        return None if span is None else _moved(span, place)

    return replace(
        definition,
        whole=_moved(definition.whole, place),
        named=_moved(definition.named, place),
        signature=_moved(definition.signature, place),
        body=optional(definition.body),
        documentation=optional(definition.documentation),
    )


def _moved(span: Span, place: Callable[[int], int]) -> Span:
    return Span(place(span.start), place(span.end))

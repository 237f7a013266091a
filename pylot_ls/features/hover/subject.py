"""What is hovered over: a name, and what it is defined by, as far as the text around tells; else code of any kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.features.outline import Outline, outline_at
from pylot_ls.prompts.window import with_line_feeds
from pylot_ls.syntax.definitions import DefinitionKind, Span

if TYPE_CHECKING:
    from pylot_ls.syntax.definitions import Definition
    from pylot_ls.syntax.names import Name
    from pylot_ls.text.document import Document
    from pylot_ls.text.rope import Text

# By what a method names what it belongs to.
_OWN = frozenset({"self", "cls", "this", "Self", "super()"})
# Languages that write methods outside of what they belong to.
_METHODS_APART = frozenset({"go", "rust", "c", "cpp"})


# More than a person selects to have it explained in three sentences.
_MOST_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Subject:
    """A name in a document, or another piece of code.

    Attributes:
        name: as it is written there; of other code all of it.
        start, end: where, in characters.
        line: all of its first line, without indentation.
        definition: what it stands for; None where the text around does not tell. Its spans are the document's.
        is_name: whether it is a name.
    """

    name: str
    start: int
    end: int
    line: str
    definition: Definition | None
    is_name: bool = True


async def subject_at(document: Document, offset: int) -> Subject | None:
    """The name at an offset, or else the smallest expression.

    None in white space, in comments and documentation, on what is of a statement alone, and without a grammar.
    """
    outline = await outline_at(document, offset)
    if outline is None:
        return None
    name, text = outline.name, document.text
    if name is None:
        return None if outline.expression is None else _piece(document, outline.expression)
    found = _definition_of(outline, name, document.language_id)
    return Subject(name.text, name.span.start, name.span.end, _line(text, name.span.start), found)


async def subject_in(document: Document, start: int, end: int) -> Subject | None:
    """What is selected, without the white space around it: a name, or any piece of code.

    None where nothing is selected, or more than anybody has explained in a few sentences.
    """
    text = document.text
    if end - start > _MOST_CHARACTERS:
        return None
    selected = text.slice(start, end)
    end = start + len(selected.rstrip())
    start += len(selected) - len(selected.lstrip())
    if start >= end:
        return None
    found = await subject_at(document, start)
    is_that = found is not None and (found.start, found.end) == (start, end)
    return found if is_that else _piece(document, Span(start, end))


async def definition_in(document: Document, start: int, end: int) -> Subject | None:
    """The innermost definition around a part of a document; None where there is none."""
    outline = await outline_at(document, start)
    around = () if outline is None else outline.around(start)
    found = next((each for each in reversed(around) if each.name and end <= each.whole.end), None)
    if found is None:
        return None
    return Subject(found.name, found.named.start, found.named.end, _line(document.text, found.named.start), found)


def _piece(document: Document, span: Span) -> Subject:
    code = with_line_feeds(document.text.slice(span.start, span.end))
    return Subject(code, span.start, span.end, _line(document.text, span.start), None, is_name=False)


def _line(text: Text, offset: int) -> str:
    return text.line(text.line_of(offset)).strip()


def _definition_of(outline: Outline, name: Name, language_id: str) -> Definition | None:
    """The definition that a name most likely stands for: it itself, one of the class around, the nearest scope's."""
    # C++ says A::f where it defines what others call f.
    named = [each for each in outline.definitions if each.name.rpartition("::")[2] == name.text and name.text]
    for each in named:
        if each.named.start <= name.span.start < each.named.end:
            return each
    if name.qualifier:
        return _member(outline, name, named, language_id)
    around = outline.around(name.span.start)
    for scope in (*reversed(around), None):
        # In Python a method is no name within another one.
        is_hidden = scope is not None and language_id == "python" and scope.kind is DefinitionKind.CLASS
        if is_hidden and scope != (around[-1] if around else None):
            continue
        for each in named:
            if outline.parent(each) == scope:
                return each
    return named[0] if len(named) == 1 and language_id != "python" else None


def _member(outline: Outline, name: Name, named: list[Definition], language_id: str) -> Definition | None:
    """What a name is that is taken from something: of the class around, of one of that name, or the only one."""
    parents = [(each, outline.parent(each)) for each in named]
    if name.qualifier in _OWN:
        classes = [each for each in outline.around(name.span.start) if each.kind is DefinitionKind.CLASS]
        # Where no class is around, its beginning is not in what was parsed, or its methods stand apart.
        own = [each for each, parent in parents if parent == (classes[-1] if classes else None)]
        if own:
            return own[0]
    of_class = [each for each, parent in parents if parent is not None and parent.name == name.qualifier]
    if of_class:
        return of_class[0]
    members = [
        each
        for each, parent in parents
        if (parent.kind is DefinitionKind.CLASS if parent is not None else language_id in _METHODS_APART)
    ]
    return members[0] if len(members) == 1 else None

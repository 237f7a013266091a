"""What is hovered over: a name, and what it is defined by, as far as the text around tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.features.outline import Outline, outline_at
from pylot_ls.syntax.definitions import DefinitionKind

if TYPE_CHECKING:
    from pylot_ls.syntax.definitions import Definition
    from pylot_ls.syntax.names import Name
    from pylot_ls.text.document import Document

# By what a method names what it belongs to.
_OWN = frozenset({"self", "cls", "this", "Self", "super()"})
# Languages that write methods outside of what they belong to.
_METHODS_APART = frozenset({"go", "rust", "c", "cpp"})


@dataclass(frozen=True, slots=True)
class Subject:
    """A name in a document.

    Attributes:
        name: as it is written there.
        start, end: where, in characters.
        line: all of its line, without indentation.
        definition: what it stands for; None where the text around does not tell. Its spans are the document's.
    """

    name: str
    start: int
    end: int
    line: str
    definition: Definition | None


async def subject_at(document: Document, offset: int) -> Subject | None:
    """The name at an offset; None in white space, on punctuation, in strings, comments, and without a grammar."""
    outline = await outline_at(document, offset)
    if outline is None or outline.name is None:
        return None
    name, text = outline.name, document.text
    line = text.line(text.line_of(name.span.start)).strip()
    found = _definition_of(outline, name, document.language_id)
    return Subject(name.text, name.span.start, name.span.end, line, found)


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

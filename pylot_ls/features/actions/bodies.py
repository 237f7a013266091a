"""Bodies with nothing in them yet but what says so, and comments that say what is to be done. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.features.shape import Shape, indent_width
from pylot_ls.syntax.definitions import DefinitionKind, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylot_ls.features.actions.context import Context
    from pylot_ls.syntax.definitions import Definition

# What people and editors write where nothing is written yet.
_PLACEHOLDER = re.compile(
    r"""\s*(?:
        pass | \.\.\. | raise\s+NotImplementedError\b.*
        | throw\s+new\s+\w*(?:Error|Exception)\(\s*["'`]?\s*(?:not|un|to)\b.*
        | throw\s+new\s+UnsupportedOperationException\b.* | (?:todo|unimplemented)!\(.*\);?
        | panic\(\s*"(?:not|un|todo|to)\b.*
        | return\s+NotImplemented
    )\s*;?\s*$""",
    re.VERBOSE | re.IGNORECASE,
)
_COMMENT = re.compile(r"\s*(?:\#|//|/\*|\*)")
_TODO = re.compile(r"\b(?:TODO|FIXME|XXX)\b(?:\([^)\n]*\))?:?[ \t]*")


@dataclass(frozen=True, slots=True)
class Vacancy:
    """Lines of a view that are to be written.

    Attributes:
        region: what is replaced: whole lines, without the last one's terminator.
        before, after: what stands there around what is written.
        indentation: of the first line that is written, which stands at the end of ``before``.
        is_todo: whether it is about a comment within a body that has something in it.
    """

    region: Span
    before: str
    after: str
    indentation: str
    is_todo: bool = False


@dataclass(frozen=True, slots=True)
class BodyShape(Shape):
    """A body ends where a line stands further left, and not at its blank lines."""

    def complete_part(self, text: str) -> str | None:
        """See ``Shape``."""
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if number and line.strip() and indent_width(line) < self.indent:
                return "\n".join(lines[:number])
            if number >= self.max_lines:
                return "\n".join(lines[:number])
        return None


def vacancy_at(context: Context) -> Vacancy | None:
    """What is to be written at a place: the body of its definition, or what a comment there says; None for neither."""
    if context.scope is None:
        return None
    definition = context.definition
    if definition is not None and definition.kind is DefinitionKind.FUNCTION:
        vacancy = vacant_body(context, definition)
        if vacancy is not None:
            return vacancy
    return _todo(context)


def vacant_body(context: Context, definition: Definition) -> Vacancy | None:
    """The body of a function that has nothing in it; None where it has something, or none at all."""
    view, body = context.view.text, definition.body
    if body is None:
        return None
    is_in_braces = view[body.start : body.start + 1] == "{"
    inner = Span(body.start + 1, max(body.start + 1, body.end - 1)) if is_in_braces else _inner(view, definition)
    lines = view[inner.start : inner.end].split("\n")
    if not all(map(_says_nothing, lines)):
        return None
    own = _indentation(view, definition.signature.start)
    # The first one may go on behind the header.
    own_lines = lines if view[inner.start - 1 : inner.start] == "\n" else lines[1:]
    indentation = next((_indentation_of(line) for line in own_lines if line.strip()), "")
    if len(indentation) <= len(own):
        indentation = own + _unit(view)
    kept = [_TODO.sub("", line).strip() for line in lines if _COMMENT.match(line)]
    above = "".join(f"{indentation}{line}\n" for line in kept if line.strip("#/* "))
    region = context.lines(body.start if is_in_braces else inner.start, body.end if is_in_braces else inner.end)
    head = view[region.start : inner.start].rstrip(" \t")
    tail = f"\n{own}}}{view[body.end : region.end]}" if is_in_braces else ""
    begun = f"{head}\n" if head else ""
    return Vacancy(region, f"{begun}{above}{indentation}", tail, indentation)


def _inner(view: str, definition: Definition) -> Span:
    """What a body without braces has in it besides its docstring: whole lines, if it has any of its own."""
    body, documentation = definition.body or definition.signature, definition.documentation
    start = body.start
    if documentation is not None and start <= documentation.start < body.end:
        # If a docstring is all there is, what is written follows it.
        line_end = view.find("\n", documentation.end, max(documentation.end, body.end))
        return Span(line_end + 1, body.end) if line_end >= 0 else _lines_below(view, documentation.end, definition)
    if start == body.end or not view[start : body.end].strip():
        return _lines_below(view, definition.signature.end, definition)
    if view[view.rfind("\n", 0, start) + 1 : start].strip():
        return Span(definition.signature.end, body.end)
    # Comments above the first statement belong to what says nothing.
    header_end = view.find("\n", definition.signature.end)
    return Span(min(header_end + 1, start) if header_end >= 0 else start, body.end)


def _lines_below(view: str, offset: int, definition: Definition) -> Span:
    """The lines of comments and white space that the grammar gives to no body, though they are indented like one."""
    own = len(_indentation(view, definition.signature.start))
    line_end = view.find("\n", offset)
    if line_end < 0 or view[offset:line_end].strip():
        return Span(offset, offset)
    start = end = line_end + 1
    while start and end < len(view):
        line = view[end:].partition("\n")[0]
        if len(_indentation_of(line)) <= own or not _says_nothing(line):
            break
        end += len(line) + 1
    return Span(start, end - 1) if end > start else Span(offset, offset)


def _todo(context: Context) -> Vacancy | None:
    scope = context.scope
    comment = None if scope is None else scope.comment_at(context.place)
    if comment is None or not _TODO.search(context.shown(comment)):
        return None
    region = context.lines(comment.start, comment.end)
    text = context.shown(region)
    indentation = _indentation_of(text)
    if not _COMMENT.match(text):
        return None  # it stands behind code
    kept = _TODO.sub("", text).rstrip()
    above = f"{kept}\n" if kept.strip(" \t#/*\n") else ""
    return Vacancy(region, above + indentation, "", indentation, is_todo=True)


def says_nothing(text: str) -> bool:
    """Whether a body that was written has nothing in it, either."""
    return all(map(_says_nothing, text.split("\n")))


def _says_nothing(line: str) -> bool:
    return not line.strip() or bool(_PLACEHOLDER.match(line) or _COMMENT.match(line))


def _indentation(view: str, offset: int) -> str:
    return _indentation_of(view[view.rfind("\n", 0, offset) + 1 :].partition("\n")[0])


def _indentation_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(view: str) -> str:
    """By how much a block is indented in this text."""
    return min(_indentations(view), key=len, default="    ")


def _indentations(view: str) -> Iterator[str]:
    for line in view.split("\n"):
        found = _indentation_of(line)
        if found and line.strip() and (found[0] == "\t" or len(found) in {2, 4, 8}):
            yield "\t" if found[0] == "\t" else found

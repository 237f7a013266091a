"""Documentation as languages write it: which text, which marks, where. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.features.actions.answer import prose_in
from pylot_ls.syntax.definitions import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.prompts.docstring_hole import DocstringForm
    from pylot_ls.syntax.definitions import Definition

_BLOCK = frozenset({"c", "cpp", "java", "javascript", "javascriptreact", "typescript", "typescriptreact"})
_LINE_MARKS = {"rust": "///", "go": "//"}
LANGUAGE_IDS = frozenset({"python", *_BLOCK, *_LINE_MARKS})
# What a language's tools take for documentation begins with this.
_BEGINNINGS = {"python": re.compile(r"[rRuU]?(\"\"\"|'''|\"|')"), "rust": re.compile("///"), "go": re.compile("//")}
_BLOCK_BEGINNING = re.compile(r"/\*\*")


@dataclass(frozen=True, slots=True)
class Hole:
    """Where documentation goes: a part of a view that is replaced, and how what is written there begins and ends.

    Attributes:
        replaced: the part, empty where there is no documentation yet.
        before, after: around the text.
        indentation: of its lines.
        present: the lines that there are already.
    """

    replaced: Span
    before: str
    after: str
    indentation: str
    present: tuple[str, ...] = ()


def hole_for(view: str, definition: Definition, language_id: str) -> Hole | None:
    """Where a definition's documentation goes; None where there is no place for it."""
    is_python = language_id == "python"
    documentation = own_documentation(view, definition, language_id)
    if is_python and documentation is None:
        return _in_body(view, definition)
    start = definition.whole.start if documentation is None else documentation.start
    line_start = view.rfind("\n", 0, start) + 1
    indentation = view[line_start:start]
    if indentation.strip():
        return None
    if documentation is None:
        return Hole(Span(line_start, line_start), "", "\n", indentation)
    present = prose_in(view[documentation.start : documentation.end])
    return Hole(Span(line_start, documentation.end), "", "", indentation, tuple(present))


def own_documentation(view: str, definition: Definition, language_id: str) -> Span | None:
    """The documentation, if it is what the language's tools take for it: in Python no comment."""
    span = definition.documentation
    beginning = _BEGINNINGS.get(language_id, _BLOCK_BEGINNING)
    return span if span is not None and beginning.match(view, span.start) else None


def _in_body(view: str, definition: Definition) -> Hole | None:
    body = definition.body
    if body is None or not view[body.start : body.end].strip():
        return None
    line_start = view.rfind("\n", 0, body.start) + 1
    indentation = view[line_start : body.start]
    if not indentation.strip():
        return Hole(Span(line_start, line_start), "", "\n", indentation)
    # The body stands in the line of the signature.
    own = indentation[: len(indentation) - len(indentation.lstrip())]
    inner = own + ("\t" if "\t" in own else "    ")
    return Hole(Span(definition.signature.end, body.start), "\n", f"\n{inner}", inner)


def opened(lines: Sequence[str], indentation: str, form: DocstringForm) -> tuple[str, str]:
    """What stands before and after the next words of documentation that has begun with some lines."""
    if not lines:
        return indentation + form.opening, form.closing
    marker = f" {form.marker} " if form.closing and form.marker else f"{form.marker} ".lstrip()
    first = form.opening if form.closing else marker
    begun = [f"{indentation}{first}{lines[0]}", *(f"{indentation}{marker}{line}" for line in (*lines[1:], ""))]
    closing = f"\n{indentation}{form.closing}" if form.closing else ""
    return "".join(f"{line.rstrip()}\n" for line in begun) + indentation + marker, closing


def written(lines: Sequence[str], indentation: str, language_id: str) -> str:
    """Documentation with some text, quoted as it has to be; no terminator at its end."""
    if language_id == "python":
        return _docstring(lines, indentation)
    mark = _LINE_MARKS.get(language_id)
    if mark is not None:
        return "\n".join(f"{indentation}{mark} {line}".rstrip() for line in lines)
    lines = [line.replace("*/", "* /") for line in lines]
    if len(lines) == 1:
        return f"{indentation}/** {lines[0]} */"
    return "\n".join(
        [f"{indentation}/**", *(f"{indentation} * {line}".rstrip() for line in lines), f"{indentation} */"]
    )


def _docstring(lines: Sequence[str], indentation: str) -> str:
    lines = [line.replace('"""', "'''") for line in lines]
    is_raw = any("\\" in line for line in lines)
    last = lines[-1]
    if is_raw and last.endswith("\\"):
        last += " "
    if len(lines) == 1 and last.endswith('"'):
        last += "."
    lines = [*lines[:-1], last]
    opening = f'{indentation}{"r" if is_raw else ""}"""'
    if len(lines) == 1:
        return f'{opening}{lines[0]}"""'
    rest = "\n".join(_indented(line, indentation) for line in lines[1:])
    return f'{opening}{lines[0]}\n{rest}\n{indentation}"""'


def _indented(line: str, indentation: str) -> str:
    return indentation + line if line.strip() else ""

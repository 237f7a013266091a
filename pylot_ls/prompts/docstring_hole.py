"""A hole where the documentation of a definition stands: how a model that fills holes is asked what it does. Pure.

The hole is in the document itself, so that its prompt begins as those of completions do and finds their KV there. Some
lines above it are the middle's beginning, as with completions: measured with the bundled model over 36 definitions,
with none it writes code more often than not, and with them what looks like documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.prompts.layout import FimOptions
from pylot_ls.prompts.plan import make_plan

if TYPE_CHECKING:
    from pylot_ls.engine.prompt_types import Prompt
    from pylot_ls.engine.types import ModelInfo
    from pylot_ls.syntax.definitions import Definition
    from pylot_ls.text.rope import Text

# As many as a completion has by default: the windows of both are then cut at the same places.
MAX_TOKENS = 64

_QUOTES = '"""'
_INDENTATION = re.compile(r"[^\S\r\n]*")
_TERMINATOR_AT_END = re.compile(r"[\r\n]+\Z")


@dataclass(frozen=True, slots=True)
class DocstringForm:
    r"""How documentation is written in a language.

    Attributes:
        opening, closing: what stands before its text and after.
        marker: with what each further line begins behind its indentation; "" where with nothing.
        is_below: whether it stands below the header of what it documents, or above.
        stop: what its text cannot hold. Where its lines have a marker, it ends with the first line that has none.
        begun: words of the text that stand in the opening already.
    """

    opening: str
    closing: str
    marker: str
    is_below: bool
    stop: tuple[str, ...]
    begun: str = ""

    def text_of(self, written: str) -> tuple[str, bool]:
        r"""The words of documentation that was written up to some place, and whether it ends before that.

        Args:
            written: from behind the opening; line terminators are ``\n``.
        """
        ends = [end for end in map(written.find, self.stop) if end >= 0]
        first, *rest = written[: min(ends, default=len(written))].split("\n")
        lines, is_over = [first], bool(ends)
        for number, line in enumerate(rest, 1):
            stripped = line.strip()
            if stripped.startswith(self.marker):
                lines.append(stripped.removeprefix(self.marker))
            elif number == len(rest) and self.marker.startswith(stripped):
                break  # it may become a marker
            elif self.closing:
                lines.append(stripped)  # the marker is a habit there
            else:
                is_over = True
                break
        return "\n".join(line.strip() for line in lines).strip(), is_over


@dataclass(frozen=True, slots=True)
class DocstringPlace:
    r"""Where the documentation of a definition stands or ought to.

    Attributes:
        start, end: what of the document it takes the place of, in characters: what documentation there is.
        before, after: what stands around its text in that place: line terminators (``\n``), indentation, and the
            form's opening and closing.
        form: see there.
    """

    start: int
    end: int
    before: str
    after: str
    form: DocstringForm


def docstring_form(language_id: str, name: str = "") -> DocstringForm | None:
    """The form of a language, for the documentation of what has a name; None where none is known."""
    if language_id == "python":
        return DocstringForm(_QUOTES, _QUOTES, "", is_below=True, stop=(_QUOTES, "'''"))
    if language_id in {"javascript", "javascriptreact", "typescript", "typescriptreact", "java", "c", "cpp"}:
        return DocstringForm("/** ", " */", "*", is_below=False, stop=("*/",))
    if language_id == "rust":
        return DocstringForm("/// ", "", "///", is_below=False, stop=())
    if language_id == "go":
        # That it begins with the name is how Go's are written.
        begun = f"{name} " if name else ""
        return DocstringForm(f"// {begun}", "", "//", is_below=False, stop=(), begun=begun)
    return None


def docstring_place(text: Text, definition: Definition, language_id: str) -> DocstringPlace | None:
    """Where a definition's documentation goes; None in a language whose form is not known.

    Args:
        text: the document.
        definition: its spans are of that text.
        language_id: LSP's name of its language.
    """
    form = docstring_form(language_id, definition.name)
    if form is None:
        return None
    return _below_header(text, definition, form) if form.is_below else _above(text, definition, form)


def docstring_hole(
    text: Text,
    definition: Definition,
    model: ModelInfo,
    language_id: str,
    *,
    options: FimOptions | None = None,
    max_tokens: int = MAX_TOKENS,
) -> Prompt | None:
    """The prompt that asks for a definition's documentation, as if it had none; None where there is no form for it.

    To be generated with ``heal``: what a model writes after an opening may be one token with it.

    Args:
        text: the document.
        definition: its spans are of that text.
        model: that is asked.
        language_id: LSP's name of the language.
        options: how completions are laid out, so that they share their KV.
        max_tokens: that will be decoded.

    Raises:
        ModelUnsupportedError: the model has no fill-in-the-middle tokens, or too small a context.
    """
    place = docstring_place(text, definition, language_id)
    if place is None:
        return None
    with_hole = text.replace(place.start, place.end, place.before + place.after)
    hole = place.start + len(place.before)
    return make_plan(with_hole, hole, model, options or FimOptions(), max_tokens).prompt


def _above(text: Text, definition: Definition, form: DocstringForm) -> DocstringPlace:
    start = definition.whole.start
    documentation = definition.documentation
    first = documentation.start if documentation and documentation.end <= start else start
    after = f"{form.closing}\n{_indentation(text, start)}"
    return DocstringPlace(first, start, form.opening, after, form)


def _below_header(text: Text, definition: Definition, form: DocstringForm) -> DocstringPlace:
    header_end, body, documentation = definition.signature.end, definition.body, definition.documentation
    if documentation is not None and documentation.start >= header_end:
        return DocstringPlace(documentation.start, documentation.end, form.opening, form.closing, form)
    header_line = text.line_of(header_end)
    own = _indentation(text, text.line_start(text.line_of(definition.signature.start)))
    if body is None or body.start == body.end:
        indent = own + ("\t" if own.startswith("\t") else "    ")
        return DocstringPlace(header_end, header_end, f"\n{indent}{form.opening}", form.closing, form)
    if text.line_of(body.start) == header_line:
        indent = own + ("\t" if own.startswith("\t") else "    ")
        return DocstringPlace(header_end, body.start, f"\n{indent}{form.opening}", f"{form.closing}\n{indent}", form)
    start = text.line_start(header_line + 1)
    indent = _indentation(text, body.start)
    return DocstringPlace(start, start, indent + form.opening, f"{form.closing}\n", form)


def _indentation(text: Text, offset: int) -> str:
    """The white space that an offset's line begins with."""
    found = _INDENTATION.match(_TERMINATOR_AT_END.sub("", text.line(text.line_of(offset))))
    return found[0] if found else ""

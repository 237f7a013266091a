"""Names in code: the one at a place, and what is written before it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.syntax.definitions import Span

if TYPE_CHECKING:
    from tree_sitter import Node

    from pylot_ls.syntax.parsing import Parsed

# What a name is taken from: self.name, this->name, Self::name, a.b.name.
_MEMBERS = frozenset({
    "attribute",
    "member_expression",
    "field_expression",
    "selector_expression",
    "scoped_identifier",
    "qualified_identifier",
    "field_access",
    "method_invocation",
    "optional_chain",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a text.

    Attributes:
        text: as it is written.
        span: of it, in characters.
        qualifier: what stands before it, as ``self`` in ``self.name``; "" where nothing does.
    """

    text: str
    span: Span
    qualifier: str = ""


def name_at(parsed: Parsed, offset: int) -> Name | None:
    """The name of which a character, given in bytes, is part; None in white space, on punctuation, in a comment."""
    path = parsed.path_to(offset)
    if not path or not _is_name(path[-1]) or not path[-1].start_byte <= offset < path[-1].end_byte:
        return None
    node = path[-1]
    parent = path[-2] if len(path) > 1 else None
    source = parsed.source
    qualifier = ""
    if parent is not None and parent.type in _MEMBERS and parent.children[0] != node:
        qualifier = source[parent.children[0].start_byte : parent.children[0].end_byte].decode("utf-8", "replace")
    start = len(source[: node.start_byte].decode("utf-8", "replace"))
    text = source[node.start_byte : node.end_byte].decode("utf-8", "replace")
    return Name(text, Span(start, start + len(text)), qualifier)


def _is_name(node: Node) -> bool:
    # The grammars say identifier, type_identifier, property_identifier and so on.
    return node.is_named and not node.child_count and node.type.endswith("identifier") and not node.is_missing

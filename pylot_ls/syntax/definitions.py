"""Functions and classes: their names, signatures, bodies and documentation. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.syntax.inside import is_comment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from pylot_ls.syntax.parsing import Parsed

_FUNCTIONS = frozenset({
    "function_definition",
    "function_declaration",
    "generator_function_declaration",
    "function_signature",
    "function_item",
    "function_signature_item",
    "method_definition",
    "method_declaration",
    "method_signature",
    "abstract_method_signature",
    "method_elem",
    "constructor_declaration",
    "compact_constructor_declaration",
})  # fmt: skip
_CLASSES = frozenset({
    "class_definition",
    "class_declaration",
    "abstract_class_declaration",
    "class_specifier",
    "struct_specifier",
    "struct_item",
    "interface_declaration",
    "annotation_type_declaration",
    "record_declaration",
    "enum_declaration",
    "enum_specifier",
    "enum_item",
    "trait_item",
    "union_item",
    "type_spec",
    "type_alias_declaration",
})  # fmt: skip
# A name that a function is assigned to: by a variable or by a field of a class.
_ASSIGNING = frozenset({"variable_declarator", "field_definition", "public_field_definition"})
_ASSIGNED = frozenset({"arrow_function", "function_expression", "generator_function", "function"})
# What stands around a definition and belongs to it.
_WRAPPERS = frozenset({
    "decorated_definition",
    "export_statement",
    "lexical_declaration",
    "variable_declaration",
    "type_declaration",
    "template_declaration",
    "ambient_declaration",
    "type_definition",
})  # fmt: skip
_MOST_VISITED = 20_000


class DefinitionKind(enum.StrEnum):
    """What is defined."""

    FUNCTION = "function"
    CLASS = "class"


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text, from one offset to before another, in characters."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or a class. All spans are of the text that was parsed.

    Attributes:
        kind: which of them; methods are functions, structures and interfaces are classes.
        name: as it is written, "" where it has none.
        whole: all of it, with what stands around it (decorators, ``export``, ``template``) and without its comment.
        named: its name.
        signature: from its beginning to before its body, without decorators.
        body: its body with its braces, where it has one.
        documentation: the docstring with its quotes, or the comments that stand right above it.
    """

    kind: DefinitionKind
    name: str
    whole: Span
    named: Span
    signature: Span
    body: Span | None
    documentation: Span | None


def definition_at(parsed: Parsed, offset: int) -> Definition | None:
    """The innermost definition around a place, given in bytes; its documentation belongs to it."""
    path = parsed.path_to(offset)
    for number in range(len(path) - 1, -1, -1):
        node = path[number]
        if is_comment(node) and (below := _below(node)) is not None:
            return _definition(parsed, below)
        inner = _defined(node)
        if inner is not None:
            return _definition(parsed, inner)
    return None


def definitions(parsed: Parsed) -> Iterator[Definition]:
    """All of them, in the order in which they begin; of a text that is no person's code those that were come by."""
    nodes, n_visited = [parsed.tree.root_node], 0
    while nodes and n_visited < _MOST_VISITED:
        node = nodes.pop()
        n_visited += 1
        if _kind(node) is not None:
            yield _definition(parsed, node)
        nodes.extend(reversed(node.named_children))


def _defined(node: Node) -> Node | None:
    """The definition that a node is or wraps."""
    while node.type in _WRAPPERS:
        if any(child.type == "(" for child in node.children):
            return None  # a group of Go's types, each of which has its own comment
        inner = [child for child in node.named_children if child.type in _WRAPPERS or _kind(child) is not None]
        if len(inner) != 1:
            return None
        node = inner[0]
    return node if _kind(node) is not None else None


def _kind(node: Node) -> DefinitionKind | None:
    if node.type in _FUNCTIONS:
        return DefinitionKind.FUNCTION
    if node.type in _CLASSES:
        # "struct s x;" names one and defines none.
        is_name_alone = node.type.endswith("_specifier") and node.child_by_field_name("body") is None
        return None if is_name_alone else DefinitionKind.CLASS
    value = node.child_by_field_name("value") if node.type in _ASSIGNING else None
    return DefinitionKind.FUNCTION if value is not None and value.type in _ASSIGNED else None


def _definition(parsed: Parsed, node: Node) -> Definition:
    source = parsed.source
    kind = _kind(node) or DefinitionKind.FUNCTION
    outer = _outer(node)
    name = _name(node)
    value = node.child_by_field_name("value") if node.type in _ASSIGNING else node
    holder = value if value is not None else node
    body_node = holder.child_by_field_name("body")
    body = _bytes_of(body_node) or (_braces(node) if kind is DefinitionKind.CLASS else None)
    # What a decorator says is not how it is called.
    signed = outer if outer.type not in {"decorated_definition", "template_declaration"} else node
    return Definition(
        kind=kind,
        name="" if name is None else _text(source, name.start_byte, name.end_byte),
        whole=_span(source, _with_attributes(outer).start_byte, outer.end_byte),
        named=_span(source, node.start_byte, node.start_byte)
        if name is None
        else _span(source, name.start_byte, name.end_byte),
        signature=_span(source, signed.start_byte, _end_of_signature(source, holder, node, body)),
        body=None if body is None else _span(source, *body),
        documentation=_documentation(source, outer, body_node),
    )


def _name(node: Node) -> Node | None:
    # A field of a JavaScript class calls it so.
    found = node.child_by_field_name("name") or node.child_by_field_name("property")
    if found is None and node.parent is not None and node.parent.type == "type_definition":
        found = node.parent.child_by_field_name("declarator")  # what has no name of its own has that of its typedef
    if found is not None or node.type.endswith("_specifier"):
        return found
    # C names what it declares innermost: int (*f(int))(char).
    declarator = node.child_by_field_name("declarator")
    while declarator is not None:
        inner = declarator.child_by_field_name("declarator") or (
            next((child for child in declarator.named_children if child.type.endswith("declarator")), None)
        )
        if inner is None:
            return declarator
        declarator = inner
    return None


def _bytes_of(node: Node | None) -> tuple[int, int] | None:
    return None if node is None else (node.start_byte, node.end_byte)


def _braces(node: Node) -> tuple[int, int] | None:
    """From the opening brace of a Go type to its closing one."""
    kind = node.child_by_field_name("type")
    for child in () if kind is None else kind.children:
        if child.type in {"field_declaration_list", "{"}:
            return child.start_byte, kind.end_byte if kind is not None else child.end_byte
    return None


def _end_of_signature(source: bytes, holder: Node, node: Node, body: tuple[int, int] | None) -> int:
    """Where it ends before the body: comments between them belong to neither."""
    if body is None:
        return node.end_byte
    before = [child.end_byte for child in holder.children if child.end_byte <= body[0] and not is_comment(child)]
    # Of a Go type nothing but the brace tells.
    return before[-1] if before and holder.child_by_field_name("body") else len(source[: body[0]].rstrip())


def _outer(node: Node) -> Node:
    """A definition with all that is written around it."""
    while (parent := node.parent) is not None and parent.type in _WRAPPERS:
        if _defined(parent) is None:
            break
        node = parent
    return node


def _with_attributes(node: Node) -> Node:
    """The first of the attributes above a definition, which Rust has beside it, or itself."""
    first = node
    while (before := first.prev_named_sibling) is not None and before.type == "attribute_item":
        first = before
    return first


def _documentation(source: bytes, outer: Node, body: Node | None) -> Span | None:
    if body is not None and body.type == "block" and body.named_child_count:
        first = body.named_children[0]
        value = first.named_children[0] if first.type == "expression_statement" and first.named_child_count else first
        if value.type == "string":
            return _span(source, value.start_byte, value.end_byte)
    comments: list[Node] = []
    below = _with_attributes(outer)
    while (before := _before(below)) is not None and is_comment(before) and _is_right_above(source, before, below):
        comments.append(before)
        below = before
    if not comments:
        return None
    last = comments[0]
    return _span(source, comments[-1].start_byte, len(source[: last.end_byte].rstrip()))


def _is_right_above(source: bytes, comment: Node, node: Node) -> bool:
    """Whether a comment has its lines for itself, and the next one is the node's."""
    between = source[comment.end_byte : node.start_byte]
    line = source[source.rfind(b"\n", 0, comment.start_byte) + 1 : comment.start_byte]
    ends_line = source[: comment.end_byte].endswith(b"\n")
    return not line.strip() and between.count(b"\n") + ends_line == 1


def _before(node: Node) -> Node | None:
    """The node above; of the first in a block of Python, whose grammar has it so, what is above the block."""
    above = node.prev_named_sibling
    return node.parent.prev_named_sibling if above is None and node.parent and node.parent.type == "block" else above


def _below(comment: Node) -> Node | None:
    """The definition that a comment documents."""
    node: Node | None = comment
    while node is not None and (is_comment(node) or node.type == "attribute_item"):
        node = node.next_named_sibling
    if node is not None and node.type == "block" and node.named_child_count:
        node = node.named_children[0]
    return None if node is None else _defined(node)


def _text(source: bytes, start: int, end: int) -> str:
    return source[start:end].decode("utf-8", errors="replace")


def _span(source: bytes, start: int, end: int) -> Span:
    if source.isascii():
        return Span(start, end)
    return Span(len(_text(source, 0, start)), len(_text(source, 0, end)))

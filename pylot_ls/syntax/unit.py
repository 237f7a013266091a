"""Where what begins at the cursor is over: a statement, or the body that the cursor is in. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.syntax.body import CLOSERS

if TYPE_CHECKING:
    from pylot_ls.syntax.parsing import Parsed

# Nodes whose children are statements, members or definitions.
_CONTAINERS = frozenset({
    "module",
    "program",
    "source_file",
    "translation_unit",
    "block",
    "statement_block",
    "compound_statement",
    "statement_list",
    "class_body",
    "interface_body",
    "enum_body",
    "constructor_body",
    "declaration_list",
    "field_declaration_list",
})  # fmt: skip
_OPENERS = {closer: opener for opener, closer in CLOSERS.items()}


def end_of_body(parsed: Parsed, start: int, end: int) -> int | None:
    """Where a bracket closes that was open before ``start``, in bytes; None where none does before ``end``."""
    depth = 0
    for token in parsed.leaves(start, end):
        if token.is_missing or token.is_named:
            continue
        # Also those of several signs, as "${" and "[[".
        if token.type[-1:] in CLOSERS:
            depth += 1
        elif token.type[:1] in _OPENERS:
            if depth == 0:
                return token.start_byte
            depth -= 1
    return None


def end_of_statement(parsed: Parsed, start: int, end: int) -> int | None:
    """Where the statement ends that the first token after ``start`` belongs to, in bytes.

    None where it does not end before ``end``, or nothing follows it there, or the text around it is in error.
    """
    source = parsed.source
    first = len(source) - len(source[start:].lstrip())
    path = parsed.path_to(first)
    numbers = [number for number in range(1, len(path)) if path[number - 1].type in _CONTAINERS]
    if not numbers or any(node.is_error for node in path):
        return None
    statement = path[numbers[-1]]
    if statement.start_byte <= start and numbers[-1] == len(path) - 1:
        return None  # a mark such as a semicolon
    finish = statement.end_byte
    following = next((token for token in parsed.leaves(finish, end) if not token.is_missing), None)
    return None if following is None or "comment" in following.type else finish

"""Parses: short ones, each with what is left of one before. The place where tree-sitter's parser is called."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tree_sitter import Parser

from pylot_ls.syntax.pieces import Pieces
from pylot_ls.text.difference import n_equal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Language, Node, Tree

MAX_BYTES = 64 * 1024
# Of processor time, so that other work does not count. 64 kB of a person's code take 12 ms, of noise half a second.
MAX_PARSING_S = 0.05
# Deeper nesting, or more errors, is no person's code.
_MAX_DEPTH = 500
_MAX_VISITED = 5_000


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text and its tree."""

    source: bytes
    tree: Tree

    def path_to(self, offset: int) -> tuple[Node, ...]:
        """The nodes around the byte at an offset, from the root down; () where they are nested too deeply."""
        cursor = self.tree.walk()
        nodes = [self.tree.root_node]
        while cursor.goto_first_child_for_byte(offset) is not None:
            node = cursor.node
            if node is None or node.start_byte > offset:
                break
            if len(nodes) == _MAX_DEPTH:
                return ()
            nodes.append(node)
        return tuple(nodes)

    def leaves(self, start: int, end: int) -> Iterator[Node]:
        """The tokens that begin from one offset to before another, in bytes."""
        cursor = self.tree.walk()
        while cursor.goto_first_child_for_byte(start) is not None:
            pass
        while (node := cursor.node) is not None and node.start_byte < end:
            if node.start_byte >= start and not node.child_count:
                yield node
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return
            while cursor.goto_first_child():
                pass

    def n_errors(self, most_visited: float = _MAX_VISITED) -> int:
        """How many nodes are errors or missing tokens; of noise, where there are thousands, as many as were counted."""
        n_errors, n_visited, nodes = 0, 0, [self.tree.root_node]
        while nodes and n_visited < most_visited:
            node = nodes.pop()
            n_visited += 1
            wrong = [child for child in node.children if child.has_error] if node.has_error else []
            # Where nothing in it is to blame, what is missing is no child: Python's line end, for one.
            n_errors += node.is_error or node.is_missing or (node.has_error and not wrong)
            nodes.extend(wrong)
        return n_errors


def parse(language: Language, source: bytes, near: Parsed | None = None) -> Parsed | None:
    """The tree of a text; None where it is longer than MAX_BYTES, or takes longer than MAX_PARSING_S.

    ``near``: a text of the same language that differs in one place; what they have in common is not parsed again.
    """
    if len(source) > MAX_BYTES:
        return None
    until = time.thread_time() + MAX_PARSING_S

    def is_late(_offset: int, _has_error: bool) -> bool:  # noqa: FBT001 - the parser's callback
        return time.thread_time() > until

    parser, pieces = Parser(language), Pieces(source)
    try:
        if near is None:
            tree = parser.parse(pieces.read, progress_callback=is_late)
        else:
            tree = parser.parse(pieces.read, _edited(near, source), progress_callback=is_late)
    except ValueError:  # it was late
        return None
    finally:
        pieces.release()
    return Parsed(source, tree)


def parse_whole(language: Language, source: bytes) -> Parsed:
    """The tree of a text, however long it takes: nothing for a server."""
    return Parsed(source, Parser(language).parse(source))


def n_shared(old: bytes, new: bytes) -> int:
    """How many bytes two texts share at their beginning and at their end."""
    n_start = n_equal(old, new)
    return n_start + n_equal(old[n_start:][::-1], new[n_start:][::-1])


def _edited(near: Parsed, source: bytes) -> Tree:
    """The tree of another text, told what was replaced there to make this one."""
    old = near.source
    n_start = n_equal(old, source)
    n_end = n_equal(old[n_start:][::-1], source[n_start:][::-1])
    old_end, new_end = len(old) - n_end, len(source) - n_end
    tree = near.tree.copy()
    tree.edit(n_start, old_end, new_end, _point(old, n_start), _point(old, old_end), _point(source, new_end))
    return tree


def _point(source: bytes, offset: int) -> tuple[int, int]:
    return source.count(b"\n", 0, offset), offset - source.rfind(b"\n", 0, offset) - 1

"""A part of a text as actions see it: its definitions, comments and errors, and what they would be after a change.

All offsets count characters of that part; its line terminators are line feeds.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pylot_ls.syntax.definitions import Span, definition_at, definitions
from pylot_ls.syntax.grammars import grammar
from pylot_ls.syntax.inside import is_comment, is_docstring
from pylot_ls.syntax.parsing import Parsed, n_shared, parse
from pylot_ls.syntax.window import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tree_sitter import Language, Node

    from pylot_ls.syntax.definitions import Definition

# The last texts of each language, the latest first: mostly the next one is one of them, or differs by a keystroke. Only
# time depends on it.
_latest: dict[str, tuple[Parsed, ...]] = {}
_MOST_LATEST = 4
# One that shares less of a text is no help: telling the parser what is different takes longer than it saves.
_LEAST_SHARED = 1 / 2

# What gives names a meaning of their own.
_INNER_SCOPES = frozenset({
    "function_definition",
    "class_definition",
    "lambda",
    "list_comprehension",
    "set_comprehension",
    "dictionary_comprehension",
    "generator_expression",
})  # fmt: skip
# What says that a name is not the function's own.
_ELSEWHERE = frozenset({"global_statement", "nonlocal_statement"})


class Scope:
    """A text and its tree; never changed."""

    def __init__(self, language_id: str, language: Language, text: str, parsed: Parsed) -> None:
        self.language_id = language_id
        self.text = text
        self._language = language
        self._parsed = parsed

    @classmethod
    def of(cls, language_id: str, text: str) -> Scope | None:
        """None where there is no grammar of that language, or the text takes too long to parse."""
        language = grammar(language_id)
        if language is None:
            return None
        source, latest = encode(text), _latest.get(language_id, ())
        parsed = next((each for each in latest if each.source == source), None)
        if parsed is None:
            parsed = parse(language, source, _nearest(latest, source))
        if parsed is None:
            return None
        _latest[language_id] = (parsed, *(each for each in latest if each is not parsed))[:_MOST_LATEST]
        return cls(language_id, language, text, parsed)

    @staticmethod
    def is_at_hand(language_id: str, text: str) -> bool:
        """Whether ``of`` takes no parse."""
        source = encode(text)
        return grammar(language_id) is None or any(each.source == source for each in _latest.get(language_id, ()))

    def definition_at(self, offset: int) -> Definition | None:
        """The innermost definition around a place."""
        return definition_at(self._parsed, self._to_bytes(offset))

    def first_definition(self, name: str = "") -> Definition | None:
        """The first definition, or the first of a name."""
        return next((each for each in definitions(self._parsed) if not name or each.name == name), None)

    @cached_property
    def n_errors(self) -> int:
        """How many errors and missing tokens there are."""
        return self._parsed.n_errors()

    def changed(self, text: str) -> Scope | None:
        """Another text of the same language, most of which is this one; None where it takes too long to parse."""
        parsed = parse(self._language, encode(text), self._parsed)
        return None if parsed is None else Scope(self.language_id, self._language, text, parsed)

    def comment_at(self, offset: int) -> Span | None:
        """The comment around a place."""
        path = self._parsed.path_to(self._to_bytes(offset))
        return next((self._span(node) for node in path if is_comment(node)), None)

    def prose(self, start: int, end: int) -> Iterator[Span]:
        """The comments and docstrings between two places."""
        return (self._span(node) for node in self._leaves(start, end) if _is_prose(node))

    def code(self, start: int, end: int) -> tuple[str, ...]:
        """The tokens between two places without comments and docstrings: what a translation leaves alone."""
        texts = (self._text(node) for node in self._leaves(start, end) if not _is_prose(node))
        return tuple(text for text in texts if text.strip())

    def name_at(self, offset: int) -> str:
        """The name at a place, "" where there is none."""
        node = self._name_node(offset)
        return "" if node is None else self._text(node)

    def local_uses(self, offset: int) -> tuple[Span, ...]:
        """All uses of the variable at a place, if it is certain that there are no others; () where it is not.

        That is so for a variable of a Python function that is assigned there, that is no parameter, and whose name
        stands for nothing else in the function.
        """
        node = self._name_node(offset)
        if node is None or self.language_id != "python":
            return ()
        function = node
        while function.parent is not None and function.type not in _INNER_SCOPES:
            function = function.parent
        if function.type != "function_definition" or not _is_within_body(function, node):
            return ()
        name = node.text
        same = [each for each in _below(function) if each.type == "identifier" and each.text == name]
        uses = [each for each in same if not _is_name_of_other(each)]
        is_local = all(_is_own(each, function) for each in uses) and any(map(_is_assigned, uses))
        return tuple(map(self._span, uses)) if is_local and node in uses else ()

    def _name_node(self, offset: int) -> Node | None:
        for place in (offset, offset - 1):
            path = self._parsed.path_to(self._to_bytes(place)) if place >= 0 else ()
            if path and path[-1].type.endswith("identifier"):
                return path[-1]
        return None

    def _leaves(self, start: int, end: int) -> Iterator[Node]:
        """The tokens from one place to another; a string or a comment is one."""
        first, last = self._to_bytes(start), self._to_bytes(end)
        nodes = [self._parsed.tree.root_node]
        while nodes:
            node = nodes.pop()
            if node.end_byte <= first or node.start_byte >= last:
                continue
            if node.child_count and node.type != "string" and not is_comment(node):
                nodes.extend(reversed(node.children))
            elif node.start_byte >= first:
                yield node

    def _to_bytes(self, offset: int) -> int:
        return len(encode(self.text[:offset]))

    def _span(self, node: Node) -> Span:
        start = len(self._parsed.source[: node.start_byte].decode("utf-8"))
        return Span(start, start + len(self._text(node).rstrip("\n")))

    def _text(self, node: Node) -> str:
        return self._parsed.source[node.start_byte : node.end_byte].decode("utf-8")


def _nearest(latest: Iterable[Parsed], source: bytes) -> Parsed | None:
    """The text that has most in common with another one; None where that is not enough to be a help."""
    shared = {n_shared(each.source, source): each for each in latest}
    most = max(shared, default=0)
    return shared[most] if most >= max(1, len(source) * _LEAST_SHARED) else None


def _is_prose(node: Node) -> bool:
    return is_comment(node) or is_docstring(node)


def _below(node: Node) -> Iterator[Node]:
    """All that has a name of its own: no brackets, operators and keywords."""
    nodes = [node]
    while nodes:
        each = nodes.pop()
        yield each
        nodes.extend(reversed(each.named_children))


def _is_within_body(function: Node, node: Node) -> bool:
    body = function.child_by_field_name("body")
    return body is not None and body.start_byte <= node.start_byte < body.end_byte


def _is_name_of_other(node: Node) -> bool:
    """Whether a name is a member's, or a parameter's of what is called: something else, which stays."""
    parent = node.parent
    if parent is None:
        return False
    field = {"attribute": "attribute", "keyword_argument": "name"}.get(parent.type)
    return field is not None and parent.child_by_field_name(field) == node


def _is_own(node: Node, function: Node) -> bool:
    """Whether a name in the body of a function stands for a variable of that function alone."""
    parent = node.parent
    while parent is not None and parent != function:
        if parent.type in _INNER_SCOPES or parent.type in _ELSEWHERE or "import" in parent.type:
            return False
        parent = parent.parent
    return _is_within_body(function, node)


def _is_assigned(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type == "assignment" and parent.child_by_field_name("left") == node

"""The grammars, by LSP's language ids, each loaded when it is first asked for."""

from __future__ import annotations

import importlib
import logging
from functools import cache

from tree_sitter import Language

_log = logging.getLogger(__name__)

# The module of each grammar and its function.
_GRAMMARS = {
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "javascriptreact": ("tree_sitter_javascript", "language"),
    "python": ("tree_sitter_python", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "typescriptreact": ("tree_sitter_typescript", "language_tsx"),
}

LANGUAGE_IDS = frozenset(_GRAMMARS)


@cache
def grammar(language_id: str) -> Language | None:
    """The grammar of a language; None where there is none, or none that this tree-sitter can use."""
    if language_id not in _GRAMMARS:
        return None
    module, function = _GRAMMARS[language_id]
    try:
        return Language(getattr(importlib.import_module(module), function)())
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        _log.info("there is no syntax for %s: %s", language_id, error)
        return None

"""The rules of .gitignore files: which paths they leave out. Pure, and the only importer of pathspec.

pathspec translates one pattern; which pattern counts is decided here, as git does: the last that matches a path, in
the file that stands lowest, and nothing below a folder that is left out can be taken in again. What may be translated
otherwise than git understands it, or may take long to match, is refused instead.
"""

from __future__ import annotations

import re
import sys
import time
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import PurePath

MAX_LINES = 5_000
MAX_PATTERN = 500  # characters
MAX_PATH = 500  # characters
# A pattern is matched by backtracking, with the interpreter's lock held: in a path of that length each wildcard more
# in one name takes some fifty times longer. With these the worst takes some 30 ms.
MAX_FURTHER_WILDCARDS = 2  # beside the first of each name; one less where a double one follows a name
MAX_DOUBLE_WILDCARDS = 2
MAX_MATCHING_S = 1.0

# Names that differ only so are one file on these systems.
_FOLDS = sys.platform in {"win32", "darwin"}

# Brackets hold characters and ranges and nothing that Python's regular expressions understand otherwise; a backslash
# stands before no wildcard.
_CLEAR = re.compile(r"(?:[^\[\\]|\\[^*?\[\]\\]|\[-?(?:[^!^\[\]\\&|~/*-](?:-[^\[\]\\&|~/*-])?)+\])+")

# Of these pathspec makes expressions that do not end where the path ends. Equal ones of which it does:
_SAME = {
    **dict.fromkeys(("*", "**", "/**", "**/*", "/**/*"), "?*"),
    **dict.fromkeys(("*/", "**/", "/**/", "**/*/", "/**/*/"), "?*/"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern: what it matches, and whether that is left out or taken in again."""

    regex: re.Pattern[str]
    ignores: bool


@dataclass(frozen=True, slots=True)
class Layer:
    """The rules of one file, and the folder that they count from."""

    base: PurePath
    rules: tuple[Rule, ...]


@lru_cache(maxsize=64)
def parse(text: str) -> tuple[Rule, ...]:
    """Return the rules of an ignore file's text.

    Raises:
        ValueError: a pattern is broken, unclear or too costly, or there are too many.
    """
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        raise ValueError(f"over {MAX_LINES} lines")
    return tuple(rule for number, line in enumerate(lines, 1) if (rule := _rule(_folded(line), number)) is not None)


def is_ignored(path: PurePath, layers: Sequence[Layer]) -> bool:
    """Whether rules leave out a file, or a folder above it.

    Args:
        path: absolute.
        layers: rising in weight; those whose folder is not above the file say nothing.

    Raises:
        ValueError: the path holds line feeds or is too long, or matching takes too long.
    """
    if len(str(path)) > MAX_PATH or "\n" in str(path):
        raise ValueError("a path that is too long or holds line feeds")
    until = time.monotonic() + MAX_MATCHING_S
    folders = list(reversed(path.parents))
    for place, end in [*((folder, "/") for folder in folders), (path, "")]:
        for layer in reversed(layers):
            if layer.base in place.parents:
                relative = _folded(place.relative_to(layer.base).as_posix()) + end
                says = _says(layer.rules, relative, until)
                if says:
                    return True
                if says is not None:
                    break
    return False


def _says(rules: Iterable[Rule], path: str, until: float) -> bool | None:
    for rule in reversed(tuple(rules)):
        if time.monotonic() > until:
            raise ValueError(f"matching takes over {MAX_MATCHING_S} s")
        if rule.regex.fullmatch(path):
            return rule.ignores
    return None


def _rule(line: str, number: int) -> Rule | None:
    line = line if line.endswith("\\ ") else line.rstrip()
    if not line or line.startswith("#"):
        return None
    ignores = not line.startswith("!")
    body = line.removeprefix("!")
    if len(body) > MAX_PATTERN or not _CLEAR.fullmatch(body):
        raise ValueError(f"line {number} holds a pattern that is unclear")
    try:
        bounded = _bounded(body)
        if bounded != body and not ignores:
            return None  # widened, it would take in again what it should not
        regex = GitIgnoreSpecPattern(_plain(bounded)).regex
    except (ValueError, re.error, RecursionError) as error:
        raise ValueError(f"line {number} holds a pattern that is broken or unclear") from error
    if regex is None:
        return None
    if not regex.pattern.startswith("^"):  # it only finds a part of the path
        raise ValueError(f"line {number} holds a pattern that is unclear")
    return Rule(regex, ignores)


def _bounded(pattern: str) -> str:
    """Return the pattern, or a wider one that is cheap to match.

    Raises:
        ValueError: it has too many double wildcards, or one within a name, of which git's reading has exceptions.
    """
    names = pattern.split("/")
    if names.count("**") > MAX_DOUBLE_WILDCARDS or any("**" in name and name != "**" for name in names):
        raise ValueError("a pattern with double wildcards that is unclear")
    n_further = sum(max(0, name.count("*") - 1) for name in names if name != "**")
    if n_further + ("**" in names[1:]) <= MAX_FURTHER_WILDCARDS:
        return pattern
    return "/".join(name if name == "**" else re.sub(r"\*.*\*", "*", name) for name in names)


def _plain(pattern: str) -> str:
    """Return a pattern in the form of which pathspec makes an expression for exactly the paths that git matches."""
    # What ends with a double wildcard is all that lies in a folder, but not the folder itself.
    plain = _SAME.get(pattern) or re.sub(r"/\*\*(/?)$", r"/**/*\1", pattern)
    # An escape, so that what is left of "!!" or "!#" is no sign again.
    return "\\" + plain if plain[0] in "!#" else plain


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower() if _FOLDS else text

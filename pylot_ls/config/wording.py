"""How values, paths and what is accepted are worded for people."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pylot_ls.language import Message, one_of
from pylot_ls.trace import on_one_line

MAX_SHOWN = 60  # characters of a value in a message
_MAX_SHOWN_ITEMS = 5
# What lists hold, by the description of their items.
_STRINGS = Message("strings")
_ITEMS = {
    "patterns as in a .gitignore": Message("patterns as in a .gitignore"),
    'LoRA adapters, each { path = "FILE.gguf", scale = 1.0 }': Message(
        'LoRA adapters, each { path = "FILE.gguf", scale = 1.0 }'
    ),
}


def shown(value: object) -> str:
    """Return a value as it would be written in JSON, shortened, on one line and without the user's home."""
    if isinstance(value, str | Path):
        return json.dumps(shortened(_without_home(str(value))), ensure_ascii=False)
    if isinstance(value, list | tuple):
        items = [_shown_item(item) for item in value[:_MAX_SHOWN_ITEMS]]
        return "[" + ", ".join([*items, "…"] if len(value) > _MAX_SHOWN_ITEMS else items) + "]"
    return _shown_item(value)


def _shown_item(value: object) -> str:
    if isinstance(value, str):
        return shown(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{…}" if value else "{}"
    if isinstance(value, list | tuple):
        return "[…]" if value else "[]"
    try:
        return shortened(str(value))
    except ValueError:  # Python refuses to print integers of thousands of digits
        return "a number of thousands of digits"


def shown_path(path: Path) -> str:
    """Return a path on one line, with ``~`` for the user's home."""
    return on_one_line(_without_home(str(path)))


def shown_key(key: str) -> str:
    """Return a key as a user wrote it, shortened and on one line; ``""`` for one of which nothing can be shown."""
    return shortened(key) or '""'


def shortened(text: str, limit: int = MAX_SHOWN) -> str:
    """Return text on one line, of at most ``limit`` characters."""
    line = on_one_line(text)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def accepted(schema: Mapping[str, Any]) -> str:
    """Return in words what a field's JSON schema accepts."""
    if "enum" in schema:
        return one_of([*map(json.dumps, schema["enum"])])
    kind = schema["type"]
    if kind == "boolean":
        return Message("true or false")
    if kind == "array":
        items = schema["items"]
        what = _ITEMS.get(items.get("description"), _STRINGS)
        found = Message("a list of {items}", items=what)
        if "maxItems" in schema:
            found = Message("a list of at most {most} {items}", most=schema["maxItems"], items=what)
        if "minLength" in items:
            least, most = items["minLength"], items["maxLength"]
            found = Message("{list} of {least} to {most} characters", list=found, least=least, most=most)
        return found
    if kind == "string":
        if "examples" not in schema:
            return Message("a path")
        return Message(
            "the tag of a language, such as {examples}", examples=one_of([*map(json.dumps, schema["examples"])])
        )
    least, most = schema["minimum"], schema["maximum"]
    if kind == "integer":
        return Message("a whole number from {least} to {most}", least=least, most=most)
    return Message("a number from {least} to {most}", least=least, most=most)


def _without_home(text: str) -> str:
    try:
        home = str(Path.home())
    except RuntimeError:
        return text
    if len(home) <= 1:
        return text
    # Only as whole folders from the root: neither /home/annabel nor /mnt/home/ann is the home of /home/ann.
    return re.sub(rf"(?<![\w.~-]){re.escape(home)}(?![\w.-])", "~", text)

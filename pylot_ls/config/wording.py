"""How values, paths and what is accepted are worded for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pylot_ls.trace import on_one_line

MAX_SHOWN = 60  # characters of a value in a message
_MAX_SHOWN_ITEMS = 5


def shown(value: object) -> str:
    """Return a value as it would be written in JSON, shortened, on one line and without the user's home."""
    if isinstance(value, str | Path):
        return json.dumps(_short(on_one_line(_without_home(str(value)))), ensure_ascii=False)
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
        return _short(on_one_line(str(value)))
    except ValueError:  # Python refuses to print integers of thousands of digits
        return "a number of thousands of digits"


def shown_path(path: Path) -> str:
    """Return a path on one line, with ``~`` for the user's home."""
    return on_one_line(_without_home(str(path)))


def shown_key(key: str) -> str:
    """Return a key as a user wrote it, shortened and on one line."""
    return _short(on_one_line(key))


def accepted(schema: Mapping[str, Any]) -> str:
    """Return in words what a field's JSON schema accepts."""
    if "enum" in schema:
        names = [json.dumps(name) for name in schema["enum"]]
        return ", ".join(names[:-1]) + f" or {names[-1]}"
    kind = schema["type"]
    if kind == "boolean":
        return "true or false"
    if kind == "array":
        return "a list of strings"
    if kind == "string":
        return "a path"
    return f"{'a whole number' if kind == 'integer' else 'a number'} from {schema['minimum']} to {schema['maximum']}"


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _without_home(text: str) -> str:
    try:
        home = str(Path.home())
    except RuntimeError:
        return text
    return text.replace(home, "~") if len(home) > 1 else text

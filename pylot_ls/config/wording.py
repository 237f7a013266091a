"""How values, paths and what is accepted are worded for people."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pylot_ls.trace import on_one_line

MAX_SHOWN = 60  # characters of a value in a message
_MAX_SHOWN_ITEMS = 5


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
        names = [json.dumps(name) for name in schema["enum"]]
        return ", ".join(names[:-1]) + f" or {names[-1]}"
    kind = schema["type"]
    if kind == "boolean":
        return "true or false"
    if kind == "array":
        items = schema["items"]
        most = f"at most {schema['maxItems']} " if "maxItems" in schema else ""
        what = items.get("description", "strings")
        if "minLength" not in items:
            return f"a list of {most}{what}"
        return f"a list of {most}{what} of {items['minLength']} to {items['maxLength']} characters"
    if kind == "string":
        return "a path"
    return f"{'a whole number' if kind == 'integer' else 'a number'} from {schema['minimum']} to {schema['maximum']}"


def _without_home(text: str) -> str:
    try:
        home = str(Path.home())
    except RuntimeError:
        return text
    if len(home) <= 1:
        return text
    # Only as whole folders from the root: neither /home/annabel nor /mnt/home/ann is the home of /home/ann.
    return re.sub(rf"(?<![\w.~-]){re.escape(home)}(?![\w.-])", "~", text)

"""Write the server's settings into package.json, for VS Code's settings page. Run it where a setting has changed.

Their descriptions go into package.nls.json; what changed there has to be said anew in the other languages' files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pylot_ls.config.fields import json_schema
from pylot_ls.config.sources import SECTION

PACKAGE = Path(__file__).parents[1] / "package.json"
TEXTS = PACKAGE.with_name("package.nls.json")
# What VS Code's settings page knows of JSON schema, and where a setting is one value for the whole window.
_WINDOW = {"scope": "window"}


def mirrored() -> dict[str, Any]:
    """The properties of the section with the server's settings: those that an editor may set."""
    return {
        f"{SECTION}.{name}": {**setting, "description": f"%setting.{name}%", **_WINDOW}
        for name, setting in _settings().items()
    }


def descriptions() -> dict[str, str]:
    """Their descriptions in English, by their keys in package.nls.json."""
    return {f"setting.{name}": setting["description"] for name, setting in _settings().items()}


def _settings() -> dict[str, Any]:
    return {
        f"{group}.{name}": setting
        for group, schema in json_schema()["properties"].items()
        for name, setting in schema["properties"].items()
    }


def properties(package: dict[str, Any]) -> dict[str, Any]:
    """Those that package.json has in that section, which holds nothing else."""
    _own, section = package["contributes"]["configuration"]
    found: dict[str, Any] = section["properties"]
    return found


def main() -> None:
    """Rewrite package.json and package.nls.json."""
    package = json.loads(PACKAGE.read_text(encoding="utf-8"))
    found = properties(package)
    found.clear()
    found.update(mirrored())
    texts = json.loads(TEXTS.read_text(encoding="utf-8")) | descriptions()
    for path, content in ((PACKAGE, package), (TEXTS, texts)):
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

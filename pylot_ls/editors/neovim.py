"""Neovim: the plugin as a package of its own, which Neovim loads by itself; no file of the user's is touched."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pylot_ls.editors.files import files_of
from pylot_ls.editors.steps import OwnFolder, Plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TAG = re.compile(r"(?<!\S)\*([^*\s]+)\*(?!\S)")


def plan(source: Path, data_folder: Path, command: Sequence[str]) -> Plan:
    """How Neovim is connected.

    Args:
        source: the plugin's files.
        data_folder: Neovim's ``stdpath('data')``.
        command: what starts the server.
    """
    files = files_of(source, "lsp", "plugin", "lua", "doc")
    files["lua/pylot/installed.lua"] = _installed(command)
    files["doc/tags"] = help_tags(files["doc/pylot.txt"].decode("utf-8"))
    folder = data_folder / "site" / "pack" / "pylot-ls" / "start" / "pylot-ls"
    return Plan(
        (OwnFolder(folder, files),),
        "open a file in Neovim 0.12 and type: the suggestion stands in grey behind the cursor, Tab accepts it; "
        ":help pylot has the rest",
    )


def _installed(command: Sequence[str]) -> bytes:
    # A string of JSON is one of Lua where it has no escapes but these.
    parts = ", ".join(json.dumps(part, ensure_ascii=False) for part in command)
    return f"-- Where `pylot-ls setup neovim` found the server.\nreturn {{ cmd = {{ {parts} }} }}\n".encode()


def help_tags(page: str) -> bytes:
    """The file ``tags`` that ``:helptags`` makes of the help page."""
    tags = sorted(_TAG.findall(page))
    return "".join(f"{tag}\tpylot.txt\t/*{tag}*\n" for tag in tags).encode()

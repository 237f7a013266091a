"""Emacs: a package in a folder of ours, and lines in the user's init file that load it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pylot_ls.editors.files import file_of
from pylot_ls.editors.steps import Block, OwnFolder, Plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


FILES = ("pylot.el", "pylot-ghost.el", "pylot-server.el")


def init_file(home: Path, config_folder: Path) -> Path:
    """The init file that Emacs loads; the first that is there, in the order in which Emacs looks (its manual, 51.4).

    Args:
        home: the user's, as Emacs has it.
        config_folder: where it looks last, ``~/.config/emacs`` on Unix.
    """
    places = (home / ".emacs.el", home / ".emacs", home / ".emacs.d" / "init.el")
    for place in places:
        if place.exists():
            return place
    if (home / ".emacs.d").exists() or not config_folder.exists():
        return home / ".emacs.d" / "init.el"
    return config_folder / "init.el"


def plan(source: Path, own_folder: Path, init: Path, command: Sequence[str]) -> Plan:
    """How Emacs is connected.

    Args:
        source: the folder of ``FILES``.
        own_folder: of pylot-ls, for what Emacs shall load.
        init: the user's init file.
        command: what starts the server.
    """
    parts = " ".join(_string(part) for part in command)
    lines = (
        f"(add-to-list 'load-path {_string(str(own_folder))})\n"
        "(when (and (>= emacs-major-version 30) (require 'pylot nil t))\n"
        f"  (setq pylot-command '({parts}))\n"
        "  (global-pylot-mode))\n"
    )
    return Plan(
        (OwnFolder(own_folder, {name: file_of(source, name) for name in FILES}), Block(init, lines, ";;")),
        "start Emacs 30, open a file of code and type: the suggestion stands in grey behind the cursor, TAB accepts it",
    )


def _string(text: str) -> str:
    # Lisp has the escapes of JSON for quotes and backslashes, and no others are needed in a path.
    return json.dumps(text, ensure_ascii=False)

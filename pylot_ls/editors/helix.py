"""Helix: lines in the user's languages.toml."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from typing import TYPE_CHECKING

from pylot_ls.editors.steps import Block, Plan
from pylot_ls.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAME = "pylot"
_TIMEOUT_S = 30
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# As in "  ✘ pylsp: 'pylsp' not found in $PATH"; Helix 24 has no mark before the name.
_SERVER = re.compile(r"^\s+(?:[^\w\s]+\s+)?([\w.+-]+):")


def servers_of(binary: str, language: str) -> list[str]:
    """The language servers that Helix has for a language; none where it does not say.

    Args:
        binary: Helix.
        language: as Helix names it.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the user's editor
            [binary, "--health", language], capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return read_health(done.stdout)


def read_health(report: str) -> list[str]:
    """The names of the servers in what ``hx --health LANGUAGE`` prints."""
    lines = iter(_COLOUR.sub("", report).splitlines())
    for line in lines:
        if line.startswith("Configured language servers:"):
            break
    names = []
    for line in lines:
        found = _SERVER.match(line)
        if found is None:
            break
        names.append(found[1])
    return [name for name in names if name != NAME]


def plan(languages_file: Path, command: Sequence[str], servers: dict[str, list[str]]) -> Plan:
    """How Helix is connected.

    Args:
        languages_file: the user's ``languages.toml``.
        command: what starts the server.
        servers: by language, those that it has beside ours.
    """
    program, *arguments = (json.dumps(part, ensure_ascii=False) for part in command)
    lines = [f"[language-server.{NAME}]", f"command = {program}"]
    if arguments:
        lines.append(f"args = [{', '.join(arguments)}]")
    for language, others in servers.items():
        names = ", ".join(json.dumps(name) for name in (*others, NAME))
        lines += ["", "[[language]]", f"name = {json.dumps(language)}", f"language-servers = [{names}]"]
    text = "".join(f"{line}\n" for line in lines)
    return Plan(
        (Block(languages_file, text, "#", lambda theirs, whole: _check(languages_file, theirs, whole, servers)),),
        "open a file in Helix and type: the suggestion is an entry of the completion menu (Ctrl-x in insert mode)",
    )


def _check(path: Path, theirs: str, whole: str, servers: dict[str, list[str]]) -> None:
    """Refuse what Helix could not read, and what the user has set already."""
    try:
        before = tomllib.loads(theirs)
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"{path} is no TOML as it is: {error}; mend it first") from error
    named = {each.get("name") for each in before.get("language", []) if isinstance(each, dict)}
    for language in servers:
        if language in named:
            raise SetupError(
                f'{path} has a [[language]] for {language} of yours: add "{NAME}" to its language-servers by hand, '
                "and set up the other languages with --language"
            )
    try:
        tomllib.loads(whole)
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"{path} names a language server {NAME} already: take it out first ({error})") from error

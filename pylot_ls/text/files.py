"""Documents read from disk, for commands; the server gets its documents from the client."""

from __future__ import annotations

import codecs
import os
import stat
from typing import IO, TYPE_CHECKING

from pylot_ls.errors import DocumentError, NotTextError
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES = 64 * 1024 * 1024

_LANGUAGE_BY_SUFFIX = {
    ".bash": "shellscript",
    ".c": "c",
    ".cc": "cpp",
    ".cjs": "javascript",
    ".cpp": "cpp",
    ".cs": "csharp",
    ".css": "css",
    ".cxx": "cpp",
    ".go": "go",
    ".h": "c",
    ".hpp": "cpp",
    ".html": "html",
    ".java": "java",
    ".js": "javascript",
    ".json": "json",
    ".jsx": "javascriptreact",
    ".kt": "kotlin",
    ".lua": "lua",
    ".markdown": "markdown",
    ".md": "markdown",
    ".mjs": "javascript",
    ".php": "php",
    ".py": "python",
    ".pyi": "python",
    ".rb": "ruby",
    ".rs": "rust",
    ".sh": "shellscript",
    ".sql": "sql",
    ".swift": "swift",
    ".toml": "toml",
    ".ts": "typescript",
    ".tsx": "typescriptreact",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".zig": "zig",
    ".zsh": "shellscript",
}
_LANGUAGE_BY_NAME = {"dockerfile": "dockerfile", "makefile": "makefile"}


def guess_language_id(path: Path) -> str:
    """The LSP language id that a file's name suggests, "plaintext" where it suggests none."""
    by_name = _LANGUAGE_BY_NAME.get(path.name.lower())
    return by_name or _LANGUAGE_BY_SUFFIX.get(path.suffix.lower(), "plaintext")


def read_text(path: Path) -> str:
    """The text of a UTF-8 file with its line terminators as they are, without a byte order mark.

    Raises:
        DocumentError: the path leads to no regular file that can be read and holds at most MAX_FILE_BYTES.
        NotTextError: the file is binary or in another encoding.
    """
    try:
        data = _read_bytes(path)
    except FileNotFoundError:
        raise DocumentError(f"There is no file {_shown(path)}. Check the path.") from None
    except PermissionError:
        raise DocumentError(f"{_shown(path)} may not be read: permission denied. Check its permissions.") from None
    except OSError as error:
        raise DocumentError(f"{_shown(path)} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:  # a NUL, or a character that no file name can hold
        raise DocumentError(f"{_shown(path)} is not a possible path: {error}.") from error
    return _decode(path, data)


def document_from_file(path: Path) -> Document:
    """A document of a file's text, with version 0, its ``file://`` URI and the language its name suggests.

    Raises:
        DocumentError, NotTextError: as ``read_text``.
    """
    text = Text.from_str(read_text(path))
    return Document(uri=path.resolve().as_uri(), language_id=guess_language_id(path), version=0, text=text)


def _shown(path: Path) -> str:
    """A path for a message: one that holds control characters or no valid Unicode is escaped."""
    name = str(path)
    return name if name.isprintable() else repr(name)


def _read_bytes(path: Path) -> bytes:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise DocumentError(f"{_shown(path)} is a folder. Name a file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise DocumentError(f"{_shown(path)} is not a regular file (a pipe, a socket or a device). Name a text file.")
    if status.st_size <= MAX_FILE_BYTES:
        with _open_without_waiting(path) as file:
            # One byte more than allowed: a file can grow, and those in /proc do not tell their size.
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) <= MAX_FILE_BYTES:
            return data
    limit_mib = MAX_FILE_BYTES // (1024 * 1024)
    raise DocumentError(f"{_shown(path)} is larger than {limit_mib} MiB, the most that is read as one document.")


def _open_without_waiting(path: Path) -> IO[bytes]:
    # Should a pipe take the file's place after it was looked at, opening it must not wait for a writer.
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))


def _decode(path: Path, data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise NotTextError(f"{_shown(path)} is not UTF-8 text but seems to be UTF-16. Save it as UTF-8.")
    if b"\0" in data:
        raise NotTextError(f"{_shown(path)} seems to be a binary file: byte {data.index(0)} is NUL.")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        byte = data[error.start]
        raise NotTextError(
            f"{_shown(path)} is not UTF-8 text: byte {error.start} is 0x{byte:02x}. Save it as UTF-8."
        ) from None

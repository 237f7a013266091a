"""Which documents leave no trace on disk. Pure."""

from __future__ import annotations

import fnmatch
from urllib.parse import unquote, urlsplit

# Names under which secrets are kept; evaluated prompts hold a document's content.
_SECRET_NAMES = (
    ".env",
    ".env.*",
    "*.env",
    ".envrc",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.kdbx",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "*credentials*",
    "*secret*",
)


def may_be_kept(uri: str) -> bool:
    """Whether what is evaluated of a document may be kept on disk: only of saved files, none with a secret's name."""
    parts = urlsplit(uri)
    name = unquote(parts.path).rsplit("/", 1)[-1].lower()
    return parts.scheme == "file" and not any(fnmatch.fnmatchcase(name, pattern) for pattern in _SECRET_NAMES)

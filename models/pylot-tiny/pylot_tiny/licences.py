"""Which distributions may be trained on: what their metadata says of their licence. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message

# SPDX identifiers, in lower case.
_PERMISSIVE = {
    "0bsd",
    "apache-2.0",
    "bsd-2-clause",
    "bsd-3-clause",
    "isc",
    "mit",
    "mit-0",
    "mit-cmu",
    "psf-2.0",
    "python-2.0",
    "python-2.0.1",
}
# Classifiers end in one of these; the SPDX identifier that stands for each.
_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Python Software Foundation License": "PSF-2.0",
}
# Headings that say nothing by themselves.
_EMPTY_CLASSIFIERS = {"OSI Approved"}

# A licence named in free text, at its beginning: further down a text may speak of others.
_FREE_TEXT = (
    (re.compile(r"(the )?mit\b", re.IGNORECASE), "MIT"),
    (re.compile(r"(the )?(3-clause |2-clause |new |modified |simplified )*\(?bsd\b", re.IGNORECASE), "BSD"),
    (re.compile(r"(the )?apache\b", re.IGNORECASE), "Apache-2.0"),
    (re.compile(r"(the )?isc\b", re.IGNORECASE), "ISC"),
    (re.compile(r"(the )?(psf\b|python software foundation\b)", re.IGNORECASE), "PSF-2.0"),
)
_NOT_PERMISSIVE = re.compile(r"\b(A?GPL|LGPL|MPL|EUPL|CDDL|GNU|Mozilla|Proprietary|Commercial)", re.IGNORECASE)
_LONGEST_NAME = 120


def permissive_licence(metadata: Message) -> str | None:
    """The licence of a distribution, if its metadata says that it is permissive: MIT, BSD, Apache, PSF or ISC.

    ``License-Expression`` decides where it is there, then the classifiers, all of which must be permissive, then
    the beginning of ``License``. None for other licences, for none and for contradictory ones.

    Args:
        metadata: as the core metadata specifications define it, parsed.
    """
    expression = str(metadata.get("License-Expression") or "")
    if expression:
        return expression if _allows(expression) else None
    free_text = str(metadata.get("License") or "").strip()
    if _NOT_PERMISSIVE.search(free_text[:_LONGEST_NAME]):
        return None
    names = [
        value.rsplit(" :: ", 1)[-1]
        for value in map(str, metadata.get_all("Classifier") or [])
        if value.startswith("License :: ")
    ]
    names = [name for name in names if name not in _EMPTY_CLASSIFIERS]
    if names:
        known = [_CLASSIFIERS.get(name) for name in names]
        return " AND ".join(sorted(set(filter(None, known)))) if all(known) else None
    if free_text.lower() in _PERMISSIVE:
        return free_text
    return next((name for pattern, name in _FREE_TEXT if pattern.match(free_text)), None)


def _allows(expression: str) -> bool:
    """Whether an SPDX expression can be fulfilled with permissive licences alone.

    Parentheses are taken as they come in metadata, around alternatives or around everything; a WITH is refused.
    """
    if " WITH " in expression.upper():
        return False
    flat = expression.replace("(", " ").replace(")", " ")
    needed = re.split(r"\s+AND\s+", flat.strip(), flags=re.IGNORECASE)
    # A mixed expression without its parentheses is read the strict way: each side of an AND needs an alternative.
    return all(
        any(name.strip().lower() in _PERMISSIVE for name in re.split(r"\s+OR\s+", part, flags=re.IGNORECASE))
        for part in needed
    )

"""What no suggestion may hold: the text of special tokens, and characters that came out in halves. Pure."""

from __future__ import annotations

import re

# A model writes a special token's text where its training data spelt it out, or where its vocabulary lacks the token;
# one that decoding cut short is told by how it begins.
_SPECIAL = re.compile(
    r"""
      <[|\uff5c] [^\n<>]{1,40} [|\uff5c]>                          # <|endoftext|>, <|fim_middle|>
    | <[|\uff5c] [\w\u2581]* \Z
    | </? (?:fim|jupyter|issue|commit|repo|file|pr)_\w* (?:>|\Z)   # <fim_middle>, <file_sep>
    | \u2581? <(?:PRE|SUF|MID|EOT|EOS|BOS|PAD|UNK|MASK)>
    | <(?:start|end)_of_(?:turn|text|sentence)>
    | <(?:reponame|gh_stars|empty_output|eod|eot|eos|bos)>
    | <</?SYS>> | \[/?INST\]
    """,
    re.VERBOSE,
)
# Of a character whose bytes are incomplete the first of these is left; controls are no text that anybody types.
_BROKEN = re.compile("[\ufffd\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")


def clean(text: str) -> str:
    """The text up to the first thing in it that is no text."""
    for pattern in (_SPECIAL, _BROKEN):
        found = pattern.search(text)
        if found:
            text = text[: found.start()]
    return text

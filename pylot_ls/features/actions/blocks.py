"""Whether the blocks of a piece of Python are as they have to be: tree-sitter takes any indentation. Pure."""

from __future__ import annotations

import io
import token
import tokenize

_NO_CODE = frozenset({token.COMMENT, token.NL, token.NEWLINE, token.INDENT, token.DEDENT})


def blocks_are_sound(code: str) -> bool:
    r"""Whether each block is indented, begins behind a colon, and ends where one began that is around it.

    ``code``: whole lines; line terminators are ``\n``. Its first line may be indented.
    """
    last, is_begun, is_at_start = "", False, False
    try:
        for each in tokenize.generate_tokens(io.StringIO(code + "\n").readline):
            if each.type == token.INDENT:
                if is_begun and last != ":":
                    return False
                is_at_start = False
            elif each.type == token.NEWLINE:
                is_at_start = last == ":"
            elif each.type not in _NO_CODE:
                if is_at_start:
                    return False  # a block with nothing in it
                last, is_begun = each.string, True
    except (tokenize.TokenError, SyntaxError):
        return False
    return True

"""What a grammar may be before llama.cpp reads it. Pure.

llama.cpp says no to what is no grammar; but its reader calls itself at each bracket and at each rule, writes out what
is repeated, and never ends where the most is less than the least: a few characters can take the stack, all of the
memory, or the thread. What is not looked for is ambiguity: a text that a grammar reads in very many ways takes very
long, so grammars are written here and do not come from outside.
"""

from __future__ import annotations

import re

from pylot_ls.engine.left_recursion import NOTHING, TERMINAL, begins_with_itself
from pylot_ls.errors import RequestError

MOST_CHARACTERS = 32_768
MOST_BRACKETS = 64
MOST_REPEATED = 1000
# Of what is repeated within something that is repeated, and so on.
MOST_REPEATED_INSIDE = 10_000

# What hides brackets: a comment, a literal, a class of characters, and the character behind a backslash in them.
_HIDDEN = re.compile(r"#[^\n]*|\"(?:\\.|[^\"\\])*\"|\[(?:\\.|[^\]\\])*\]", re.DOTALL)
_SIGNS = re.compile(r"[()]|\{\s*(\d*)\s*(,?)\s*(\d*)\s*\}")


def check_grammar(grammar: str) -> None:
    """See that a text can be given to llama.cpp as a grammar.

    Raises:
        RequestError: it cannot.
    """
    if len(grammar) > MOST_CHARACTERS:
        raise RequestError(f"the grammar has {len(grammar)} characters; it may have {MOST_CHARACTERS}")
    if "\0" in grammar:
        raise RequestError("the grammar holds a null character; write it as \\x00")
    try:
        grammar.encode()
    except UnicodeEncodeError as error:
        raise RequestError("the grammar holds half a character (a lone surrogate)") from error
    bare = _HIDDEN.sub(_bare, grammar)
    _check_nesting(bare)
    name = begins_with_itself(bare)
    if name is not None:
        raise RequestError(f"the rule {name} of the grammar may begin with itself; let it end with itself")


def _bare(found: re.Match[str]) -> str:
    if found[0].startswith("#"):
        return ""
    return NOTHING if found[0] == '""' else TERMINAL


def _check_nesting(bare: str) -> None:
    """See that brackets are not too deep, and what is repeated not too long.

    ``bare``: as ``begins_with_itself`` has it.
    """
    # Of each bracket that is open, how often what is in it is repeated; a group is repeated behind its end.
    inside = [1]
    last = 1
    for sign in _SIGNS.finditer(bare):
        if sign[0] == "(":
            inside.append(1)
            last = 1
            if len(inside) > MOST_BRACKETS:
                raise RequestError(f"the grammar has more than {MOST_BRACKETS} brackets inside each other")
        elif sign[0] == ")":
            last = inside.pop() if len(inside) > 1 else 1
            inside[-1] = max(inside[-1], last)
        else:
            least, most = (int(number[:9] or 0) for number in (sign[1], sign[3] if sign[2] else sign[1]))
            if sign[3] and most < least:
                raise RequestError(f"the grammar repeats something at least {least} and at most {most} times")
            most = max(least, most)
            if most > MOST_REPEATED:
                raise RequestError(f"the grammar repeats something {most} times; it may {MOST_REPEATED} times")
            is_of_group = bare[: sign.start()].rstrip().endswith(")")
            total = most * (last if is_of_group else 1)
            if total > MOST_REPEATED_INSIDE:
                raise RequestError(
                    f"the grammar repeats what is repeated {total} times; it may {MOST_REPEATED_INSIDE} times"
                )
            inside[-1] = max(inside[-1], total)

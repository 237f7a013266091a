"""What a source defines, by name."""

from __future__ import annotations

from pylot_ls.syntax.definitions import definitions
from pylot_ls.syntax.grammars import grammar
from pylot_ls.syntax.parsing import parse
from pylot_ls.syntax.window import encode


def found_in(language_id, source):
    """The first definition of each name."""
    by_name = {}
    for each in definitions(parse(grammar(language_id), encode(source))):
        by_name.setdefault(each.name, each)
    return by_name

"""The errors of a whole text, however long a parse takes: for benchmarks, where nobody waits for a keystroke."""

from __future__ import annotations

import math
from functools import lru_cache

from pylot_ls.syntax.grammars import grammar
from pylot_ls.syntax.parsing import parse_whole
from pylot_ls.syntax.window import encode


@lru_cache(maxsize=4)
def n_errors(language_id: str, text: str) -> int | None:
    """How many errors and missing tokens a text has; None where there is no grammar of its language."""
    language = grammar(language_id)
    return None if language is None else parse_whole(language, encode(text)).n_errors(math.inf)

"""What the editor plugin llama.vim asks of llama-server at a cursor. Pure.

After autoload/llama.vim of github.com/ggml-org/llama.vim, with its defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pylot_ls.text.rope import Text

_PREFIX_LINES = 256
_SUFFIX_LINES = 64
# With more than this behind the cursor the plugin asks only when it is told to.
_LONGEST_REST = 8
_T_MAX_PROMPT_MS = 500
# For what is asked at a keystroke; it is 1000 where the plugin looks ahead.
_T_MAX_PREDICT_MS = 250


def infill_request(text: Text, offset: int, n_predict: int) -> dict[str, Any] | None:
    """The body of a request to ``/infill``; None where the plugin does not ask by itself.

    Args:
        text: the file.
        offset: of the cursor, in characters.
        n_predict: the most tokens to decode.
    """
    line_number = text.line_of(offset)
    start, end = text.line_start(line_number), text.line_end(line_number)
    line_before, rest = text.slice(start, offset), text.slice(offset, end)
    if not (line_before + rest).strip():
        line_before = rest = ""
    if len(rest) > _LONGEST_REST:
        return None
    above = [text.line(number) for number in range(max(0, line_number - _PREFIX_LINES), line_number)]
    last = min(text.n_lines, line_number + 1 + _SUFFIX_LINES)
    below = [text.line(number) for number in range(line_number + 1, last)]
    return {
        "id_slot": 0,
        "input_prefix": "\n".join(above) + "\n",
        "input_suffix": rest + "\n" + "\n".join(below) + "\n",
        # The chunks of other files that the plugin gathers over time: none, as we are given none.
        "input_extra": [],
        "prompt": line_before,
        "n_predict": n_predict,
        "n_indent": len(line_before) - len(line_before.lstrip()),
        "top_k": 40,
        "top_p": 0.9,
        "samplers": ["top_k", "top_p", "infill"],
        "stream": False,
        "cache_prompt": True,
        "t_max_prompt_ms": _T_MAX_PROMPT_MS,
        "t_max_predict_ms": _T_MAX_PREDICT_MS,
    }

"""Where a text ends by its lines: what llama-server's clients for editors ask for. Pure."""

from __future__ import annotations

_MS_IN_S = 1000.0
_BLANKS = " \t"


class LineRules:
    """Follows one text.

    Args:
        n_indent: it ends before a line that is indented by fewer blanks; 0 for any. Empty lines do not count.
        t_max_predict_ms: it ends, once it has a line's end in it, when so much time has passed since its first token;
            0 for any time.
    """

    def __init__(self, n_indent: int, t_max_predict_ms: float) -> None:
        self._n_indent = n_indent
        self._most_s = t_max_predict_ms / _MS_IN_S
        self._held = ""
        self._has_line_end = False

    @staticmethod
    def of(n_indent: int, t_max_predict_ms: float) -> LineRules | None:
        """The rules of a request; None where it has none."""
        return LineRules(n_indent, t_max_predict_ms) if n_indent or t_max_predict_ms else None

    def feed(self, text: str, seconds: float) -> tuple[str, bool]:
        """What is sure to stay of the text so far, and whether it is over.

        Args:
            text: what was added.
            seconds: since its first token.
        """
        self._held += text
        given, is_over = self._by_indent()
        self._has_line_end = self._has_line_end or "\n" in given
        is_late = self._has_line_end and 0 < self._most_s < seconds
        return given, is_over or is_late

    def rest(self) -> str:
        """What was held back, at the text's end."""
        return self._held

    def _by_indent(self) -> tuple[str, bool]:
        held, self._held = self._held, ""
        if not self._n_indent:
            return held, False
        start = 0
        while (end := held.find("\n", start)) >= 0:
            line = held[end + 1 :].lstrip("\r\n")
            blanks = len(line) - len(line.lstrip(_BLANKS))
            first = line[blanks : blanks + 1]
            if not first:
                self._held = held[end:]
                return held[:end], False
            if first not in "\r\n" and blanks < self._n_indent:
                return held[:end], True
            start = end + 1
        return held, False

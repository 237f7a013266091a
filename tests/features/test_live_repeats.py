"""What is left of a suggestion that is typed along repeats nothing that follows, closed brackets or not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.bench.flaws import repeats
from pylot_ls.engine.types import Usage
from pylot_ls.features.completion import Completion, CompletionOptions, Suggestion
from pylot_ls.features.live import LiveSuggestions
from pylot_ls.features.trim import trim
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

OPTIONS = CompletionOptions()
CLOSERS = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'"}
pieces = st.lists(
    st.sampled_from([*"ab()[]{}\"', ", "abc", "foo(", "):", "\n", "\n    ", "= [", "é", "x.y", "}\n", "(a, b)", "};"]),
    max_size=12,
).map("".join)


def document_of(text, version=1):
    return Document("file:///a", "plaintext", version, Text.from_str(text))


def closed_by_the_editor(typed):
    """The closing brackets and quotes of those that are open in what was typed, the innermost first."""
    waiting = []
    for character in typed:
        if waiting and character == waiting[-1]:
            waiting.pop()
        elif character in CLOSERS:
            waiting.append(CLOSERS[character])
    return "".join(reversed(waiting))


def test_a_line_that_would_become_the_next_one_is_no_suggestion():
    assert trim("a", "}\na}\n", "") == ""
    assert trim("a", ")\na}\n", "") == "a"


@given(pieces, pieces, pieces, st.data(), st.booleans())
def test_no_remainder_repeats_what_follows(before, answer, after, data, closes):
    shown = trim(answer, after, before.rpartition("\n")[2])
    if not shown:
        return
    live = LiveSuggestions()
    document = document_of(before + after)
    place = live.begin(document, len(before), OPTIONS)
    suggestion = Suggestion("id", shown, len(before), 0.5)
    live.settle(document.uri, place, Completion(suggestion, Usage(), shown))
    typed = shown[: data.draw(st.integers(0, len(shown)))]
    behind = (closed_by_the_editor(typed) if closes else "") + after
    found = live.find(document_of(before + typed + behind, 2), len(before + typed), OPTIONS)
    if found is not None and found.suggestion is not None:
        assert not repeats(found.suggestion.text, before + typed, behind)

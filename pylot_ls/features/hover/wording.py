"""A model's explanation as it is shown: one to three whole sentences of prose, or nothing. Pure."""

from __future__ import annotations

import re

from pylot_ls.features.cleaning import clean
from pylot_ls.features.repetition import repeats

MOST_SENTENCES = 3
_MOST_CHARACTERS = 600

_SENTENCE_END = re.compile(r"""[.!?…]+["'”»)\]]*(?=\s)|[\u3002\uff01\uff1f]+""")
# A full stop behind these ends no sentence.
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|resp|approx|no)|(?<!\w)\w|\bт\.\s?[екдп])\.\Z", re.IGNORECASE)
# What follows is code, or another section of documentation.
_SECTION = re.compile(r"```|\n\s*\n|\n\s*(?:[@:\\](?:param|returns?|throws|raises|type)|>>>|\w+:\s*(?:\n|\Z))")
_CODE_AT_START = re.compile(
    r"\s*(?:(?:def|class|return|import|from\s+\w+\s+import|if|for|while|func|fn)\b[^.!?]*[:({=]|return\s+\w+[.(\[]|self\.)"
)
_LETTER = re.compile(r"[^\W\d_]")
_LEAST_WORDS = 2
_WORD = re.compile(r"[^\W\d_]{2,}")
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LEAST_LETTERS = 0.6


def prose(received: str, *, is_over: bool) -> str:
    r"""What of a text that a model has written so far is worth showing: whole sentences, three at most.

    Args:
        received: without the marks of a comment; line terminators are ``\n``.
        is_over: whether the model has ended it. Then its end is a sentence's end, too.
    """
    text = clean(received)
    section = _SECTION.search(text)
    if section:
        text, is_over = text[: section.start()], True
    if repeats(text) or _CODE_AT_START.match(text):
        return ""
    text = " ".join(text.split()) + (" " if text[-1:].isspace() else "")
    ends = sentence_ends(text, is_over=is_over)[:MOST_SENTENCES]
    shown = _without_doubles(text, ends)
    return shown if len(shown) <= _MOST_CHARACTERS and _is_prose(shown) else ""


def is_enough(received: str) -> bool:
    """Whether a model need not go on."""
    section = _SECTION.search(received.lstrip())
    if (section and received[: section.start()].strip()) or len(received) > 2 * _MOST_CHARACTERS or repeats(received):
        return True
    return len(sentence_ends(" ".join(received.split()) + " ", is_over=False)) >= MOST_SENTENCES


def sentence_ends(text: str, *, is_over: bool) -> list[int]:
    """Where sentences end, as offsets behind their full stops."""
    ends = [
        found.end() for found in _SENTENCE_END.finditer(text) if not _ABBREVIATION.search(text[: found.start() + 1])
    ]
    if is_over and text.strip() and (not ends or text[ends[-1] :].strip()):
        ends.append(len(text))
    return ends


def _without_doubles(text: str, ends: list[int]) -> str:
    """The sentences up to the first that was said before."""
    said: list[str] = []
    start = 0
    for end in ends:
        sentence = text[start:end].strip()
        if sentence.casefold() in {each.casefold() for each in said}:
            break
        said.append(sentence)
        start = end
    joiner = "" if _IDEOGRAPH.search(text) and " " not in text else " "
    return joiner.join(said)


def _is_prose(text: str) -> bool:
    n_letters = len(_LETTER.findall(text))
    has_words = len(_WORD.findall(text)) >= _LEAST_WORDS or _IDEOGRAPH.search(text) is not None
    return has_words and n_letters >= _LEAST_LETTERS * len(text.replace(" ", ""))

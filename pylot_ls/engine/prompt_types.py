"""What prompts are made of: frozen dataclasses of plain values, as the requests that hold them."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Marker(enum.StrEnum):
    """A special token by its meaning; the backend knows which id the model gives it."""

    BOS = "bos"
    FIM_PREFIX = "fim_prefix"
    FIM_SUFFIX = "fim_suffix"
    FIM_MIDDLE = "fim_middle"


class FimOrder(enum.StrEnum):
    """How a fill-in-the-middle prompt is laid out.

    PSM is ``[PRE] prefix [SUF] suffix [MID] middle``; SPM is ``[SUF] suffix [PRE] prefix [MID] middle``
    (Bavarian et al. 2022, "Efficient Training of Language Models to Fill in the Middle").
    """

    PSM = "psm"
    SPM = "spm"


class Keep(enum.StrEnum):
    """Which end of a text stays when it has more tokens than its segment allows."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class TextSegment:
    """A piece of a prompt given as text.

    Attributes:
        text: any Unicode text.
        max_tokens: the most tokens it may take; None is no limit of its own.
        keep: which end stays when it is longer.
        cut_step: tokens are cut in multiples of this, so that a window moves rarely and the KV before the cut
            stays usable. At least 1.
        special: special tokens spelt out in the text become those tokens; else they stay ordinary text.
        opens: with ``special``, it is the beginning of a text: a vocabulary that puts a space before those puts one
            before it.
    """

    text: str
    max_tokens: int | None = None
    keep: Keep = Keep.END
    cut_step: int = 1
    special: bool = False
    opens: bool = False


@dataclass(frozen=True, slots=True)
class MarkerSegment:
    """A special token in a prompt."""

    marker: Marker


@dataclass(frozen=True, slots=True)
class TokensSegment:
    """A piece of a prompt given as tokens; ids that the model does not have are refused."""

    tokens: tuple[int, ...]


ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """What somebody says.

    Attributes:
        role: one of ``ROLES``. Calls of tools are part of what an assistant says, what comes of them says a "tool".
        content: texts that follow each other; special tokens spelt out in them stay ordinary text, unless a text says
            otherwise.
    """

    role: str
    content: tuple[TextSegment, ...]


@dataclass(frozen=True, slots=True)
class ChatSegment:
    """A conversation in the form that the model was trained on.

    A model goes on with what an assistant has begun to say where that stands in a ``TextSegment`` behind this one, and
    not in the last message, which is complete.

    Attributes:
        messages: in order, at least one. A form may have no place for them, as for a system's message at the end.
        opens_answer: whether it goes up to where the assistant's answer begins, and not just to the last message's end.
    """

    messages: tuple[ChatMessage, ...]
    opens_answer: bool = True


Segment = TextSegment | TokensSegment | MarkerSegment | ChatSegment
Prompt = tuple[Segment, ...]

"""Suggestions that are live: whoever types along one gets what is left of it, with no work of the model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pylot_ls.features.along import MOST_CLOSED, closed_behind, n_typed, up_to_closer
from pylot_ls.features.completion import Suggestion, suggestion_id
from pylot_ls.features.surroundings import Surroundings
from pylot_ls.features.trim import trim
from pylot_ls.prompts.window import with_line_feeds
from pylot_ls.text.difference import difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylot_ls.features.completion import Completion, CompletionOptions
    from pylot_ls.prompts.plan import Plan
    from pylot_ls.text.document import Document
    from pylot_ls.text.rope import Text

# A place is known again by so many lines before and after its own, or so many characters where they are long.
_LINES_AROUND = 3
_MOST_CHARACTERS = 600
# Of each document so many places are remembered.
_MOST_PLACES = 32
# Stands for the end of a document, behind which nothing may have been added.
_END = "\0"


@dataclass(slots=True, eq=False)
class Place:
    r"""A place in a document and what the model says there.

    Attributes:
        options: what the model was asked with.
        before: some lines of the document before the place.
        begins_text: whether they are all there is.
        after: some lines behind it; line terminators are ``\n``.
        low, high: offsets in the document as it was seen last, between which the place is; it may be there only once
            more is typed, or again.
        text: what is suggested there, as far as it is known; line terminators are ``\n``.
        is_whole: whether that is all; if not, it is being decoded.
        confidence: see Suggestion.
        plan: what the model was asked with, where that was before anybody got here; None from then on.
        leads_on: whether what follows may be prepared: not twice.
    """

    options: CompletionOptions
    before: str
    begins_text: bool
    after: str
    low: int
    high: int
    text: str = ""
    is_whole: bool = False
    confidence: float = 0.0
    plan: Plan | None = None
    leads_on: bool = True

    @classmethod
    def at(cls, text: Text, offset: int, options: CompletionOptions) -> Place:
        """A place in a text, of which nothing is known yet."""
        line = text.line_of(offset)
        start = max(text.line_start(max(0, line - _LINES_AROUND)), offset - _MOST_CHARACTERS)
        next_line = line + _LINES_AROUND + 1
        end = text.line_start(next_line) if next_line < text.n_lines else len(text)
        after = _behind(text, offset, min(end, offset + _MOST_CHARACTERS))
        return cls(options, text.slice(start, offset), start == 0, after, offset, offset)

    def move(self, start: int, old_end: int, new_end: int) -> None:
        """A range of the document was replaced by another one; at its border the place may be on either side."""
        if self.low > old_end:
            self.low += new_end - old_end
        elif self.low > start:
            self.low = start
        if self.high >= old_end:
            self.high += new_end - old_end
        elif self.high >= start:
            self.high = new_end

    def typed_since(self, text: Text, offset: int) -> Iterator[tuple[int, str]]:
        """Where the place may be now, and what stands between it and the cursor; the nearest first."""
        n = len(self.before)
        # Nobody types that much along.
        low = max(self.low, n, offset - 4 * len(self.text))
        high = min(self.high, offset, n if self.begins_text else offset)
        window = text.slice(low - n, high) if low <= high else None
        while window is not None:
            found = window.rfind(self.before)
            if found < 0:
                return
            place = low + found
            yield place, with_line_feeds(text.slice(place, offset))
            window = window[: found + n - 1] if n else None

    def is_typed_along(self, text: Text, offset: int) -> bool:
        """Whether what was typed since is what the model has said so far, which is not nothing."""
        return bool(self.text) and next(self._agreements(text, offset), None) is not None

    def remainder(self, text: Text, offset: int, suffix: str) -> str | None:
        """What is left to suggest, where somebody types along; None where nobody does, or the end is reached.

        It is "" where what comes next stands behind the cursor already, and there is more behind that. Once it is found
        where the place is, that is known exactly.
        """
        for place, n, closed in self._agreements(text, offset):
            rest = self._rest(n, closed, suffix)
            if rest or (closed and self.text[n:].lstrip(closed + " \t\n")):
                self.low = self.high = place
                return rest
        return None

    def _agreements(self, text: Text, offset: int) -> Iterator[tuple[int, int, str]]:
        """Where the place may be, how much of the text stands typed, and what the editor has closed behind."""
        now = ""
        for place, typed in self.typed_since(text, offset):
            n = n_typed(self.text, typed)
            if n is not None:
                # Two characters may be one line terminator.
                now = now or _behind(text, offset, offset + 2 * (len(self.after) + MOST_CLOSED))
                closed = closed_behind(typed, now, self.after)
                if closed is not None:
                    yield place, n, closed

    def _rest(self, n: int, closed: str, suffix: str) -> str:
        line_before = with_line_feeds(self.before).rpartition("\n")[2]
        if not closed:
            return trim(self.text, suffix, line_before)[n:]
        # What is closed behind the cursor stands behind this line of the suggestion, and not behind its first.
        start = self.text.rfind("\n", 0, n) + 1
        rest = up_to_closer(self.text[n:], closed)
        if n + len(rest) < len(self.text) and suffix.split("\n", 1)[0].strip():
            return rest.split("\n", 1)[0].rstrip()  # it ends before the very bracket that stands there
        return trim(self.text[start:n] + rest, suffix, "" if start else line_before)[n - start :]


@dataclass(frozen=True, slots=True)
class Found:
    """A suggestion that is live, and the place it comes from.

    Attributes:
        suggestion: None where what it says next stands behind the cursor already.
        others: what else is known there, where several suggestions are asked for.
    """

    suggestion: Suggestion | None
    place: Place
    others: tuple[Suggestion, ...] = ()


@dataclass(slots=True)
class _Places:
    """The places of a document, the one used last first, and the document as it was seen last."""

    text: Text
    places: list[Place] = field(default_factory=list)

    def see(self, text: Text) -> list[Place]:
        """The places as they are in a version of the document, which may be an older one, too."""
        change = difference(self.text, text)
        self.text = text
        if change is not None:
            edit = change.edit_near(change.n_before)
            for place in self.places:
                place.move(edit.start, edit.end, edit.new_end)
        return self.places


class LiveSuggestions:
    """What the model said lately, of a session's documents."""

    def __init__(self) -> None:
        self._documents: dict[str, _Places] = {}

    def begin(self, document: Document, offset: int, options: CompletionOptions, inserted: str = "") -> Place:
        """Remember a place of which the model is about to be asked; ``settle`` or ``discard`` it then.

        ``inserted``: the place is behind this text, once it stands at the offset.
        """
        text = document.text.replace(offset, offset, inserted)
        place = Place.at(text, offset + len(inserted), options)
        place.low = place.high = offset
        known = self._documents.setdefault(document.uri, _Places(document.text))
        known.see(document.text).insert(0, place)
        del known.places[_MOST_PLACES:]
        return place

    def settle(self, uri: str, place: Place, completion: Completion) -> None:
        """This is what the model said there."""
        if completion.suggestion is None:
            self.discard(uri, place)
            return
        place.text, place.is_whole = completion.shown, True
        place.confidence = completion.suggestion.confidence
        # What was asked with less than the whole prompt is no ground to build on.
        place.leads_on = not completion.usage.fallback
        known = self._documents.get(uri)
        if known is not None and place in known.places:
            behind = known.places.index(place) + 1
            known.places[behind:behind] = [
                replace(place, text=with_line_feeds(other.text), confidence=other.confidence)
                for other in completion.others
            ]
            del known.places[_MOST_PLACES:]

    def discard(self, uri: str, place: Place) -> None:
        """The model said nothing there, or was not heard to the end."""
        known = self._documents.get(uri)
        if known is not None and place in known.places:
            known.places.remove(place)

    def find(self, document: Document, offset: int, options: CompletionOptions) -> Found | None:
        """What is live at an offset: the suggestion used last of those along which was typed.

        What somebody has asked for by hand stays so when nobody does. Who asks for several gets what is known of the
        very place.
        """
        text, known = document.text, self._documents.get(document.uri)
        around = Surroundings.of(document, offset) if known else None
        if known is None or around is None or text.slice(offset - 1, offset + 1) == "\r\n":
            return None
        found: dict[str, Place] = {}
        for place in known.see(text):
            if not place.is_whole or not _serves(place, options):
                continue
            rest = place.remainder(text, offset, around.suffix)
            if rest is None or (options.n_candidates > 1 and place.low != offset):
                continue
            found.setdefault(rest, place)
            if len(found) == options.n_candidates:
                break
        if not found:
            return None
        used = next(iter(found.values()))
        known.places.remove(used)
        known.places.insert(0, used)
        suggestion, *others = [
            _suggestion(document, offset, rest.replace("\n", around.terminator), place) for rest, place in found.items()
        ]
        return Found(suggestion, used, tuple(other for other in others if other is not None))

    def prefer(self, document: Document, suggestion: Suggestion) -> None:
        """From now on this one of those that are live at its offset is found there first."""
        text, known = document.text, self._documents.get(document.uri)
        around = Surroundings.of(document, suggestion.offset) if known else None
        if known is None or around is None:
            return
        wanted = with_line_feeds(suggestion.text)
        for place in known.see(text):
            if place.is_whole and place.remainder(text, suggestion.offset, around.suffix) == wanted:
                known.places.remove(place)
                known.places.insert(0, place)
                return

    def is_along(self, place: Place, document: Document, offset: int, options: CompletionOptions) -> bool:
        """Whether somebody types along what is being decoded for a place."""
        known = self._documents.get(document.uri)
        if known is None or place not in known.places or not _serves(place, options):
            return False
        known.see(document.text)
        return place.is_typed_along(document.text, offset)

    def rest(self, place: Place, shown: str, document: Document, offset: int) -> Suggestion | None:
        """What somebody who types along has left of what is shown so far of a place; None where that is nothing."""
        known = self._documents.get(document.uri)
        around = Surroundings.of(document, offset)
        if known is None or around is None or place not in known.places:
            return None
        known.see(document.text)
        rest = replace(place, text=shown).remainder(document.text, offset, around.suffix)
        return _suggestion(document, offset, (rest or "").replace("\n", around.terminator), place)

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._documents.pop(uri, None)


def _serves(place: Place, options: CompletionOptions) -> bool:
    """Whether what was asked with the options of a place answers a question with these."""
    return place.options in (options, options.by_hand())


def _suggestion(document: Document, offset: int, text: str, place: Place) -> Suggestion | None:
    if not text:
        return None
    return Suggestion(suggestion_id(document, offset, text), text, offset, place.confidence)


def _behind(text: Text, offset: int, end: int) -> str:
    behind = with_line_feeds(text.slice(offset, end))
    return behind + _END if end >= len(text) else behind

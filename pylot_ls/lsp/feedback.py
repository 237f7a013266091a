"""What becomes of a session's suggestions, from edits and from what the editor says, into the log."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pylot_ls.config.feedback import make_feedback_writer
from pylot_ls.features.feedback_log import FeedbackRow
from pylot_ls.features.followed import Followed
from pylot_ls.language import Message, text_of
from pylot_ls.text.difference import difference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.config.settings import Settings
    from pylot_ls.errors import FeedbackLogError
    from pylot_ls.features.completion import Suggestion
    from pylot_ls.features.feedback_writer import FeedbackWriter
    from pylot_ls.text.document import Document

# After so long it is counted what is still there of accepted text.
KEPT_AFTER_S = 30.0
# An editor may tell of a suggestion when others were shown since.
_N_REMEMBERED = 64


class Cancellable(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None:
        """Let it not come."""


def _call_later(delay_s: float, work: Callable[[], None]) -> Cancellable:
    return asyncio.get_running_loop().call_later(delay_s, work)


@dataclass(slots=True, eq=False)
class _Offer:
    """A suggestion that was answered, and what is logged of it; ``group`` are the candidates for its place."""

    followed: Followed
    uri: str
    row: FeedbackRow
    group: list[_Offer]
    is_told_shown: bool = False
    is_settled: bool = False
    kept_timer: Cancellable | None = None
    n_kept: int = 0


class Feedback:
    """Follows a session's suggestions. Everything here runs on the event loop, and without a log does nothing.

    Args:
        document: an open document as it is now; None where it is not open.
        may_be_kept: whether anything of a document may be kept, as far as it is known.
        warn: tells the user.
        call_later: runs something after so many seconds.
    """

    def __init__(
        self,
        document: Callable[[str], Document | None],
        may_be_kept: Callable[[str], bool],
        warn: Callable[[str], None],
        call_later: Callable[[float, Callable[[], None]], Cancellable] = _call_later,
    ) -> None:
        self._document = document
        self._may_be_kept = may_be_kept
        self._warn = warn
        self._call_later = call_later
        self._writer: FeedbackWriter | None = None
        self._keeps_text = False
        # An editor that says what it shows has not shown the rest.
        self._tells_shown = False
        self._live: list[_Offer] = []
        self._accepted: list[_Offer] = []
        self._remembered: dict[str, tuple[_Offer, int]] = {}

    @property
    def is_on(self) -> bool:
        """Whether anything is logged."""
        return self._writer is not None

    def start(self, settings: Settings) -> None:
        """Begin to log, if the user wants that."""
        loop = asyncio.get_running_loop()

        def on_fault(error: FeedbackLogError) -> None:
            text = Message(
                "What becomes of suggestions is not logged: {reason}. `pylot-ls stats` says where the log is, "
                "`pylot-ls stats --clear` removes it.",
                reason=text_of(error),
            )
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._warn, text)

        self._writer = make_feedback_writer(settings, on_fault)
        self._keeps_text = settings.feedback.keep_text

    def shown(self, document: Document, suggestions: Sequence[Suggestion]) -> None:
        """These are about to be answered for one place, the best first: the editor shows the first, or offers all.

        What goes on where one before was typed along is that one. An answer to a document that was edited since is
        not shown.
        """
        if self._writer is None or not suggestions or self._document(document.uri) is not document:
            return
        group: list[_Offer] = []
        offers = [
            self._continued(document, suggestion) or self._offer(document, suggestion, group)
            for suggestion in suggestions
        ]
        for old in self._live:
            if old not in offers:
                self._settle(old)
        for offer, suggestion in zip(offers, suggestions, strict=True):
            self._remembered.pop(suggestion.id, None)
            self._remembered[suggestion.id] = offer, offer.followed.n_done
        while len(self._remembered) > _N_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._live = offers

    def edited(self, before: Document, after: Document) -> None:
        """A document was edited."""
        concerned = [offer for offer in {*self._live, *self._accepted} if offer.uri == after.uri]
        changed = difference(before.text, after.text) if concerned else None
        if changed is None:
            return
        for offer in concerned:
            offer.followed.edited(changed, after.text)
        self._review()

    def closed(self, uri: str) -> None:
        """A document is about to be closed."""
        for offer in [offer for offer in self._live if offer.uri == uri]:
            self._live.remove(offer)
            self._settle(offer)
        for offer in [offer for offer in self._accepted if offer.uri == uri]:
            self._measure(offer)

    def told_shown(self, suggestion_id: str) -> None:
        """The editor says that it shows a suggestion; one that is not known does not count."""
        if suggestion_id in self._remembered:
            self._tells_shown = True
            offer, _ = self._remembered[suggestion_id]
            offer.is_told_shown = True
            if offer.is_settled:
                self._write(offer)

    def told_accepted(self, suggestion_id: str, n_characters: Callable[[str], int] = len) -> None:
        """The editor says that a suggestion was accepted; one that is not known does not count.

        ``n_characters``: how much of the answered text.
        """
        if suggestion_id not in self._remembered:
            return
        offer, n_before = self._remembered[suggestion_id]
        followed = offer.followed
        followed.told_accepted(n_before + n_characters(followed.text[n_before:]))
        self._review()
        if offer.is_settled:
            self._keep_watch(offer)
            self._write(offer)

    async def close(self) -> None:
        """The session ends: log what is known by now."""
        for uri in {offer.uri for offer in (*self._live, *self._accepted)}:
            self.closed(uri)
        if self._writer is not None:
            await asyncio.to_thread(self._writer.close)

    def _offer(self, document: Document, suggestion: Suggestion, group: list[_Offer]) -> _Offer:
        keeps_text = self._keeps_text and self._may_be_kept(document.uri)
        followed = Followed(suggestion.text, suggestion.offset)
        row = FeedbackRow(
            key=secrets.randbits(62),
            day=datetime.now().astimezone().date(),
            language=document.language_id,
            verdict=followed.verdict,
            confidence=suggestion.confidence,
            n_characters=len(suggestion.text),
            text=suggestion.text if keeps_text else None,
        )
        group.append(_Offer(followed, document.uri, row, group))
        return group[-1]

    def _continued(self, document: Document, suggestion: Suggestion) -> _Offer | None:
        """The offer that a suggestion is the rest of; one of which only a part was there has grown."""
        for offer in self._live:
            followed = offer.followed
            if (offer.uri, followed.place) != (document.uri, suggestion.offset):
                continue
            if suggestion.text == followed.rest:
                return offer
            if suggestion.text.startswith(followed.rest) and len(offer.group) == 1:
                followed.grow(suggestion.text)
                text = None if offer.row.text is None else followed.text
                offer.row = replace(offer.row, n_characters=len(followed.text), text=text)
                return offer
        return None

    def _review(self) -> None:
        """See what became of those that are shown."""
        for offer in self._live:
            self._keep_watch(offer)
        over = [offer for offer in self._live if offer.followed.is_over]
        self._live = [offer for offer in self._live if offer not in over]
        for offer in over:
            self._settle(offer)

    def _keep_watch(self, offer: _Offer) -> None:
        """Of an accepted one, count some time later what is still there."""
        if offer.followed.is_accepted and offer not in self._accepted:
            self._accepted.append(offer)
            offer.kept_timer = self._call_later(KEPT_AFTER_S, lambda: self._measure(offer))

    def _measure(self, offer: _Offer) -> None:
        self._accepted.remove(offer)
        if offer.kept_timer is not None:
            offer.kept_timer.cancel()
        document = self._document(offer.uri)
        if document is not None:
            offer.n_kept = offer.followed.n_kept(document.text)
        if offer.is_settled:
            self._write(offer)

    def _settle(self, offer: _Offer) -> None:
        offer.is_settled = True
        self._write(offer)

    def _write(self, offer: _Offer) -> None:
        if self._writer is None or not self._counts(offer):
            return
        followed = offer.followed
        row = replace(
            offer.row,
            verdict=followed.verdict,
            n_typed=followed.n_typed,
            n_accepted=followed.n_accepted,
            n_kept=min(offer.n_kept, followed.n_accepted),
        )
        self._writer.put(row)

    def _counts(self, offer: _Offer) -> bool:
        """Whether the user saw it: of several candidates the one that was accepted, else the first."""
        shown = next((each for each in offer.group if each.followed.is_accepted), offer.group[0])
        if self._tells_shown:
            return offer.is_told_shown or (offer is shown and offer.followed.is_accepted)
        return offer is shown

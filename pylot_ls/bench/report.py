"""What ``bench keystrokes`` found: ours, a peer's, and how they compare. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from pylot_ls.bench.figures import Cost, Figures, figures, ratio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """The peer's side.

    Attributes:
        figures: as ours; ``ttft`` is the time of its prompt.
        n_batch: tokens of a prompt that it took at most.
        our_cpu_s: what our own server spent while the peer was working, which slows the peer down.
    """

    figures: Figures
    n_batch: int
    our_cpu_s: float

    def as_dict(self) -> dict[str, float | None]:
        """For JSON."""
        return {**self.figures.as_dict(), "n_batch": self.n_batch}


@dataclass(frozen=True, slots=True)
class PlaceFigures:
    """Of the keystrokes of one kind; see ``Figures``."""

    asked: int
    tokens_evaluated_p50: float
    tokens_evaluated_p95: float
    ttft_ms_p50: float
    ttft_ms_p95: float

    @classmethod
    def of(cls, costs: Sequence[Cost]) -> PlaceFigures:
        """The figures of these keystrokes."""
        all_of_them = figures(costs, None, 0.0, 0)
        return cls(**{each.name: getattr(all_of_them, each.name) for each in fields(cls)})


@dataclass(frozen=True, slots=True)
class KeystrokeReport:
    """Figures over the keystrokes of one trace.

    Attributes:
        keystrokes: how many were typed.
        suggestions: how many of them had a suggestion of ours.
        tokens_reused_p50: prompt tokens whose KV was there, ours.
        background_tokens: what our server evaluated beside the keystrokes, over all of them.
        step_ms_p50: one bare decode step; None where no model runs.
        max_tokens: the most tokens that each side decoded for a suggestion.
        n_threads: of each side.
        ours, peer: the two sides; None without a peer.
        places: ours, of the keystrokes that go on where the one before left off, and of those elsewhere; processor
            time is not told apart.
    """

    keystrokes: int
    suggestions: int
    tokens_reused_p50: float
    background_tokens: int
    step_ms_p50: float | None
    max_tokens: int
    n_threads: int
    ours: Figures
    peer: PeerFigures | None
    places: Mapping[str, PlaceFigures] = field(default_factory=dict)

    def ratios(self) -> dict[str, float | None] | None:
        """The peer's cost over ours."""
        if self.peer is None:
            return None
        theirs = self.peer.figures
        return {
            "ttft_p50": ratio(theirs.ttft_ms_p50, self.ours.ttft_ms_p50),
            "ttft_p95": ratio(theirs.ttft_ms_p95, self.ours.ttft_ms_p95),
            "cpu": ratio(theirs.cpu_s_per_1000_chars, self.ours.cpu_s_per_1000_chars),
        }

    def limit(self) -> dict[str, float | None] | None:
        """The ratio that a keystroke of exactly one bare decode step would have."""
        return None if self.peer is None else {"ttft_p50": ratio(self.peer.figures.ttft_ms_p50, self.step_ms_p50)}

    def as_dict(self) -> Mapping[str, Any]:
        """For JSON: our figures at the top, and again beside the peer's."""
        return {
            **asdict(self.ours),
            "keystrokes": self.keystrokes,
            "suggestions": self.suggestions,
            "tokens_reused_p50": self.tokens_reused_p50,
            "background_tokens": self.background_tokens,
            "step_ms_p50": self.step_ms_p50,
            "max_tokens": self.max_tokens,
            "n_threads": self.n_threads,
            "our_cpu_s_in_peers_turns": None if self.peer is None else self.peer.our_cpu_s,
            "places": {name: asdict(each) for name, each in self.places.items()},
            "ours": self.ours.as_dict(),
            "peer": None if self.peer is None else self.peer.as_dict(),
            "ratio": self.ratios(),
            "limit": self.limit(),
        }

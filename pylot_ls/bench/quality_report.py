"""What ``bench quality`` found: ours, a peer's, how they compare, and how far that can be trusted. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pylot_ls.bench.intervals import LEVEL, bootstrap
from pylot_ls.bench.scores import Question, Tally
from pylot_ls.bench.thresholds import Sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pylot_ls.bench.corpus import Corpus

# With fewer files than this, holes are resampled in their place.
_FEWEST_FILES = 5
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class FilledHole:
    """What the questions of one hole brought.

    Attributes:
        path, language: of the file.
        n_characters: that a person has to type; see ``Typing.n_characters``.
        ours: our questions.
        peer, peer_likeliest: the peer's, once for each time that the hole was filled with it, sampling as it does and
            with ``top_k`` 1; empty without a peer.
    """

    path: str
    language: str
    n_characters: int
    ours: Sequence[Question]
    peer: Sequence[Sequence[Question]] = ()
    peer_likeliest: Sequence[Sequence[Question]] = ()


@dataclass(frozen=True, slots=True)
class _Sums:
    """Of some holes."""

    ours: Tally
    peer: Tally
    likeliest: Tally
    sweep: Sweep

    @classmethod
    def of(cls, hole: FilledHole) -> _Sums:
        n_characters = hole.n_characters

        def tally(fills: Iterable[Sequence[Question]]) -> Tally:
            return Tally.total(Tally.of(n_characters, questions) for questions in fills)

        sweep = Sweep.of(n_characters, hole.ours)
        return cls(tally([hole.ours]), tally(hole.peer), tally(hole.peer_likeliest), sweep)

    @classmethod
    def total(cls, parts: Sequence[_Sums]) -> _Sums:
        return cls(
            Tally.total(part.ours for part in parts),
            Tally.total(part.peer for part in parts),
            Tally.total(part.likeliest for part in parts),
            Sweep.total(part.sweep for part in parts),
        )

    def ratios(self) -> dict[str, float | None]:
        """Ours over the peer's."""
        ours, peer, likeliest = self.ours.figures(), self.peer.figures(), self.likeliest.figures()
        kept = ours["kept_characters"]
        at_equal_kept = self.at_equal_kept()
        return {
            "kept_characters": _ratio(kept, peer["kept_characters"]),
            "kept_characters_top_k_1": _ratio(kept, likeliest["kept_characters"]),
            "wrong_shown_at_equal_kept": _ratio(at_equal_kept["wrong_shown"], peer["wrong_shown"]),
        }

    def at_equal_kept(self) -> dict[str, float | None]:
        """The confidence from which on our suggestions keep as much as the peer's, and how many of these are wrong.

        None of a peer that keeps nothing: as much is kept by showing nothing.
        """
        kept = self.peer.figures()["kept_characters"]
        found = self.sweep.wrong_at(kept) if kept else None
        confidence, wrong = (None, None) if found is None else found
        return {"confidence": confidence, "wrong_shown": wrong}

    def flat(self) -> dict[str, float | None]:
        """All figures under the names of side and figure."""
        sides = {"ours": self.ours.figures(), "peer": self.peer.figures(), "ratio": self.ratios()}
        return {f"{side}.{name}": value for side, values in sides.items() for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Figures over the holes of all files.

    Attributes:
        holes: what each brought; at least one.
        corpus: what was typed, and what was not.
        has_peer: whether there is a peer's side.
        seed: of the intervals' resampling.
    """

    holes: tuple[FilledHole, ...]
    corpus: Corpus
    has_peer: bool
    seed: int

    @property
    def resampled(self) -> str:
        """What the intervals take for independent."""
        return "files" if len(self._by(lambda hole: hole.path)) >= _FEWEST_FILES else "holes"

    def intervals(self) -> dict[str, dict[str, Any]]:
        """The 95 % intervals of the figures, by side and figure; each is low and high end, or None."""
        if self.resampled == "files":
            units = [_sums(holes) for holes in self._by(lambda hole: hole.path).values()]
        else:
            units = [_sums([hole]) for hole in self.holes]
        found = bootstrap(units, lambda sample: _Sums.total(sample).flat(), self.seed)
        sides: dict[str, dict[str, Any]] = defaultdict(dict)
        for key, interval in found.items():
            side, name = key.split(".")
            sides[side][name] = None if interval is None else [round(end, _DIGITS) for end in interval]
        return {side: values for side, values in sides.items() if side == "ours" or self.has_peer}

    def as_dict(self) -> Mapping[str, Any]:
        """For JSON."""
        return {
            **self._sides(self.holes),
            "interval": {"level": LEVEL, "resampled": self.resampled, **self.intervals()},
            "by_language": {
                language: {**self._counts(holes), **self._sides(holes)}
                for language, holes in sorted(self._by(lambda hole: hole.language).items())
            },
            **self._counts(self.holes),
            "skipped": dict(self.corpus.skipped),
            "trained_on": {
                "known": self.corpus.is_training_known,
                "files": self.corpus.trained_on.total(),
                "names": sorted(self.corpus.trained_on),
            },
        }

    def _sides(self, holes: Sequence[FilledHole]) -> dict[str, Any]:
        sums = _sums(holes)
        if not self.has_peer:
            return {"ours": _rounded(sums.ours.figures()), "peer": None, "ratio": None}
        return {
            "ours": {**_rounded(sums.ours.figures()), "at_equal_kept": _rounded(sums.at_equal_kept())},
            "peer": {**_rounded(sums.peer.figures()), "top_k_1": _rounded(sums.likeliest.figures())},
            "ratio": _rounded(sums.ratios()),
        }

    def _counts(self, holes: Sequence[FilledHole]) -> dict[str, int]:
        return {
            "files": len({hole.path for hole in holes}),
            "holes": len(holes),
            "characters": sum(hole.n_characters for hole in holes),
            "questions": sum(len(hole.ours) for hole in holes),
            "suggestions": sum(question.is_shown for hole in holes for question in hole.ours),
        }

    def _by(self, key: Callable[[FilledHole], str]) -> dict[str, list[FilledHole]]:
        groups: dict[str, list[FilledHole]] = defaultdict(list)
        for hole in self.holes:
            groups[key(hole)].append(hole)
        return groups


def _sums(holes: Sequence[FilledHole]) -> _Sums:
    return _Sums.total([_Sums.of(hole) for hole in holes])


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours is not None and theirs else None


def _rounded(values: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else round(value, _DIGITS) for name, value in values.items()}

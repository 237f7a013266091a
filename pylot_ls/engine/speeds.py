"""How fast models are on this machine: measured when they are loaded, remembered, and a forecast for others."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.identity import known_identity
from pylot_ls.engine.remembered import recall, remember

if TYPE_CHECKING:
    from pathlib import Path

_MOST_REMEMBERED = 64
# The steps of a smaller model are so short that other things than its size decide how long they take.
_SMALLEST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a model, on so many threads.

    Attributes:
        prefill_per_s: tokens of a prompt evaluated in a second.
        decode_per_s: tokens decoded in a second.
        n_bytes, n_params: of its weights.
    """

    prefill_per_s: float
    decode_per_s: float
    n_bytes: int
    n_params: int


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a model is, in tokens per second; ``is_measured`` or a forecast from another that is."""

    prefill_per_s: float
    decode_per_s: float
    is_measured: bool


@dataclass(frozen=True, slots=True)
class SpeedBook:
    """What was measured on this machine.

    Attributes:
        file: where it is remembered.
        identities: where the hashes of model files are (see ``model_identity``).
    """

    file: Path
    identities: Path

    def remember(self, identity: str, n_threads: int, measured: Measured) -> None:
        """Remember the newest measurement of a model."""
        known = recall(self.file)
        key = f"{identity}:{n_threads}"
        known.pop(key, None)
        remember(self.file, {**known, key: asdict(measured)}, _MOST_REMEMBERED)

    def speed(self, model: Path | None, n_threads: int, n_bytes: int, n_params: int) -> Speed | None:
        """How fast a model is; None where nothing is known that it could be compared with.

        Args:
            model: its file; None where it is not here.
            n_threads: on which it would run.
            n_bytes: of its weights.
            n_params: of them; 0 where that is not known.
        """
        entries = {key: each for key, raw in recall(self.file).items() if (each := _entry(raw))}
        identity = known_identity(model, self.identities) if model else None
        own = entries.get(f"{identity}:{n_threads}")
        if own is not None:
            return Speed(own.prefill_per_s, own.decode_per_s, is_measured=True)
        alike = [
            each
            for key, each in entries.items()
            if key.endswith(f":{n_threads}") and each.n_bytes >= _SMALLEST_BYTES and each.n_params
        ]
        if not alike or n_bytes < _SMALLEST_BYTES or not n_params:
            return None
        # Decoding reads all weights for each token, evaluating a prompt multiplies with all of them.
        nearest = min(alike, key=lambda each: abs(each.n_bytes - n_bytes))
        return Speed(
            nearest.prefill_per_s * nearest.n_params / n_params,
            nearest.decode_per_s * nearest.n_bytes / n_bytes,
            is_measured=False,
        )


def _entry(raw: object) -> Measured | None:
    if not isinstance(raw, dict):
        return None
    numbers = [raw.get(name) for name in ("prefill_per_s", "decode_per_s", "n_bytes", "n_params")]
    if not all(isinstance(number, int | float) and number > 0 for number in numbers):
        return None
    return Measured(float(raw["prefill_per_s"]), float(raw["decode_per_s"]), int(raw["n_bytes"]), int(raw["n_params"]))

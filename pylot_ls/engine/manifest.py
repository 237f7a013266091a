"""Manifests: what a model's own metadata does not say, in a TOML file of the same name beside it."""

from __future__ import annotations

import hashlib
import logging
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.types import FimOrder

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Which top-level modules and packages were kept out of a model's training.

    Those whose name, as an import statement writes it, has an MD5 digest that leaves one of ``remainders`` when it is
    divided by ``modulus``.
    """

    modulus: int
    remainders: tuple[int, ...]

    def holds_out(self, name: str) -> bool:
        """Whether the model has not been trained on the top-level module or package of this name."""
        digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
        return int(digest, 16) % self.modulus in self.remainders


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest adds.

    Attributes:
        fim_orders: orders of fill-in-the-middle prompts, the one that works best first.
        held_out: what of Python's standard library and of installed packages the model was not trained on; None where
            nothing is known of its training.
    """

    # PSM is what every published fill-in-the-middle model knows.
    fim_orders: tuple[FimOrder, ...] = (FimOrder.PSM,)
    held_out: HeldOut | None = None


def manifest_for(model: Path, folders: tuple[Path, ...]) -> Manifest:
    """The manifest ``<model's stem>.toml`` from beside the model or the first folder that has one, else the default.

    A manifest that cannot be used is logged and passed over: the model itself may be sound.
    """
    for folder in (model.parent, *folders):
        path = folder / f"{model.stem}.toml"
        if path.is_file():
            try:
                return _parse(tomllib.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError) as error:
                _log.warning("manifest %s is not used: %s", path, error)
    return Manifest()


def _parse(raw: dict[str, object]) -> Manifest:
    fim = raw.get("fim", {})
    orders = fim.get("orders") if isinstance(fim, dict) else None
    if not isinstance(orders, list) or not orders:
        accepted = ", ".join(order.value for order in FimOrder)
        raise ValueError(f"fim.orders must be a list of: {accepted}")
    return Manifest(fim_orders=tuple(FimOrder(order) for order in orders), held_out=_held_out(raw.get("training")))


def _held_out(training: object) -> HeldOut | None:
    if training is None:
        return None
    modulus = training.get("held_out_modulus") if isinstance(training, dict) else None
    remainders = training.get("held_out_remainders") if isinstance(training, dict) else None
    if type(modulus) is not int or modulus < 1:
        raise ValueError("training.held_out_modulus must be a whole number from 1 up")
    if not isinstance(remainders, list) or not all(type(each) is int and 0 <= each < modulus for each in remainders):
        raise ValueError("training.held_out_remainders must be a list of whole numbers from 0 to below the modulus")
    return HeldOut(modulus, tuple(remainders))

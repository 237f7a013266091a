"""Manifests: what a model's own metadata does not say, in a TOML file of the same name beside it."""

from __future__ import annotations

import logging
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.types import FimOrder

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest adds.

    Attributes:
        fim_orders: orders of fill-in-the-middle prompts, the one that works best first.
    """

    # PSM is what every published fill-in-the-middle model knows.
    fim_orders: tuple[FimOrder, ...] = (FimOrder.PSM,)


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
    return Manifest(fim_orders=tuple(FimOrder(order) for order in orders))

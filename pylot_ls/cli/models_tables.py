"""Models in rows, for people and for programs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

from pylot_ls.engine.footprint import kv_bytes_per_cell
from pylot_ls.engine.known_models import dimensions_of_manifest, plan_or_none, weights_bytes
from pylot_ls.engine.memory import dimensions_of
from pylot_ls.engine.memory_plan import least_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pylot_ls.engine.dimensions import Dimensions
    from pylot_ls.engine.memory_plan import Room, Wishes
    from pylot_ls.engine.probe import Probed
    from pylot_ls.engine.speeds import Speed, SpeedBook
    from pylot_ls.library.catalogue import Entry

_GIB = 2**30
# So that a terminal of 80 columns shows names, files and sizes whole.
_FOLDED = {"roles": 8, "licence": 10}


@dataclass(frozen=True, slots=True)
class Machine:
    """For which machine, and with which settings, forecasts are made.

    Attributes:
        room: what there is when nothing else runs.
        wishes: what the user has set.
        n_threads: for models of a size in bytes.
        speeds: what was measured here.
    """

    room: Room
    wishes: Wishes
    n_threads: Callable[[int], int]
    speeds: SpeedBook

    def forecast(self, dimensions: Dimensions) -> tuple[int, bool]:
        """The bytes that a model takes, at least where there is no room for it, and whether there is."""
        plan = plan_or_none(dimensions, self.wishes, self.room)
        if plan is None:
            return least_bytes(dimensions, self.wishes), False
        return plan.needed_bytes, True

    def speed(self, path: Path | None, n_bytes: int, n_params: int) -> Speed | None:
        """How fast a model is, or may be; None where there is nothing to compare it with."""
        return self.speeds.speed(path, self.n_threads(n_bytes), n_bytes, n_params)


@dataclass(frozen=True, slots=True)
class FileRow:
    """A model's file, here or on the hub; ``quantization`` is "" where it is not known."""

    quantization: str
    size_bytes: int
    forecast_bytes: int
    fits: bool
    speed: Speed | None
    path: str
    repository: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A model with its files: those that are here first, each with what it will take in memory."""

    entry: Entry
    files: tuple[FileRow, ...]

    @property
    def fits(self) -> bool:
        """Whether one of its files fits this machine."""
        return any(file.fits for file in self.files)


def row_of(entry: Entry, machine: Machine) -> Row:
    """A model's row."""
    manifest = entry.manifest
    files = []
    for quantization, path in entry.installed.items():
        size = path.stat().st_size
        speed = machine.speed(path, size, manifest.n_params)
        files.append(FileRow(quantization, size, *machine.forecast(dimensions_of(path)), speed, str(path)))
    for file in manifest.files:
        if file.quantization not in entry.installed:
            size = weights_bytes(manifest, file)
            found = machine.forecast(dimensions_of_manifest(manifest, size))
            speed = machine.speed(None, size, manifest.n_params)
            files.append(FileRow(file.quantization, size, *found, speed, "", file.repository, file.file))
    return Row(entry, tuple(files))


def as_dict(row: Row) -> dict[str, object]:
    """A row for programs; ``fits`` and ``forecast_bytes`` are forecasts."""
    manifest = row.entry.manifest
    return {
        "name": row.entry.name,
        "roles": [str(role) for role in row.entry.roles],
        "n_params": manifest.n_params,
        "n_ctx_train": manifest.n_ctx_train,
        "license": manifest.license,
        "license_note": manifest.license_note,
        "source": manifest.source,
        "installed": bool(row.entry.installed),
        "bundled": row.entry.is_bundled,
        "fits": row.fits,
        "files": [
            {
                "quantization": file.quantization,
                "size_bytes": file.size_bytes,
                "forecast_bytes": file.forecast_bytes,
                "fits": file.fits,
                **speed_facts(file.speed),
                "path": file.path or None,
            }
            for file in row.files
        ],
    }


def models_table(rows: list[Row]) -> Table:
    """A line for each model and quantisation."""
    table = Table(box=None, padding=(0, 0, 0, 1), pad_edge=False)
    for title in ("name", "size", "file, GiB", "roles", "licence", "got", "fits", "t/s"):
        table.add_column(title, no_wrap=title not in _FOLDED, overflow="fold", width=_FOLDED.get(title))
    for row in rows:
        manifest = row.entry.manifest
        license_name = f"{manifest.license}*" if manifest.license_note else manifest.license
        about = (row.entry.name, count(manifest.n_params)), (", ".join(row.entry.roles), license_name)
        for file in row.files:
            here = "yes" if file.path else ""
            size = f"{file.quantization} {max(0.1, file.size_bytes / _GIB):.1f}".strip()
            table.add_row(*about[0], size, *about[1], here, "yes" if file.fits else "no", rate(file.speed))
            about = ("", ""), ("", "")  # once is enough
    return table


def caption(machine: Machine) -> str:
    """What the table's last columns mean."""
    context = f"a context of {machine.wishes.n_ctx} tokens (model.n_ctx)" if machine.wishes.n_ctx else "a short context"
    return (
        f"fits: a forecast, at least with {context}, in the {gib(machine.room.total_bytes)} of this machine\n"
        "t/s: tokens decoded in a second, measured on this machine; ~ a forecast from another model that was\n"
        "licence*: has conditions, see pylot-ls models info NAME\n"
        "any other GGUF file works as well: pylot-ls models use PATH"
    )


def facts_of_model(row: Row) -> dict[str, object]:
    """What is known of a model that has a manifest."""
    manifest = row.entry.manifest
    texts = manifest.fim_texts
    return {
        **as_dict(row),
        "fim": {
            "orders": [str(order) for order in manifest.fim_orders],
            "tokens": [texts.prefix, texts.suffix, texts.middle],
            "file_form": manifest.file_form,
        }
        if texts
        else None,
        "chat_format": manifest.chat_format,
        "kv_bytes_per_token": manifest.kv.bytes_per_token if manifest.kv else None,
    }


def facts_of_file(path: Path, probed: Probed, machine: Machine) -> dict[str, object]:
    """What a file's own metadata say."""
    dimensions = dimensions_of(path)
    forecast_bytes, fits = machine.forecast(dimensions)
    return {
        "path": str(path),
        "name": probed.metadata.get("general.name", path.stem),
        "architecture": probed.architecture,
        "n_params": probed.n_params,
        "size_bytes": probed.size_bytes,
        "n_vocab": probed.n_vocab,
        "n_ctx_train": probed.n_ctx_train,
        "license": probed.metadata.get("general.license", ""),
        "generates": probed.generates,
        "has_fim": probed.has_fim,
        "chats": probed.chats,
        "kv_bytes_per_token": kv_bytes_per_cell(dimensions, "f16"),
        "forecast_bytes": forecast_bytes,
        "fits": fits,
        **speed_facts(machine.speed(path, probed.size_bytes, probed.n_params)),
        "metadata": dict(sorted(probed.metadata.items())),
    }


def speed_facts(speed: Speed | None) -> dict[str, object]:
    """How fast a model is, for programs, and whether that was measured or is a forecast; None where neither."""
    if speed is None:
        return {"decode_tokens_per_s": None, "prefill_tokens_per_s": None, "speed": None}
    return {
        "decode_tokens_per_s": round(speed.decode_per_s, 1),
        "prefill_tokens_per_s": round(speed.prefill_per_s, 1),
        "speed": "measured" if speed.is_measured else "forecast",
    }


def rate(speed: Speed | None) -> str:
    """Tokens decoded in a second, in four characters: ``~`` before what is a forecast."""
    if speed is None:
        return ""
    number = speed.decode_per_s
    text = f"{number:.1f}" if number < 9.95 else f"{number:.0f}" if number < 999.5 else f"{number / 1000:.0f}k"  # noqa: PLR2004
    return text if speed.is_measured else f"~{text}"


def lines(facts: Mapping[str, object], indent: str = "") -> Iterator[str]:
    """Facts for people, a line each."""
    for key, value in facts.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from lines(value, f"{indent}  ")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield f"{indent}{key}:"
            for each in value:
                yield f"{indent}  " + ", ".join(f"{name} {_shown(name, part)}" for name, part in each.items())
        else:
            yield f"{indent}{key}: {_shown(key, value)}"


def _shown(key: str, value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        text = "yes" if value else "no"
        return f"{text} (forecast)" if key == "fits" else text
    if isinstance(value, int) and key in {"size_bytes", "forecast_bytes"}:
        return gib(value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def gib(n_bytes: int) -> str:
    """A size with a unit that suits it."""
    return f"{n_bytes / _GIB:.1f} GiB" if n_bytes >= _GIB / 10 else f"{n_bytes / 2**20:.1f} MiB"


def count(number: int) -> str:
    """A number of parameters, shortened; "" for one that is not known."""
    return f"{number / 10**9:.1f}B" if number >= 10**9 else f"{number / 10**6:.0f}M" if number else ""

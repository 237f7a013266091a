"""Step 1: permissively licensed Python source, cleaned, without what is held out.

Reads the standard library of the Python that runs it, the packages installed there, and wheels in a folder, which
are read in place. Writes into the output folder ``texts.bin`` (UTF-8, one file's text after the other), ``index.tsv``
(where each stands), ``sources.tsv`` (name, version, licence, files, bytes of what went in) and ``held-out.txt``.
"""

from __future__ import annotations

import argparse
import email
import hashlib
import sys
import sysconfig
import zipfile
from collections import Counter
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track

from pylot_tiny.cleaning import LARGEST_BYTES, Duplicates, is_test, scrubbed, why_not
from pylot_tiny.licences import permissive_licence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Held out, as models/pylot-tiny.toml says: names whose MD5 digest leaves one of the remainders.
MODULUS = 25
REMAINDERS = (0, 1, 2)
# Of a package's tests, one file in so many is taken: they are many and alike.
_TESTS_ONE_IN = 4
# Nobody writes Python like these: data, or another language's.
_SKIPPED_LIBRARY = {"test", "lib2to3", "idlelib", "site-packages", "dist-packages", "__pycache__", "ensurepip"}
_LICENCE_OF_PYTHON = "PSF-2.0"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that may be trained on.

    Attributes:
        name: of the distribution.
        version, licence: its own.
        path: within it, with slashes; what an import statement writes comes first.
        text: line terminators are line feeds.
    """

    name: str
    version: str
    licence: str
    path: str
    text: str

    @property
    def top_level(self) -> str:
        """The module or package as an import statement writes it."""
        return self.path.split("/", 1)[0].split(".", 1)[0]


def is_held_out(name: str) -> bool:
    """Whether the top-level module or package of this name is never trained on."""
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return int(digest, 16) % MODULUS in REMAINDERS


def standard_library(folder: Path) -> Iterator[SourceFile]:
    """The files of a Python's standard library."""
    version = "{}.{}.{}".format(*sys.version_info)
    for path in sorted(folder.rglob("*.py")):
        relative = path.relative_to(folder)
        if not _SKIPPED_LIBRARY & set(relative.parts):
            text = _decoded(path.read_bytes())
            if text is not None:
                yield SourceFile("CPython", version, _LICENCE_OF_PYTHON, relative.as_posix(), text)


def installed(skipped: Counter[str]) -> Iterator[SourceFile]:
    """The files of the packages that are installed for the running Python, if they are permissive."""
    for distribution in sorted(metadata.distributions(), key=lambda each: each.metadata["Name"] or ""):
        about = email.message_from_string(distribution.read_text("METADATA") or "")
        licence = permissive_licence(about)
        if licence is None:
            skipped["licence"] += 1
            continue
        for entry in distribution.files or ():
            path = Path(str(distribution.locate_file(entry)))
            if entry.suffix == ".py" and ".." not in entry.parts and path.is_file():
                text = _decoded(path.read_bytes())
                if text is not None:
                    yield SourceFile(about["Name"], about["Version"], licence, entry.as_posix(), text)


def wheels(folder: Path, skipped: Counter[str]) -> Iterator[SourceFile]:
    """The files of the wheels in a folder, if they are permissive."""
    for path in track(sorted(folder.glob("*.whl")), "Reading wheels"):
        try:
            with zipfile.ZipFile(path) as archive:
                yield from _of_wheel(archive, skipped)
        except zipfile.BadZipFile:
            skipped["broken wheel"] += 1


def _of_wheel(archive: zipfile.ZipFile, skipped: Counter[str]) -> Iterator[SourceFile]:
    names = archive.namelist()
    inside = next((name for name in names if name.count("/") == 1 and name.endswith(".dist-info/METADATA")), None)
    if inside is None:
        skipped["no metadata"] += 1
        return
    about = email.message_from_bytes(archive.read(inside))
    licence = permissive_licence(about)
    if licence is None:
        skipped["licence"] += 1
        return
    for name in names:
        if name.endswith(".py") and ".data/" not in name and archive.getinfo(name).file_size <= LARGEST_BYTES:
            text = _decoded(archive.read(name))
            if text is not None:
                yield SourceFile(about["Name"], about["Version"], licence, name, text)


def _decoded(data: bytes) -> str | None:
    """The text, None for what is too large or not UTF-8."""
    if len(data) > LARGEST_BYTES or b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        return None


def clean(files: Iterable[SourceFile], skipped: Counter[str]) -> tuple[list[SourceFile], list[SourceFile]]:
    """What to train on, and what is held out.

    What is much like a held-out file is left out of both, wherever it stands.
    """
    kept: list[SourceFile] = []
    held_out: list[SourceFile] = []
    for file in files:
        if is_test(file.path) and hash_of(file.path) % _TESTS_ONE_IN:
            skipped["test"] += 1
        elif reason := why_not(file.path, file.text):
            skipped[reason] += 1
        else:
            text, n_secrets = scrubbed(file.text)
            skipped["(secrets and addresses scrubbed)"] += n_secrets
            cleaned = SourceFile(file.name, file.version, file.licence, file.path, text)
            (held_out if is_held_out(file.top_level) else kept).append(cleaned)
    duplicates = Duplicates()
    both = []
    for group in (held_out, kept):
        new = []
        for file in track(group, "Looking for duplicates"):
            reason = duplicates.add(file.text)
            if reason is None:
                new.append(file)
            else:
                skipped[reason] += 1
        both.append(new)
    return both[1], both[0]


def hash_of(text: str) -> int:
    """A number that is the same each time, unlike ``hash``."""
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(), 16)


def write(folder: Path, kept: list[SourceFile], held_out: list[SourceFile]) -> None:
    """Write the corpus; what is held out goes in for the measurement of the loss, marked so."""
    folder.mkdir(parents=True, exist_ok=True)
    n_files: Counter[tuple[str, str, str]] = Counter()
    n_bytes: Counter[tuple[str, str, str]] = Counter()
    start = 0
    with (folder / "texts.bin").open("wb") as texts, (folder / "index.tsv").open("w", encoding="utf-8") as index:
        for split, files in (("train", kept), ("held-out", held_out)):
            for file in files:
                data = file.text.encode()
                texts.write(data)
                index.write(f"{split}\t{file.name}\t{file.path}\t{start}\t{len(data)}\n")
                start += len(data)
                if split == "train":
                    key = (file.name, file.version, file.licence)
                    n_files[key] += 1
                    n_bytes[key] += len(data)
    rows = [
        "\t".join((*key, str(n_files[key]), str(n_bytes[key]))) for key in sorted(n_files, key=lambda k: k[0].lower())
    ]
    (folder / "sources.tsv").write_text("\n".join(["name\tversion\tlicence\tfiles\tbytes", *rows, ""]), "utf-8")
    names = sorted({file.top_level for file in held_out})
    (folder / "held-out.txt").write_text("\n".join([*names, ""]), "utf-8")


def main() -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="folder to write")
    parser.add_argument("--wheels", type=Path, help="folder of wheels to read as well")
    parser.add_argument("--no-installed", action="store_true", help="without the packages that are installed")
    options = parser.parse_args()
    skipped: Counter[str] = Counter()
    files = list(standard_library(Path(sysconfig.get_path("stdlib"))))
    if options.wheels:
        files += wheels(options.wheels, skipped)
    if not options.no_installed:
        files += installed(skipped)
    kept, held_out = clean(files, skipped)
    write(options.output, kept, held_out)
    console = Console()
    for reason, count in skipped.most_common():
        console.print(f"{count:9,} {reason}")
    n_bytes = sum(len(file.text) for file in kept)
    console.print(f"{len(kept):,} files, {n_bytes / 1e6:.1f} MB to train on; {len(held_out):,} files held out")


if __name__ == "__main__":
    main()

"""The source files of ``bench quality``: found, sampled, and without those that the model was trained on."""

from __future__ import annotations

import itertools
import os
import random
import re
import sysconfig
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pylot_ls.bench.holes import choose_holes
from pylot_ls.errors import DocumentError, NotTextError
from pylot_ls.text.files import guess_language_id, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pylot_ls.bench.holes import Hole
    from pylot_ls.engine.manifest import HeldOut

_LANGUAGES = {
    "c": "c",
    "cpp": "cpp",
    "go": "go",
    "java": "java",
    "javascript": "javascript",
    "javascriptreact": "javascript",
    "python": "python",
    "rust": "rust",
    "typescript": "typescript",
    "typescriptreact": "typescript",
}
# Larger files are generated, or data.
_LARGEST_BYTES = 1024 * 1024
_INSTALLED = {"site-packages", "dist-packages"}
_LEFT_OUT = {"__pycache__", "node_modules", *_INSTALLED}
_PYTHON_FOLDER = re.compile(r"python3(\.\d+)?t?")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is typed in.

    Attributes:
        path: of the file.
        language_id: as LSP names its language.
        language: what it is reported as.
        holes: what is typed, at least one.
    """

    path: Path
    language_id: str
    language: str
    holes: tuple[Hole, ...]


@dataclass(slots=True)
class Corpus:
    """What is typed in, and what is not.

    Attributes:
        sources: the files that are typed in.
        skipped: how many others were tried and cannot be, by the reason.
        is_training_known: whether it is known what the model was trained on.
        trained_on: of the files that it was trained on, which are left out, how many there are under each top-level
            name of a module or package.
    """

    is_training_known: bool
    sources: list[Source] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    trained_on: Counter[str] = field(default_factory=Counter)

    @property
    def n_holes(self) -> int:
        """In all files together."""
        return sum(len(source.holes) for source in self.sources)


def standard_library() -> Path:
    """The folder of this Python's standard library."""
    return Path(sysconfig.get_path("stdlib"))


def gather(paths: Sequence[Path], n_files: int, n_holes: int, seed: int, held_out: HeldOut | None) -> Corpus:
    """Choose files and the holes in them.

    Of a folder all source files below it count that no hidden folder, no ``node_modules`` and no folder of installed
    packages inside it holds. Where there are more files than wanted, languages take turns.

    Args:
        paths: files and folders.
        n_files: the most files.
        n_holes: the most holes in each.
        seed: makes the same choice of the same files.
        held_out: what the model was not trained on, None where that is not known.

    Raises:
        DocumentError: a path leads nowhere, or there is nothing under them to type in.
    """
    corpus = Corpus(is_training_known=held_out is not None)
    by_language: dict[str, list[Path]] = {}
    for path in sorted(set(_source_files(paths))):
        name = library_name(path)
        if held_out is not None and name is not None and not held_out.holds_out(name):
            corpus.trained_on[name] += 1
        else:
            by_language.setdefault(_LANGUAGES[guess_language_id(path)], []).append(path)
    chooser = random.Random(seed)  # noqa: S311 - repeatable, not secret
    for files in by_language.values():
        chooser.shuffle(files)
    for path in _in_turn(list(by_language.values())):
        if len(corpus.sources) >= n_files:
            break
        _add(corpus, path, n_holes, seed)
    if not corpus.sources:
        raise DocumentError(_why_none(paths, corpus))
    return corpus


def library_name(path: Path) -> str | None:
    """The top-level module or package that a file of a Python's standard library or installed packages belongs to.

    As an import statement writes it: ``code`` for ``.../python3.11/code.py``, ``json`` for all files of its package.
    None for a file from elsewhere.
    """
    parts = Path(os.path.abspath(path)).parts  # noqa: PTH100 - resolve() would follow links out of an environment
    top = [index + 1 for index, part in enumerate(parts) if part in _INSTALLED]
    if not top:
        own = Path(os.path.abspath(standard_library())).parts  # noqa: PTH100 - as above
        top = [len(own)] if parts[: len(own)] == own else []
    if not top:
        # The standard library of another Python.
        above = itertools.pairwise(parts)
        top = [
            index + 2
            for index, (lib, folder) in enumerate(above)
            if lib in {"lib", "lib64"} and _PYTHON_FOLDER.fullmatch(folder)
        ]
    if not top or top[-1] >= len(parts):
        return None
    name = parts[top[-1]]
    return name.split(".", 1)[0] if top[-1] == len(parts) - 1 else name


def _source_files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders[:] = [name for name in folders if not name.startswith(".") and name not in _LEFT_OUT]
                found = (Path(folder) / name for name in names)
                yield from (file for file in found if guess_language_id(file) in _LANGUAGES)
        elif not path.exists():
            raise DocumentError(f"There is no file or folder {path}. Check the path.")
        elif guess_language_id(path) in _LANGUAGES:
            yield path


def _in_turn(queues: list[list[Path]]) -> Iterator[Path]:
    for place in range(max(map(len, queues), default=0)):
        yield from (queue[place] for queue in queues if place < len(queue))


def _add(corpus: Corpus, path: Path, n_holes: int, seed: int) -> None:
    """Type in a file, or count why it is not."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            corpus.skipped["too large"] += 1
            return
        text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    except NotTextError:
        corpus.skipped["not UTF-8 text"] += 1
        return
    except (DocumentError, OSError):
        corpus.skipped["unreadable"] += 1
        return
    # By the name, so that a file's holes do not depend on which other files there are.
    holes = choose_holes(text, n_holes, random.Random(f"{seed} {path.name}"))  # noqa: S311 - repeatable, not secret
    if not holes:
        corpus.skipped["nothing to type"] += 1
        return
    language_id = guess_language_id(path)
    corpus.sources.append(Source(path, language_id, _LANGUAGES[language_id], holes))


def _why_none(paths: Sequence[Path], corpus: Corpus) -> str:
    where = ", ".join(map(str, paths))
    n_trained_on = corpus.trained_on.total()
    if not n_trained_on and not corpus.skipped:
        known = ", ".join(sorted(set(_LANGUAGES.values())))
        return f"There is no source file ({known}) under {where}. Name files or folders that hold some."
    reasons = [f"{count} {reason}" for reason, count in sorted(corpus.skipped.items())]
    if n_trained_on:
        reasons.append(f"{n_trained_on} that the model was trained on")
    return f"No source file under {where} can be typed in: {', '.join(reasons)}. Name other files or folders."

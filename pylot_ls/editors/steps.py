"""The steps of a setup: each says what it will do, does it, and undoes it. Nothing of the user's own is changed."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pylot_ls.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

# In a folder of ours: the names of the files that were put there, one a line.
_RECORD = ".pylot-ls-setup"
_BEGIN = ">>> pylot-ls setup >>> `pylot-ls setup --remove` takes these lines out, another setup replaces them"
_END = "<<< pylot-ls setup <<<"


class Step(Protocol):
    """One thing that a setup does."""

    def said(self) -> str:
        """What ``do`` will do, for the user to agree to."""
        ...

    def said_undone(self) -> str:
        """What ``undo`` will do; empty where there is nothing to undo."""
        ...

    def do(self) -> None:
        """Do it; done again, it is as if done once.

        Raises:
            SetupError: it cannot be done, or would change what is the user's.
        """
        ...

    def undo(self) -> None:
        """Take it back; where it was not done nothing happens.

        Raises:
            SetupError: it cannot be taken back.
        """
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What connects an editor.

    Attributes:
        steps: in the order in which they are done.
        then: what the user does next.
    """

    steps: tuple[Step, ...]
    then: str


@dataclass(frozen=True, slots=True)
class OwnFolder:
    """Files in a folder that is ours alone.

    Attributes:
        folder: it and those above are made if need be.
        files: content by path below the folder, with forward slashes.
    """

    folder: Path
    files: Mapping[str, bytes]

    def said(self) -> str:
        """See ``Step``."""
        return f"put {len(self.files)} files into {self.folder}"

    def said_undone(self) -> str:
        """See ``Step``."""
        return f"remove {self.folder}" if self._record.exists() else ""

    def do(self) -> None:
        """See ``Step``; a folder that a setup did not make is left alone."""
        if self.folder.exists() and not self._record.exists() and any(self.folder.iterdir()):
            raise SetupError(f"{self.folder} is there already, and not from a setup: remove it, or move it away")
        self.undo()  # an older version may have had other files
        with _told(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._record.write_text("".join(f"{name}\n" for name in self.files), encoding="utf-8")
            for name, content in self.files.items():
                path = self.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    def undo(self) -> None:
        """See ``Step``; files that somebody else put there stay, and the folder with them."""
        if not self._record.exists():
            return
        with _told(self.folder):
            names = self._record.read_text(encoding="utf-8").splitlines()
            for path in (*(self.folder / name for name in names), self._record):
                path.unlink(missing_ok=True)
                _remove_empty(path.parent, self.folder)

    @property
    def _record(self) -> Path:
        return self.folder / _RECORD


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of ours at the end of a file of the user's, between two marks.

    Attributes:
        path: of the file; it is made if need be, and removed when nothing else was in it.
        lines: without the marks.
        comment: how a comment begins in that file.
        check: raises SetupError where the file would not be sound with the block, or has what the block sets.
    """

    path: Path
    lines: str
    comment: str
    check: Callable[[str, str], None] = field(default=lambda _theirs, _whole: None)

    def said(self) -> str:
        """See ``Step``."""
        theirs, ours = self._parts()
        what = "replace the lines of an earlier setup in" if ours else "add to the end of" if theirs else "write"
        return f"{what} {self.path}:\n\n" + "".join(f"    {line}\n" for line in self.lines.splitlines())

    def said_undone(self) -> str:
        """See ``Step``."""
        return f"take the lines of the setup out of {self.path}" if self._parts()[1] else ""

    def do(self) -> None:
        """See ``Step``."""
        theirs, _ = self._parts()
        begin, end = self._marks()
        gap = "" if not theirs else "\n" if theirs.endswith("\n") else "\n\n"
        whole = f"{theirs}{gap}{begin}\n{self.lines}{end}\n"
        self.check(theirs, whole)
        self._write(whole)

    def undo(self) -> None:
        """See ``Step``."""
        theirs, ours = self._parts()
        if ours:
            self._write(theirs)

    def _marks(self) -> tuple[str, str]:
        return f"{self.comment} {_BEGIN}", f"{self.comment} {_END}"

    def _parts(self) -> tuple[str, str]:
        """The user's own text and the block in it; what a setup put between the two is the block's."""
        with _told(self.path):
            text = self.path.read_bytes().decode("utf-8") if self.path.exists() else ""
        begin, end = self._marks()
        start = text.find(begin)
        stop = text.find(end, start)
        if start < 0:
            return text, ""
        if stop < 0:
            raise SetupError(f"{self.path} has the first mark of a setup and not the last: mend it by hand")
        after = text[stop + len(end) :].removeprefix("\r").removeprefix("\n")
        before = text[:start]
        return before.removesuffix("\n") + after if before.endswith("\n\n") else before + after, text[start:stop]

    def _write(self, text: str) -> None:
        with _told(self.path):
            target = self.path.resolve()  # a link into a folder of dotfiles stays one
            if not text:
                target.unlink(missing_ok=True)
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
            try:
                unfinished.write_bytes(text.encode("utf-8"))
                with contextlib.suppress(FileNotFoundError):
                    unfinished.chmod(target.stat().st_mode & 0o777)
                unfinished.replace(target)
            finally:
                unfinished.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Command:
    """A program of the editor's that puts something in, and one that takes it out.

    Attributes:
        run, run_undone: the program with its arguments.
    """

    run: tuple[str, ...]
    run_undone: tuple[str, ...]

    def said(self) -> str:
        """See ``Step``."""
        return f"run {' '.join(self.run)}"

    def said_undone(self) -> str:
        """See ``Step``."""
        return f"run {' '.join(self.run_undone)}"

    def do(self) -> None:
        """See ``Step``."""
        _run(self.run)

    def undo(self) -> None:
        """See ``Step``."""
        _run(self.run_undone)


def _run(command: tuple[str, ...]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603 - the user agreed
    except OSError as error:
        raise SetupError(f"{command[0]} cannot be run: {error.strerror or error}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise SetupError(f"{' '.join(command)} failed: {said[-1] if said else f'exit code {done.returncode}'}")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """What the file system refuses, as an error for the user."""
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SetupError(f"{path} cannot be read or written: {reason}") from error


def _remove_empty(folder: Path, top: Path) -> None:
    """Remove a folder and those above it, up to and with ``top``, as far as they are empty."""
    while folder == top or top in folder.parents:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent

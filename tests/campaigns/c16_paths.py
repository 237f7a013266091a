"""Paths in URIs, settings and ignore files that lead where nothing is to be read: what is opened is watched."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
from campaign import Campaign, Trial
from served import HANG_S, InProcess, editing, opening, place

from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.features import privacy
from pylot_ls.features.ignore_files import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Read by their names in folders above a document, whatever those are; what they say goes no further than yes or no.
_RULES = {*NAMES, "exclude", "commondir", ".git"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
_DEVICES = ("/dev/zero", "/dev/stdin", "/proc/self/environ", "/etc/passwd")
_PATH_SETTINGS = ("model.path", "roles.chat", "roles.embed", "log.file", "model.adapters", "cache.enabled")
_OF_THE_USER = ("model", "roles", "log", "cache")


@dataclass
class Watch:
    """Sees what this process opens while it is on.

    Attributes:
        outside: a folder from which nothing is to be read.
        own: where may be written.
    """

    outside: Path
    own: Path
    is_on: bool = False
    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.is_on or not args or not isinstance(args[0], str | bytes | os.PathLike):
            return
        with contextlib.suppress(OSError, ValueError):
            path = os.fspath(os.fsdecode(args[0]))
            real = Path(os.path.realpath(path))
            writes = event in _CHANGES or (event == "open" and bool((args[2] or 0) & _WRITES))
            if writes and not real.is_relative_to(self.own) and real.suffix != ".pyc" and "__pycache__" not in path:
                self.writes.append(path)
            elif event in {"open", "os.listdir", "os.scandir"} and self._is_outside(path, real):
                self.reads.append(path)

    def _is_outside(self, path: str, real: Path) -> bool:
        if path.startswith(("//", "\\\\")) or path in _DEVICES or str(real) in _DEVICES:
            return True
        return real.is_relative_to(self.outside) and real.name not in _RULES

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        self.is_on = True
        try:
            yield
        finally:
            self.is_on = False


_watches: list[Watch] = []


def _hear(event: str, args: tuple[Any, ...]) -> None:
    for watch in _watches:
        watch.hear(event, args)


@dataclass
class Ground:
    """A project, and beside it what does not belong to it."""

    trial: Trial
    project: Path
    outside: Path
    number: int = 0

    @property
    def secret(self) -> Path:
        return self.outside / "secret.py"

    def name(self) -> str:
        self.number += 1
        return f"a{self.number}"

    def folder(self) -> Path:
        made = self.project / self.name()
        made.mkdir()
        return made


def uri_up(ground: Ground) -> str:
    up = ground.trial.rng.choice(["..", "%2e%2e", "%2E.", ".%2e", "..%2F..", "..%5c..", "%252e%252e", "./.."])
    slash = ground.trial.rng.choice(["/", "%2F", "%2f", "//", "/./"])
    return f"{ground.project.as_uri()}{slash}{up}{slash}outside{slash}secret.py"


def uri_of_a_link(ground: Ground) -> str:
    link = ground.project / f"{ground.name()}.py"
    link.symlink_to(ground.trial.rng.choice([ground.secret, Path("..", "outside", "secret.py"), *map(Path, _DEVICES)]))
    return link.as_uri()


def uri_through_a_link(ground: Ground) -> str:
    link = ground.project / ground.name()
    link.symlink_to(ground.outside)
    return (link / "secret.py").as_uri()


def uri_of_a_loop(ground: Ground) -> str:
    one, other = ground.project / ground.name(), ground.project / ground.name()
    one.symlink_to(other)
    other.symlink_to(one)
    return (one / "a.py").as_uri()


def uri_of_a_pipe(ground: Ground) -> str:
    pipe = ground.project / f"{ground.name()}.py"
    os.mkfifo(pipe)
    return pipe.as_uri()


def uri_of_a_device(ground: Ground) -> str:
    return "file://" + ground.trial.rng.choice(_DEVICES)


def uri_elsewhere(ground: Ground) -> str:
    return ground.trial.rng.choice([
        "file://server/share/secret.py", "file:////server/share/secret.py", "file://%2F%2Fserver/share/secret.py",
        r"file:\\server\share\secret.py", "file:///%5C%5Cserver/share/secret.py", "smb://server/share/secret.py",
        f"http://localhost{ground.secret}", f"untitled:{ground.secret}", "vscode-remote://x/a.py", "", "file:",
    ])  # fmt: skip


def uri_with_nul(ground: Ground) -> str:
    end = ground.trial.rng.choice(["%00", "%00.py", "\0", "%ff%fe", "\ud800", "%", "%zz", "?x", "#x", "x" * 5000])
    return f"{ground.secret.as_uri()}{end}"


def uri_beside_rules(ground: Ground) -> str:
    """A document whose folder holds an ignore file that is something else."""
    folder = ground.folder()
    rules = folder / ground.trial.rng.choice(NAMES)
    match ground.trial.rng.randrange(4):
        case 0:
            rules.symlink_to(ground.secret)
        case 1:
            rules.symlink_to(ground.trial.rng.choice(_DEVICES))
        case 2:
            os.mkfifo(rules)
        case _:
            rules.write_bytes(ground.trial.rng.choice([b"\0" * 9, b"*" * 200_000, b"/../../outside/*\n", b"[" * 90]))
    return (folder / "a.py").as_uri()


def uri_beside_git(ground: Ground) -> str:
    """A document in a repository that says it lies elsewhere."""
    folder = ground.folder()
    place = ground.trial.rng.choice(
        [ground.outside, "../../outside", "//server/share", r"\\server\share", "/dev", "\0"]
    )
    (folder / ".git").write_text(f"gitdir: {place}\n")
    return (folder / "a.py").as_uri()


def uri_in_a_race(ground: Ground) -> str:
    """A file that becomes a link while it is asked about: it is one by the time the folder is looked at."""
    path = ground.project / f"{ground.name()}.py"
    path.write_text("x = 1\n")

    def swap() -> None:
        with contextlib.suppress(OSError):
            path.unlink()
            path.symlink_to(ground.secret)

    asyncio.get_running_loop().call_soon(swap)
    return path.as_uri()


URIS: tuple[Callable[[Ground], str], ...] = (
    uri_up, uri_of_a_link, uri_through_a_link, uri_of_a_loop, uri_of_a_pipe, uri_of_a_device, uri_elsewhere,
    uri_with_nul, uri_beside_rules, uri_beside_git, uri_in_a_race,
)  # fmt: skip


async def attack_by_uri(ground: Ground, client: InProcess, uri: str) -> None:
    client.notify("textDocument/didOpen", opening("x = 1\n", uri))
    client.notify("textDocument/didChange", editing(2, "y", (0, 5), uri))
    asked = [
        client.ask(0, 6, uri),
        client.request("textDocument/completion", place(0, 6, uri)),
        client.request("textDocument/hover", place(0, 0, uri)),
        client.request("workspace/executeCommand", {"command": "pylot-ls.explain", "arguments": [place(0, 0, uri)]}),
    ]
    await asyncio.gather(*asked)
    client.notify("textDocument/didSave", {"textDocument": {"uri": f"{uri}/.gitignore"}})
    await client.settled()
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    await client.settled()


async def attack_by_settings(ground: Ground, client: InProcess) -> None:
    """As a repository's settings would say it: those come by the client's configuration."""
    rng, setting = ground.trial.rng, ground.trial.rng.choice(_PATH_SETTINGS)
    secret = ground.outside / "secret.gguf"
    value: Any = rng.choice([str(secret), "../outside/secret.gguf", "//server/x", *_DEVICES, "a\0b"])
    group, _, name = setting.partition(".")
    confidence = rng.random()  # which a repository may choose: what it says is heard
    client.configuration = {
        group: {name: [value] if name == "adapters" else value},
        "completion.confidence": confidence,
    }
    before = client.server.session.settings
    now = await client.configured_anew()
    ground.trial.check(now.completion.confidence == confidence, "settings taken", "what it may choose is not heard")
    same = all(getattr(now, each) == getattr(before, each) for each in _OF_THE_USER)
    ground.trial.check(same, "settings taken", f"{setting} {value!r}")
    await client.settled()


async def serve(trial: Trial, ground: Ground, watch: Watch) -> None:
    client = InProcess(ScriptedBackend("completed()"))
    await client.initialize(capabilities={"workspace": {"configuration": True}})
    for number in trial.rounds():
        by_settings = number % 6 == 5
        with watch.on():
            # What an attack needs is made with the watch on: a link that is made opens nothing.
            uri = "" if by_settings else URIS[number % len(URIS)](ground)
            watch.writes.clear()
            watch.reads.clear()
            what = f"{number} settings" if by_settings else f"{number} {uri[:200]}"
            try:
                async with asyncio.timeout(HANG_S):
                    await (attack_by_settings(ground, client) if by_settings else attack_by_uri(ground, client, uri))
            except TimeoutError:
                trial.fault("hangs", what)
        trial.check(not watch.reads, "reads outside", f"{what}: {watch.reads}")
        trial.check(not watch.writes, "writes outside", f"{what}: {watch.writes}")
        trial.count("attacks")
    await client.close()


def run(trial: Trial) -> None:
    if sys.platform == "win32":
        pytest.skip("FIFOs, devices and links are POSIX")
    if not any(each is _hear for each in _heard):
        sys.addaudithook(_hear)  # it cannot be taken out again, only be given nothing to do
        _heard.append(_hear)
    ground = Ground(trial, trial.folder / "project", trial.folder / "outside")
    for folder in (ground.project, ground.outside):
        folder.mkdir()
    ground.secret.write_text("password = 'hunter2'\n")
    (ground.outside / "secret.gguf").write_bytes(b"GGUF")
    watch = Watch(ground.outside.resolve(), trial.folder.parent.resolve())
    _watches.append(watch)
    try:
        asyncio.run(serve(trial, ground, watch))
    finally:
        _watches.remove(watch)


_heard: list[Callable[..., None]] = []


def plant(patch) -> None:
    """A document's file is looked into, wherever its URI leads."""
    find_out = privacy._find_out

    def look_into(uri: str) -> bool:
        with contextlib.suppress(OSError, ValueError):
            path = Path(unquote(urlsplit(uri).path))
            if path.is_file():
                path.read_bytes()
        return find_out(uri)

    patch.setattr(privacy, "_find_out", look_into)


CAMPAIGN = Campaign(
    number=16,
    title="path attacks in URIs, settings and ignore files: `..`, `%2F`, links, races, FIFOs, devices, UNC, NUL",
    goal="0 reads or writes outside",
    unit="attacks",
    short=66,
    full=300,
    run=run,
    plant=plant,
    faults=("reads outside", "writes outside", "hangs", "settings taken"),
)

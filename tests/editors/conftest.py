"""A real Neovim for the tests: the one at hand if it is new enough, else one fetched once into a cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .neovim import Neovim
from .packaging import package_extension
from .vscode import VSCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .emacs import Emacs
    from .helix import Helix

FETCH = Path(__file__).with_name("fetch_editor.sh")
FETCH_VSCODE = Path(__file__).with_name("fetch_vscode.sh")
FETCH_TIMEOUT_S = 240
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pylot-ls-tests"


def is_new_enough(binary: str | Path) -> bool:
    """Whether it is Neovim 0.12 or later, the first that shows inline completions by itself."""
    return neovim_version(binary) >= (0, 12)


def is_too_old(binary: str | Path) -> bool:
    """Whether it is Neovim 0.10, the last without ``vim.lsp.config``."""
    return neovim_version(binary) == (0, 10)


def neovim_version(binary: str | Path) -> tuple[int, int]:
    """The first two numbers of its version; zeros where it is no Neovim."""
    answer = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"NVIM v(\d+)\.(\d+)", answer)
    return (int(found[1]), int(found[2])) if found is not None else (0, 0)


def fetch(editor: str) -> Path:
    """Fetch an editor, or find it in the cache; RuntimeError says why it cannot be had."""
    bash = shutil.which("bash")
    if bash is None:
        raise RuntimeError(f"no {editor} that is new enough on PATH, and no bash to fetch one")
    done = run_alone([bash, str(FETCH), editor, str(CACHE / editor)], editor)
    if done.returncode != 0:
        raise RuntimeError(f"no {editor} new enough on PATH, and none could be fetched: {done.stderr.strip()}")
    return Path(done.stdout.strip())


def run_alone(command: list[str], editor: str) -> subprocess.CompletedProcess[str]:
    """Fetch an editor, while no other process of the tests fetches the same one."""
    import fcntl  # noqa: PLC0415 - where there is a bash there is this

    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        with (CACHE / f"{editor}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return subprocess.run(command, capture_output=True, text=True, check=False, timeout=FETCH_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"fetching {editor} took more than {FETCH_TIMEOUT_S} s") from None


def find(editor: str, variable: str, program: str, is_new_enough: Callable[[str], bool]) -> Path:
    """An editor: the one that an environment variable names, else the one on PATH, else fetched.

    Where there is none the test is skipped; Neovim's fails under ``CI=true``: no build passes without an editor.
    """
    named = os.environ.get(variable)
    if named:
        return Path(named)
    installed = shutil.which(program)
    if installed and is_new_enough(installed):
        return Path(installed)
    try:
        return fetch(editor)
    except RuntimeError as error:
        if editor == "neovim" and os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def neovim_binary() -> Path:
    """Neovim 0.12 or later; ``PYLOT_TEST_NVIM`` names one."""
    return find("neovim", "PYLOT_TEST_NVIM", "nvim", is_new_enough)


@pytest.fixture(scope="session")
def old_neovim_binary() -> Path:
    """Neovim 0.10, which is too old for the plugin; ``PYLOT_TEST_OLD_NVIM`` names one."""
    return find("old-neovim", "PYLOT_TEST_OLD_NVIM", "nvim", is_too_old)


@pytest.fixture(scope="session")
def helix_binary() -> Path:
    """Helix; ``PYLOT_TEST_HELIX`` names one."""
    return find("helix", "PYLOT_TEST_HELIX", "hx", lambda _binary: True)


@pytest.fixture(scope="session")
def emacs_binary() -> Path:
    """Emacs 30 or later; ``PYLOT_TEST_EMACS`` names one."""
    return find("emacs", "PYLOT_TEST_EMACS", "emacs", is_emacs_30)


@pytest.fixture(scope="session")
def lsp_mode() -> Path:
    """The folder with lsp-mode and what it needs, a folder each; ``PYLOT_TEST_LSP_MODE`` names one."""
    return find("lsp-mode", "PYLOT_TEST_LSP_MODE", "lsp-mode", lambda _binary: False)


def is_emacs_30(binary: str) -> bool:
    """Whether it is Emacs 30 or later, the first whose Eglot is like ours."""
    answer = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"GNU Emacs (\d+)", answer)
    return found is not None and int(found[1]) >= 30


@pytest.fixture
def screens(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """An empty folder for pictures and dumps of the screen: ``$PYLOT_TEST_SCREENS/MODULE/TEST``, else a passing one."""
    named = os.environ.get("PYLOT_TEST_SCREENS")
    test = re.sub(r"[^\w.-]+", "-", request.node.name)
    folder = Path(named).absolute() / request.path.stem / test if named else tmp_path / "screens"
    shutil.rmtree(folder, ignore_errors=True)  # of a run before
    folder.mkdir(parents=True)
    yield folder
    with suppress(OSError):
        folder.rmdir()  # where nothing was left there


@pytest.fixture
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The developer's own settings of pylot-ls do not reach what the test starts."""
    for name in [name for name in os.environ if name.startswith("PYLOT_LS_")]:
        monkeypatch.delenv(name)
    settings = tmp_path / "settings.toml"
    # What the command line says to be suggested is said by hand, and is shown whole.
    settings.write_text("[completion]\nconfidence = 0\nanswer_after_ms = 0\n", encoding="utf-8")
    monkeypatch.setenv("PYLOT_LS_CONFIG", str(settings))


@pytest.fixture
def start_neovim(
    neovim_binary: Path, tmp_path: Path, screens: Path, _no_settings: None
) -> Iterator[Callable[..., Neovim]]:
    """Starts a Neovim whose ``pylot-ls`` is the given command; it ends with the test."""
    with ExitStack() as stack:

        def start(server_command: Sequence[str], *, plugin: bool = False, init: str = "") -> Neovim:
            home = tmp_path / "home"
            neovim = Neovim(neovim_binary, server_command, home, plugin=plugin, init=init, screens=screens)
            return stack.enter_context(neovim)

        yield start


@pytest.fixture
def start_helix(
    helix_binary: Path, tmp_path: Path, screens: Path, _no_settings: None
) -> Iterator[Callable[..., Helix]]:
    """Starts a Helix in a terminal, at a place and with a server's command; it ends with the test."""
    from .helix import Helix  # noqa: PLC0415 - terminals are Unix's, and who asks for this is there

    with ExitStack() as stack:

        def start(place: str | Path, server_command: Sequence[str]) -> Helix:
            return stack.enter_context(Helix(helix_binary, tmp_path, place, server_command, screens=screens))

        yield start


@pytest.fixture
def start_emacs(
    emacs_binary: Path, tmp_path: Path, screens: Path, _no_settings: None
) -> Iterator[Callable[..., Emacs]]:
    """Starts an Emacs in a terminal, with a file and a server's command; it ends with the test."""
    from .emacs import Emacs  # noqa: PLC0415 - as in start_helix

    with ExitStack() as stack:

        def start(file: Path, server_command: Sequence[str], more: str = "", init: str = "") -> Emacs:
            emacs = Emacs(emacs_binary, tmp_path, file, server_command, screens=screens, more=more, init=init)
            return stack.enter_context(emacs)

        yield start


def fetch_vscode() -> Path:
    """Fetch VS Code, or find it in the cache; RuntimeError says why it cannot be had."""
    bash = shutil.which("bash")
    if bash is None:
        raise RuntimeError("no bash to fetch VS Code with")
    folder = Path(os.environ.get("PYLOT_TEST_VSCODE") or CACHE / "vscode")
    done = run_alone([bash, str(FETCH_VSCODE), str(folder)], "vscode")
    if done.returncode != 0:
        raise RuntimeError(f"no VS Code could be fetched: {done.stderr.strip()}")
    return folder


@pytest.fixture
def vscode(running_vscode: VSCode, screens: Path) -> VSCode:
    """A VS Code with our packaged extension, which keeps this test's pictures; windows are opened in it."""
    running_vscode.screens = screens
    return running_vscode


@pytest.fixture(scope="session")
def running_vscode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VSCode]:
    """One VS Code for all tests. ``PYLOT_TEST_VSCODE`` is where it is fetched to.

    Where it cannot be had the test is skipped with the reason.
    """
    home = tmp_path_factory.mktemp("vscode")
    try:
        folder = fetch_vscode()
        package = package_extension(folder, home / "extension")
    except RuntimeError as error:
        pytest.skip(str(error))
    with VSCode(folder, package, home) as editor:
        yield editor

"""Model files with something wrong in them: looked at as `models` does, loaded as a setting, put in another's place."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import gguf
from campaign import Campaign, Trial

from pylot_ls.bundled import bundled_model_path
from pylot_ls.engine import loading
from pylot_ls.engine.gguf_header import read_header
from pylot_ls.engine.probe import probe
from pylot_ls.errors import ModelError, PullError
from pylot_ls.library import pull
from pylot_ls.library.hub import RemoteFile

if TYPE_CHECKING:
    import random

LOADER = Path(__file__).with_name("model_loader.py")
# Of these, llama.cpp ends its process for the first two: at the first evaluation, and while it loads. The third is what
# somebody would choose who is after the memory.
_FIRST = (
    ("llama.attention.layer_norm_rms_epsilon", -1.0),
    ("llama.block_count", 0),
    ("llama.block_count", 2**31 - 1),
)
_HOSTILE = (0, 1, 2, 7, 2**16, 2**31 - 1, 2**32 - 1)
_HOSTILE_FLOATS = (0.0, -1.0, float("nan"), float("inf"), 1e30)
# Of a server with the bundled model, ten times over.
_MOST_MIB = 1500
_PINNED = "pinned.gguf"
_MANIFEST = 'roles = ["complete"]\nsha256 = "{}"\n[fim]\norders = ["psm"]\n'


class Mutants:
    """Makes mutants of the bundled model."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.content = bundled_model_path().read_bytes()
        reader = gguf.GGUFReader(bundled_model_path())
        self.n_head = reader.tensors[0].data_offset
        # Where the numbers of the metadata stand, and what they are.
        self.numbers = {
            name: (field.offset + sum(part.nbytes for part in field.parts[: field.data[0]]), field.parts[field.data[0]])
            for name, field in reader.fields.items()
            if len(field.data) == 1 and field.parts[field.data[0]].size == 1 and not name.startswith("GGUF.")
        }

    def make(self, number: int) -> bytes:
        content = bytearray(self.content)
        if number < len(_FIRST):
            self._set(content, *_FIRST[number])
            return bytes(content)
        match self.rng.randrange(6):
            case 0 | 1:
                name = self.rng.choice(sorted(self.numbers))
                is_float = self.numbers[name][1].dtype.kind == "f"
                self._set(content, name, self.rng.choice(_HOSTILE_FLOATS if is_float else _HOSTILE))
            case 2:
                del content[self.rng.choice([self.rng.randrange(self.n_head), self.rng.randrange(len(content))]) :]
            case 3:
                content[self.rng.randrange(self.n_head)] ^= 1 << self.rng.randrange(8)
            case 4:
                at = self.rng.randrange(24, self.n_head)
                content[at : at + 8] = self.rng.randbytes(8)
            case _:
                at = self.rng.randrange(self.n_head)
                del content[at : at + self.rng.randint(1, 16)]
        return bytes(content)

    def _set(self, content: bytearray, name: str, value: float) -> None:
        at, number = self.numbers[name]
        bits = (
            number.dtype.type(value)
            if number.dtype.kind == "f"
            else number.dtype.type(value % 2 ** (8 * number.nbytes))
        )
        content[at : at + number.nbytes] = bits.tobytes()


class Server:
    """What loads the models of settings; begun anew when it has died."""

    def __init__(self, *options: str) -> None:
        self._command = (sys.executable, LOADER, *options)
        self._popen: subprocess.Popen[str] | None = None

    def use(self, path: Path) -> dict[str, object] | None:
        """What became of a model, None where that has ended the process."""
        if self._popen is None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            self._popen = subprocess.Popen(self._command, text=True, bufsize=1, **pipes)
        self._popen.stdin.write(f"{path}\n")
        line = self._popen.stdout.readline()
        if not line:
            self.close()
            return None
        answer: dict[str, object] = json.loads(line)
        return answer

    def close(self) -> None:
        if self._popen is not None:
            with contextlib.suppress(BrokenPipeError):
                self._popen.stdin.close()
            self._popen.wait()
            self._popen.stdout.close()
            self._popen = None


def offer_to_models(trial: Trial, path: Path) -> None:
    try:
        read_header(path)
        probe(path)
        trial.count("looked sound")
    except ModelError:
        trial.count("refused")
    except Exception as error:  # noqa: BLE001 - whatever a mutant raises is what is looked for
        trial.fault("parents lost", f"`models`: {error!r}")


def offer_as_setting(trial: Trial, server: Server, path: Path, number: int) -> None:
    answer = server.use(path)
    if answer is None:
        trial.fault("parents lost", f"mutant {number} as a setting")
    else:
        trial.count("loaded" if answer["loaded"] else "refused")
        trial.check(answer["peak MiB"] < _MOST_MIB, "took all memory", f"mutant {number}: {answer}")


def offer_as_pinned(trial: Trial, server: Server, content: bytes, digest: str) -> None:
    """In the place of a file whose hash its manifest tells."""
    path = trial.folder / _PINNED
    path.write_bytes(content)
    answer = server.use(path)
    if answer is None:
        trial.fault("parents lost", "a pinned one")
    elif answer["loaded"]:
        is_it = hashlib.sha256(content).hexdigest() == digest
        trial.check(is_it, "loaded as a pinned one", f"{len(content)} bytes")
    path.unlink()


def offer_as_another(trial: Trial, content: bytes, digest: str) -> None:
    """As the hub might send it for a file whose hash it has told."""
    place = trial.folder / "fetched.gguf"
    place.write_bytes(content)
    remote = RemoteFile(**{**dict.fromkeys(RemoteFile.__dataclass_fields__, ""), "file": place.name, "sha256": digest})
    try:
        pull._check_hash(remote, place)
        trial.check(hashlib.sha256(content).hexdigest() == digest, "taken from the hub", len(content))
    except PullError:
        trial.check(not place.exists(), "taken from the hub", "it was refused and kept")


def run(trial: Trial) -> None:
    mutants, path = Mutants(trial.rng), trial.folder / "mutant.gguf"
    digest = hashlib.sha256(mutants.content).hexdigest()
    server = Server(*(["--trusting"] if trial.is_planted else []))
    sound = trial.folder / "sound.gguf"
    sound.write_bytes(mutants.content)
    (trial.folder / _PINNED).with_suffix(".toml").write_text(_MANIFEST.format(digest), encoding="utf-8")
    try:
        for number in trial.rounds():
            content = mutants.make(number)
            path.write_bytes(content)
            offer_as_another(trial, content, digest)
            offer_as_pinned(trial, server, content, digest)
            # Turn about, but for those that are known to do harm where they are loaded.
            if number % 2 and number >= len(_FIRST):
                offer_to_models(trial, path)
            else:
                offer_as_setting(trial, server, path, number)
            trial.count("mutants")
        shutil.copyfile(sound, trial.folder / _PINNED)
        for path in (sound, trial.folder / _PINNED):
            answer = server.use(path)
            trial.check(answer is not None and answer["loaded"] is True, "sound ones refused", answer)
    finally:
        server.close()


def plant(patch) -> None:
    """A file is loaded without having been tried out: ``run`` has the server do so, which is another process."""
    patch.setattr(loading, "try_out", lambda _path: None)


CAMPAIGN = Campaign(
    number=14,
    title="mutated GGUFs offered to `models`, as settings, in the place of one whose hash a manifest tells, by the hub",
    goal="parent survives all; a pinned model never loads a mutant",
    unit="mutants",
    short=6,
    full=2_000,
    run=run,
    plant=plant,
    faults=("parents lost", "took all memory", "loaded as a pinned one", "taken from the hub", "sound ones refused"),
)

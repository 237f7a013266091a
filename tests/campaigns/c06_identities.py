"""KV saved by one model, and everything else that could take it for its own."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import pytest
from campaign import Campaign, Trial
from oracle import names_of
from shelf import Shelf
from tiny_lora import write_tiny_lora

from pylot_ls.bundled import bundled_model_path
from pylot_ls.engine import persistence
from pylot_ls.engine.adapters import Adapter
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.llama_cpp_binding import LlamaModel
from pylot_ls.engine.loading import LlamaConfig
from pylot_ls.engine.persistence import PersistenceConfig
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.kvcache import folder as folder_module
from pylot_ls.kvcache.disk import DiskTier

SOURCE = "\n".join(f"def handler_{n}(request, response):\n    return response.{n}(request)\n" for n in range(30))
PROMPT = (TextSegment(SOURCE, 320),)
_KINDS = ("model", "rewritten model", "adapter", "context", "KV type", "build", "user")


class Owner:
    """Who has evaluated a prompt, and whoever asks for it afterwards."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.shelf = Shelf()
        self.model = trial.folder / "model.gguf"
        self.content = bundled_model_path().read_bytes()
        self.model.write_bytes(self.content)
        self.driven = names_of("conftest.py")["Driven"]
        self.config = LlamaConfig(
            self.model,
            n_ctx=512,
            n_threads=1,
            kv_type="f16",
            speculation=False,
            ngrams="off",
            manifest_folders=(bundled_model_path().parent,),
        )

    def reused(self, config: LlamaConfig) -> int:
        """How many tokens somebody takes over of what was saved."""
        # What others save is theirs, and nothing that the next one could find.
        shelf = self.shelf.restarted() if config is self.config else Shelf(dict(self.shelf.disk))
        kept = PersistenceConfig(shelf, self.trial.folder / "models.json")
        driven = self.driven(LlamaBackend(replace(config, persistence=kept)))
        driven.state()
        driven.backend._loaded.persistence._thread.join()
        answer = driven.ask(PROMPT, 1)
        driven.backend.close()
        return answer.end.usage.tokens_reused

    def damaged(self) -> bytes:
        """The model with one byte of its weights changed."""
        content = bytearray(self.content)
        content[-self.trial.rng.randint(1, len(content) // 2)] ^= 1 << self.trial.rng.randrange(8)
        return bytes(content)

    def another(self, kind: str, number: int) -> int:
        """How many tokens somebody takes over who differs in one thing."""
        rng = self.trial.rng
        with pytest.MonkeyPatch.context() as patch:
            match kind:
                case "model":
                    other = self.trial.folder / f"other-{number}" / "model.gguf"
                    other.parent.mkdir()
                    other.write_bytes(self.damaged())
                    return self.reused(replace(self.config, path=other))
                case "rewritten model":
                    return self.rewritten()
                case "adapter":
                    path = self.trial.folder / f"adapter-{number}.gguf"
                    write_tiny_lora(path, self.model, seed=number)
                    return self.reused(replace(self.config, adapters=(Adapter(path, rng.choice([1.0, 0.5, 1e-6])),)))
                case "context":
                    return self.reused(replace(self.config, flash_attention="off"))
                case "KV type":
                    return self.reused(replace(self.config, kv_type="q8_0"))
                case "build":
                    patch.setattr(LlamaModel, "build", lambda _model: f"{number} state {rng.randrange(9)}")
                    return self.reused(replace(self.config))
                case _:
                    return self.as_another_user(patch)

    def rewritten(self) -> int:
        """The model's file holds another one of the same size and time, and what was known of it is still known."""
        before = self.model.stat()
        with self.model.open("r+b") as file:
            file.write(self.damaged())
        os.utime(self.model, ns=(before.st_atime_ns, before.st_mtime_ns))
        n_reused = self.reused(replace(self.config))
        with self.model.open("r+b") as file:
            file.write(self.content)
        return n_reused

    def as_another_user(self, patch: pytest.MonkeyPatch) -> int:
        """How many values of the folder somebody reads whom it does not belong to."""
        place = self.trial.folder / "kv"
        mine = DiskTier(place, 2**20, 2**30)
        mine.put(b"key", b"value")
        mine.close()
        patch.setattr(folder_module.os, "getuid", lambda: place.stat().st_uid + 1)
        theirs = DiskTier(place, 2**20, 2**30)
        return int(theirs.get(b"key") is not None)


def run(trial: Trial) -> None:
    if sys.platform == "win32":
        pytest.skip("a mapped model is not rewritten there")
    owner = Owner(trial)
    owner.reused(owner.config)
    for number in trial.rounds():
        kind = _KINDS[number % len(_KINDS)]
        trial.check(owner.another(kind, number) == 0, "accepted", kind)
        trial.count("restores")
    # Else the others could have found nothing for another reason.
    trial.check(owner.reused(owner.config) > 0, "owners refused", "who has saved it does not get it back")


def plant(patch) -> None:
    """Which model it is is no part of what its KV is known by."""
    whole = persistence.fingerprint
    patch.setattr(persistence, "fingerprint", lambda parts: whole({**parts, "model": "the model"}))


CAMPAIGN = Campaign(
    number=6,
    title="restores across identities: model, adapter, context (flash attention), KV type, build, user",
    goal="0 accepted",
    unit="restores",
    short=len(_KINDS),
    full=200,
    run=run,
    plant=plant,
    faults=("accepted", "owners refused"),
)

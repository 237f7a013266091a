"""What the tests of the benchmarks share: how the bundled model is run, and a program that answers like a peer."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from pylot_ls.bench.run import Run
from pylot_ls.bundled import sample_path
from pylot_ls.text.files import document_from_file

SERVER = (sys.executable, "-m", "pylot_ls", "--stdio")


@pytest.fixture(autouse=True)
def _no_settings_of_this_user(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def document():
    return document_from_file(sample_path())


@pytest.fixture
def bundled_run(model_path):
    return Run(command=SERVER, model=model_path, max_tokens=8, n_ctx=512, n_threads=1)


@pytest.fixture
def scripted_run():
    return Run(command=(*SERVER, "--scripted"), model=None, max_tokens=8, n_ctx=512, n_threads=0)


class FakePeer:
    """An executable that stands in for llama-server or llama-bench."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "asked.jsonl"
        self.program = folder / "peer"
        command = shlex.join([sys.executable, str(Path(__file__).parent / "fake_peer.py"), str(self.log)])
        self.program.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        self.program.chmod(0o700)

    @property
    def arguments(self) -> dict[str, str]:
        return self._entries()[0]["arguments"]

    @property
    def requests(self) -> list[dict[str, object]]:
        return self._entries()[1:]

    def _entries(self):
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def fake_peer(tmp_path):
    return FakePeer(tmp_path)

"""``pylot-ls models pull`` as a process, against a hub on loopback."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fake_hub import FakeHub

from pylot_ls.bundled import bundled_model_path

NAME = "granite-3b-code-base"


@pytest.fixture
def hub(model_path):
    with FakeHub(model_path.read_bytes()) as hub:
        yield hub


@pytest.fixture
def fetch(pylot, hub):
    def run(reference=NAME, **variables):
        return pylot("models", "pull", reference, **{"HF_ENDPOINT": hub.endpoint, **variables})

    return run


@pytest.fixture
def folder(environment):
    return Path(environment["XDG_DATA_HOME"]) / "pylot-ls" / "models"


def files(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_pulled_model_is_in_the_users_folder_and_can_be_used(fetch, pylot_inside, hub, folder):
    done = fetch()
    assert done.returncode == 0, done.stderr
    path = folder / f"{NAME}-Q4_K_M.gguf"
    assert done.stdout == f"{path}\nto complete with it: pylot-ls models use {NAME}:Q4_K_M\n"
    assert path.read_bytes() == hub.content
    assert files(folder) == [path.name]
    assert hub.paths[0] == "/ibm-granite/granite-3b-code-base-2k-GGUF/resolve/main/granite-3b-code-base.Q4_K_M.gguf"
    assert f"model.path is {path}" in pylot_inside("models", "use", f"{NAME}:Q4_K_M").stdout
    n_asked = len(hub.paths)
    assert "is here already" in pylot_inside("models", "pull", NAME).stdout
    assert len(hub.paths) == n_asked


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle_the_next_one_goes_on_from_there(environment, fetch, hub, folder, signal_number, tmp_path):
    hub.hold_after = random.Random(signal_number).randrange(100_000, len(hub.content))
    command = (sys.executable, "-m", "pylot_ls", "models", "pull", NAME)
    environment = {**environment, "HF_ENDPOINT": hub.endpoint}
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as child:
        assert hub.held.wait(60)
        child.send_signal(signal_number)
        _, errors = child.communicate(timeout=60)
    assert child.returncode == (1 if signal_number == signal.SIGINT else -signal_number)
    assert "Traceback" not in errors
    assert f"{NAME}-Q4_K_M.gguf" not in files(folder)
    hub.hold_after = None
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert (folder / f"{NAME}-Q4_K_M.gguf").read_bytes() == hub.content
    assert files(folder) == [f"{NAME}-Q4_K_M.gguf"]


def test_one_flipped_byte_is_refused_and_nothing_is_installed(fetch, hub, folder):
    hub.content = hub.content[:-1] + bytes([hub.content[-1] ^ 1])
    done = fetch()
    assert done.returncode == 1
    assert "is not what the hub says it is" in done.stderr
    assert files(folder) == []


def test_offline_mode_is_said(fetch, folder):
    done = fetch(HF_HUB_OFFLINE="1")
    assert done.returncode == 1
    assert "offline mode is on (HF_HUB_OFFLINE)" in done.stderr
    assert files(folder) == []


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("granit-3b-code", f"did you mean {NAME}"),
        (f"{NAME}:Q2_K", "is not offered in Q2_K; there are: Q4_K_M"),
        (bundled_model_path().stem, "has no file on the hub: it is here already"),
    ],
)
def test_what_there_is_not_is_said(pylot_inside, folder, reference, message):
    done = pylot_inside("models", "pull", reference)
    assert done.returncode == 1
    assert message in done.stderr
    assert files(folder) == []


def test_a_gated_repository_says_what_to_do(fetch, hub):
    hub.error = (401, "GatedRepo")
    done = fetch("codestral-22b")
    assert done.returncode == 1
    assert "note: Mistral non-production licence" in done.stderr
    assert "is gated: accept its terms on https://huggingface.co/bartowski/Codestral-22B-v0.1-GGUF" in done.stderr
    assert "set it as HF_TOKEN" in done.stderr

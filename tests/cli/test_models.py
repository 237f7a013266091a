"""``pylot-ls models``: what there is, what is known of it, and which one completes."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import gguf
import pytest
import tiny_models

from pylot_ls.bundled import bundled_model_path, models_dir
from pylot_ls.config.folders import models_folder
from pylot_ls.engine.identity import model_identity
from pylot_ls.engine.speeds import Measured, SpeedBook

NAME = "granite-3b-code-base"
BUNDLED = bundled_model_path().stem


@pytest.fixture
def folder(environment, monkeypatch):
    """The folder for fetched models, as the command finds it."""
    monkeypatch.setenv("XDG_DATA_HOME", environment["XDG_DATA_HOME"])
    folder = models_folder()
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def installed(folder, model_path):
    """A model of a manifest, as if it had been fetched."""
    path = folder / f"{NAME}-Q4_K_M.gguf"
    path.write_bytes(model_path.read_bytes())
    return path


@pytest.fixture
def settings_file(tmp_path):
    return tmp_path / "home" / "pylot-ls" / "config.toml"


def refused(done, *parts):
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in done.stderr


def test_the_list_for_programs_has_name_roles_and_whether_it_fits(pylot_inside, installed):
    done = pylot_inside("models", "list", "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert set(rows) == {path.stem for path in models_dir().glob("*.toml")}
    assert rows["nomic-embed-text-v1.5"]["roles"] == ["embed"]
    assert rows[BUNDLED]["fits"] is True
    assert rows[BUNDLED]["bundled"] is True
    assert rows[NAME]["installed"] is True
    (file,) = rows[NAME]["files"]
    assert file["path"] == str(installed)
    assert file["size_bytes"] == installed.stat().st_size
    assert rows["qwen2.5-coder-7b"]["installed"] is False
    assert rows["qwen2.5-coder-7b"]["files"][0]["forecast_bytes"] > rows["qwen2.5-coder-7b"]["files"][0]["size_bytes"]


def test_what_fits_depends_on_the_settings(pylot_inside):
    def row(name, **variables):
        rows = json.loads(pylot_inside("models", "list", "--json", **variables).stdout)
        return next(row for row in rows if row["name"] == name)

    limited = row("mellum-4b-base", PYLOT_LS_MODEL_MEMORY_LIMIT_MB="1024")
    assert limited["fits"] is False
    assert limited["files"][0]["forecast_bytes"] > 4 * 2**30
    assert row(BUNDLED, PYLOT_LS_MODEL_MEMORY_LIMIT_MB="1024")["fits"] is True
    short, long = (
        row("mellum-4b-base", PYLOT_LS_MODEL_MEMORY_LIMIT_MB="65536", PYLOT_LS_MODEL_N_CTX=str(n_ctx))
        for n_ctx in (4096, 8192)
    )
    # One cell for each token of a prompt, and 4,096 to keep others beside it.
    more = long["files"][0]["forecast_bytes"] - short["files"][0]["forecast_bytes"]
    assert 368_640 * 4096 < more < 369_000 * 4096


def test_the_table_shows_all_in_80_columns(pylot_inside, installed):
    done = pylot_inside("models", "list", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    for path in models_dir().glob("*.toml"):
        assert path.stem in done.stdout
    assert "Q4_K_M 12.4 " in done.stdout
    assert "fits: a forecast, at least with a short context, in the " in done.stdout
    assert max(map(len, done.stdout.partition("fits: ")[0].splitlines())) <= 80


def test_how_fast_models_are_is_said_with_whether_that_was_measured(pylot_inside, environment, model_path, installed):
    book = SpeedBook(
        Path(environment["XDG_STATE_HOME"]) / "pylot-ls" / "speeds.json",
        Path(environment["XDG_CACHE_HOME"]) / "pylot-ls" / "models.json",
    )
    threads = {"PYLOT_LS_MODEL_N_THREADS": "3"}

    def speed(name):
        rows = json.loads(pylot_inside("models", "list", "--json", **threads).stdout)
        return next(row["files"][0] for row in rows if row["name"] == name)

    assert speed("qwen2.5-coder-7b")["speed"] is None
    book.remember(model_identity(installed, book.identities, lambda: True), 3, Measured(200.0, 40.0, 2**30, 10**9))
    mine, other = speed(NAME), speed("qwen2.5-coder-7b")
    assert (mine["speed"], mine["decode_tokens_per_s"], mine["prefill_tokens_per_s"]) == ("measured", 40.0, 200.0)
    assert other["speed"] == "forecast"
    assert 5 < other["decode_tokens_per_s"] < 15
    table = pylot_inside("models", "list", COLUMNS="80", **threads).stdout
    assert re.search(rf"{NAME} .* yes yes +40 *\n", table)
    assert re.search(r"qwen2\.5-coder-7b .* yes +~\d", table)
    assert max(map(len, table.partition("fits: ")[0].splitlines())) <= 80
    facts = pylot_inside("models", "info", NAME, **threads).stdout
    assert "speed measured" in facts
    assert "decode_tokens_per_s: 40.0" in pylot_inside("models", "info", installed, **threads).stdout


def test_a_manifest_with_an_unknown_key_is_said_by_name(pylot_inside, folder):
    (folder / "mine.toml").write_text('name = "mine"\nlicence = "MIT"\n[fim]\norders = ["psm"]\n')
    refused(pylot_inside("models", "list"), "mine.toml is not used: unknown key licence; did you mean license?")


def test_info_says_what_the_manifest_says(pylot_inside):
    done = pylot_inside("models", "info", "codestral-22b")
    assert "license_note: Mistral non-production licence: no commercial use" in done.stdout
    assert "source: https://huggingface.co/mistralai/Codestral-22B-v0.1" in done.stdout
    facts = json.loads(pylot_inside("models", "info", "codestral-22b", "--json").stdout)
    assert facts["fim"] == {"orders": ["spm"], "tokens": ["[PREFIX]", "[SUFFIX]", ""], "file_form": ""}
    assert facts["kv_bytes_per_token"] == 229_376


def test_info_of_any_file_is_what_its_metadata_say(pylot_inside, model_path):
    facts = json.loads(pylot_inside("models", "info", model_path, "--json").stdout)
    assert facts["architecture"] == facts["metadata"]["general.architecture"] == "llama"
    assert facts["n_params"] > 1_000_000
    assert facts["has_fim"] is True
    assert "fits: yes (forecast)" in pylot_inside("models", "info", model_path).stdout


def test_info_of_what_is_no_model_says_why(pylot_inside, tmp_path):
    (tmp_path / "text.gguf").write_text("no model")
    refused(pylot_inside("models", "info", "text.gguf"), "text.gguf is not a GGUF file")
    refused(pylot_inside("models", "info", tmp_path / "none.gguf"), "no model at")


def test_a_wrong_name_is_answered_with_the_nearest(pylot_inside):
    for command in ("pull", "info", "use", "rm", "path"):
        done = pylot_inside("models", command, "starcodr2-3b")
        refused(done, "there is no model 'starcodr2-3b'; did you mean starcoder2-3b")


def test_use_writes_the_path_and_leaves_the_rest_of_the_file_alone(pylot_inside, installed, settings_file):
    settings_file.write_text("# mine\n[completion]\nmax_lines = 3  # few\n")
    done = pylot_inside("models", "use", NAME)
    assert done.returncode == 0, done.stderr
    assert f"model.path is {installed}" in done.stdout
    assert settings_file.read_text().startswith("# mine\n[completion]\nmax_lines = 3  # few\n")
    assert tomllib.loads(settings_file.read_text()) == {
        "completion": {"max_lines": 3},
        "model": {"path": str(installed)},
    }


def test_use_of_the_bundled_model_takes_the_setting_out(pylot_inside, installed, settings_file):
    pylot_inside("models", "use", NAME)
    done = pylot_inside("models", "use", BUNDLED)
    assert "model.path is not set, so the bundled model completes" in done.stdout
    assert "path" not in settings_file.read_text()


def test_use_of_a_file_takes_its_absolute_path(pylot_inside, tmp_path, model_path, settings_file):
    (tmp_path / "mine.gguf").write_bytes(model_path.read_bytes())
    assert pylot_inside("models", "use", "mine.gguf").returncode == 0
    assert str(tmp_path / "mine.gguf") in settings_file.read_text()


def test_use_says_that_the_environment_goes_before_the_file(pylot_inside, installed):
    done = pylot_inside("models", "use", NAME, PYLOT_LS_MODEL_PATH="/other.gguf")
    assert done.returncode == 0
    assert "PYLOT_LS_MODEL_PATH is set in the environment and goes before the file" in done.stderr


def test_a_model_that_is_not_here_is_not_used(pylot_inside, settings_file):
    refused(pylot_inside("models", "use", NAME), f"{NAME} is not installed; fetch it: pylot-ls models pull {NAME}")
    refused(pylot_inside("models", "path", f"{NAME}:Q4_K_M"), "is not installed")
    assert not settings_file.exists()


def test_a_model_for_another_role_does_not_complete(pylot_inside, settings_file):
    refused(pylot_inside("models", "use", "nomic-embed-text-v1.5"), "is for embed, not to complete with")
    refused(pylot_inside("models", "use", "qwen3-4b-instruct-2507"), "is for chat, not to complete with")
    refused(pylot_inside("models", "use", NAME, "--role", "chat"), f"{NAME} is for complete, not to chat with")
    assert not settings_file.exists()


def test_each_role_has_a_setting_of_its_own(pylot_inside, folder, model_path, settings_file):
    chat = folder / "granite-3.3-2b-instruct-Q4_K_M.gguf"
    chat.write_bytes(model_path.read_bytes())
    done = pylot_inside("models", "use", "granite-3.3-2b-instruct", "--role", "chat")
    assert done.returncode == 0, done.stderr
    assert f"roles.chat is {chat}" in done.stdout
    assert tomllib.loads(settings_file.read_text()) == {"roles": {"chat": str(chat)}}
    refused(pylot_inside("models", "rm", "granite-3.3-2b-instruct"), "is the model in use; choose another first")


def test_a_file_is_looked_at_before_it_gets_a_role(pylot_inside, tmp_path, model_path, settings_file):
    (tmp_path / "base.gguf").write_bytes(model_path.read_bytes())
    refused(
        pylot_inside("models", "use", "base.gguf", "--role", "chat"), "base.gguf has no chat template that llama.cpp"
    )
    refused(pylot_inside("models", "use", "base.gguf", "--role", "embed"), "base.gguf produces text and no vectors")
    tiny_models.write_tiny_model(tmp_path / "embed.gguf", "windowed", gguf.PoolingType.MEAN)
    assert pylot_inside("models", "use", "embed.gguf", "--role", "embed").returncode == 0
    (tmp_path / "base.toml").write_text('[fim]\norders = ["psm"]\n[chat]\nformat = "chatml"\n')
    assert pylot_inside("models", "use", "base.gguf", "--role", "chat").returncode == 0
    roles = {"chat": str(tmp_path / "base.gguf"), "embed": str(tmp_path / "embed.gguf")}
    assert tomllib.loads(settings_file.read_text()) == {"roles": roles}


def test_a_file_that_cannot_complete_is_not_used(pylot_inside, tmp_path, model_path, settings_file):
    (tmp_path / "plain.gguf").write_bytes(model_path.read_bytes().replace(b"fim_", b"xim_"))
    refused(pylot_inside("models", "use", "plain.gguf"), "plain.gguf names no fill-in-the-middle tokens")

    tiny_models.write_tiny_model(tmp_path / "embed.gguf", "windowed", gguf.PoolingType.MEAN)
    refused(pylot_inside("models", "use", "embed.gguf"), "embed.gguf encodes or embeds text and produces none")
    assert not settings_file.exists()


def test_a_settings_file_that_is_damaged_is_not_touched(pylot_inside, installed, settings_file):
    settings_file.write_text("[model\n")
    refused(pylot_inside("models", "use", NAME), "cannot be changed", "mend it first")
    assert settings_file.read_text() == "[model\n"


def test_path_prints_where_it_lies_and_rm_removes_it(pylot_inside, installed, folder):
    assert pylot_inside("models", "path", NAME).stdout == f"{installed}\n"
    partial = folder / f".{installed.name}.{'0' * 64}.part"
    partial.touch()
    done = pylot_inside("models", "rm", NAME)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"removed {installed}\n"
    assert list(folder.iterdir()) == []
    refused(pylot_inside("models", "rm", NAME), "is not installed")


def test_the_model_in_use_and_the_bundled_one_are_not_removed(pylot_inside, installed):
    pylot_inside("models", "use", NAME)
    refused(pylot_inside("models", "rm", NAME), "is the model in use; choose another first")
    refused(pylot_inside("models", "rm", BUNDLED), "came with pylot-ls and goes with it")
    assert installed.exists()

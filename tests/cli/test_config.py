from __future__ import annotations

import json

from pylot_ls.config.fields import FIELDS


def test_every_setting_is_listed_with_its_default_and_its_environment_variable(pylot_inside):
    done = pylot_inside("config")
    assert done.returncode == 0
    for key, field in FIELDS.items():
        assert key in done.stdout
        assert field.env_name in done.stdout


def test_values_now_are_shown_beside_the_defaults_with_the_place_they_come_from(pylot_inside, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[completion]\nmax_lines = 3\n", encoding="utf-8")
    done = pylot_inside("config", "--json", PYLOT_LS_CONFIG=str(file), PYLOT_LS_PROMPT_ANCHORED="off")
    printed = json.loads(done.stdout)
    now = {row["key"]: (row["default"], row["now"]) for row in printed["settings"]}
    assert printed["file"] == str(file)
    assert now["completion.max_lines"] == ("8", "3")
    assert now["prompt.anchored"] == ("true", "false")
    assert now["model.path"] == ("", "")
    places = {row["key"]: row["from"] for row in printed["settings"]}
    assert places["completion.max_lines"].endswith("mine.toml")
    assert places["prompt.anchored"] == "the environment"
    assert places["model.path"] == "default"


def test_a_wrong_value_is_said_and_the_rest_is_listed(pylot_inside, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[completion]\nmax_lines = "few"\nmaxlines = 2\n', encoding="utf-8")
    done = pylot_inside("config", PYLOT_LS_CONFIG=str(file))
    assert done.returncode == 0
    assert "max_lines" in done.stderr
    assert "from 1 to 64" in done.stderr
    assert "completion.max_lines = 8" in done.stdout


def test_settings_that_no_server_could_start_with_are_listed_all_the_same(pylot, tmp_path):
    done = pylot("config", PYLOT_LS_LOG_FILE=str(tmp_path), PYLOT_LS_CONFIG=str(tmp_path))
    assert done.returncode == 0
    assert "it is a folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert "not there yet" not in done.stdout
    assert "log.file = " in done.stdout

import os
from pathlib import Path

import pytest

from pylot_ls.config.load import load
from pylot_ls.config.settings import Settings
from pylot_ls.config.sources import (
    MAX_FILE_BYTES,
    MAX_UNKNOWN_KEYS,
    Source,
    from_command_line,
    from_environment,
    from_file,
    from_initialization_options,
    from_workspace_configuration,
    settings_path,
)


@pytest.fixture
def toml(tmp_path):
    path = tmp_path / "config.toml"

    def read(content):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return from_file({"PYLOT_LS_CONFIG": str(path)})

    return read


def only_message(raw):
    (problem,) = raw.problems
    return problem.message


@pytest.mark.parametrize(
    "options",
    [
        {"completion": {"max_tokens": 7}},
        {"completion": {"maxTokens": 7}},
        {"completion.maxTokens": 7},
        {"completion.max_tokens": 7},
        {"pylot-ls": {"completion": {"maxTokens": 7}}},
        {"pylot-ls": {"completion.maxTokens": 7}},
        {"pylot-ls.completion.maxTokens": 7},
        {"pylot-ls": {"completion": {"maxTokens": 7}}, "python": {"analysis": {}}},
    ],
)
def test_each_spelling_of_a_key_counts(options):
    settings, problems = load([from_workspace_configuration(options)])
    assert (settings.completion.max_tokens, problems) == (7, ())


def test_a_group_given_in_two_forms_is_put_together():
    raw = from_workspace_configuration(
        {"pylot-ls": {"completion": {"maxTokens": 7}}, "pylot-ls.completion": {"maxLines": 3}}
    )
    settings, problems = load([raw])
    assert (settings.completion.max_tokens, settings.completion.max_lines, problems) == (7, 3, ())


def test_what_a_client_gives_beside_the_section_is_other_servers_own():
    raw = from_workspace_configuration({"pylot-ls": {"completion": {"maxTokens": 7}}, "log": {"level": "debug"}})
    settings, problems = load([raw])
    assert (settings.completion.max_tokens, settings.log.level, problems) == (7, "warning", ())


@pytest.mark.parametrize(
    "options",
    [
        None,
        {},
        {"completion": None},
        {"completion": {"maxTokens": None}},
        {"pylot-ls": None},
        {"completion.maxTokens": None},
    ],
)
def test_null_is_not_set(options):
    assert load([from_initialization_options(options)]) == (Settings(), ())


@pytest.mark.parametrize("options", [[], [{}], "x", 5, 1.5, True])
def test_options_that_are_no_object_are_one_problem(options):
    raw = from_initialization_options(options)
    assert "expects an object" in only_message(raw)
    assert load([raw])[0] == Settings()


@pytest.mark.parametrize("group", [5, "x", [], True])
def test_a_group_that_is_no_object_is_one_problem(group):
    settings, problems = load([from_initialization_options({"completion": group, "prompt": {"anchored": False}})])
    assert not settings.prompt.anchored
    (problem,) = problems
    assert "completion" in problem.message
    assert "group" in problem.message


@pytest.mark.parametrize(
    ("options", "near"),
    [
        ({"completion": {"maxToken": 5}}, "completion.maxTokens"),
        ({"completion": {"max_tokes": 5}}, "completion.max_tokens"),
        ({"compleation": {"maxTokens": 5}}, "completion"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest(options, near):
    assert only_message(from_initialization_options(options)).endswith(f"Did you mean {near}?")


@pytest.mark.parametrize("name", ["", "\x1b", "\ud800", "\u202e\n"])
def test_a_name_of_which_nothing_can_be_shown_is_a_problem_too(name):
    assert 'no setting "",' in only_message(from_initialization_options({name: 1}))


def test_a_flood_of_unknown_keys_is_summed_up():
    raw = from_initialization_options({f"{n}-zzzz": n for n in range(5000)})
    assert len(raw.problems) == MAX_UNKNOWN_KEYS + 1
    assert str(5000 - MAX_UNKNOWN_KEYS) in raw.problems[-1].message


def test_a_key_in_two_spellings_is_one_problem():
    raw = from_initialization_options({"completion": {"maxTokens": 5, "max_tokens": 6}})
    assert "twice" in only_message(raw)
    assert load([raw])[0].completion.max_tokens == 6


def test_the_environment_sets_values_of_every_type():
    settings, problems = load(
        [
            from_environment(
                {
                    "PYLOT_LS_MODEL_PATH": os.path.abspath("m.gguf"),  # noqa: PTH100
                    "PYLOT_LS_MODEL_N_CTX": " 512 ",
                    "PYLOT_LS_COMPLETION_ENABLED": "false",
                    "PYLOT_LS_COMPLETION_LANGUAGES_OFF": "markdown, text,",
                    "PYLOT_LS_PROMPT_PREFIX_SHARE": "0.5",
                    "PYLOT_LS_LOG_LEVEL": "debug",
                    "PYLOT_LS_LOG_FILE": "",
                    "PYLOT_LS_CONFIG": "x",
                    "HOME": "/",
                }
            )
        ]
    )
    assert problems == ()
    assert settings.model.path == Path.cwd() / "m.gguf"
    assert settings.model.n_ctx == 512
    assert settings.completion.enabled is False
    assert settings.completion.languages_off == ("markdown", "text")
    assert settings.prompt.prefix_share == 0.5
    assert settings.log.level == "debug"
    assert settings.log.file is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODEL_N_CTX", "lots"),
        ("MODEL_N_CTX", "9" * 5000),
        ("PROMPT_PREFIX_SHARE", "nan"),
        ("COMPLETION_ENABLED", "maybe"),
    ],
)
def test_a_wrong_value_in_the_environment_is_named_by_its_variable(name, value):
    settings, problems = load([from_environment({f"PYLOT_LS_{name}": value})])
    assert settings == Settings()
    (problem,) = problems
    assert problem.message.startswith(f"PYLOT_LS_{name} is ")
    assert len(problem.message) < 400


def test_an_unknown_variable_is_answered_with_the_nearest():
    message = only_message(from_environment({"PYLOT_LS_MODEL_PAHT": "x"}))
    assert message.endswith("Did you mean PYLOT_LS_MODEL_PATH?")


def test_that_all_variables_begin_alike_makes_none_of_them_near():
    assert "Did you mean" not in only_message(from_environment({"PYLOT_LS_FOO": "x"}))


def test_the_command_line_takes_text_and_values():
    settings, problems = load([from_command_line({"completion": {"max_tokens": "9", "enabled": False}})])
    assert (settings.completion.max_tokens, settings.completion.enabled, problems) == (9, False, ())


def test_the_settings_file_is_read_and_its_relative_paths_start_from_its_folder(toml, tmp_path):
    settings, problems = load([toml('[completion]\nmax_tokens = 9\n[log]\nfile = "logs/p.log"\n')])
    assert (settings.completion.max_tokens, problems) == (9, ())
    assert settings.log.file == tmp_path / "logs" / "p.log"


def test_paths_are_absolute_where_the_settings_file_is_named_relatively(monkeypatch, tmp_path):
    (tmp_path / "c.toml").write_text('[model]\npath = "m.gguf"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load([from_file({"PYLOT_LS_CONFIG": "c.toml"})])[0].model.path == Path.cwd() / "m.gguf"


def test_home_is_expanded_in_the_settings_files_name(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert settings_path({"PYLOT_LS_CONFIG": "~/c.toml"}) == tmp_path / "c.toml"


def test_nothing_in_the_users_own_file_is_dropped_without_a_word(toml):
    raw = toml("[pylot-ls.completion]\nmax_tokens = 9\n[completion]\nmax_lines = 3\n[bogus]\nx = 1\n")
    settings, problems = load([raw])
    assert (settings.completion.max_tokens, settings.completion.max_lines) == (9, 3)
    assert [problem.key for problem in problems] == ["bogus"]


def test_a_byte_order_mark_is_no_problem(toml):
    settings, problems = load([toml(b"\xef\xbb\xbf[completion]\nmax_tokens = 9\n")])
    assert (settings.completion.max_tokens, problems) == (9, ())


@pytest.mark.parametrize(
    ("content", "position"),
    [
        ("[completion]\nmax_tokens = = 5\n", "line 2, column 14"),
        ("a = 1\na = 2\n", "line 2, column 6"),
        ('a = "', "line 1, column 6"),
        (b"a = 1\nb = '\xff'\n", "line 2, column 6"),
        (b"\xef\xbb\xbfb = '\xff'\n", "line 1, column 6"),
        (b"\xef\xbb\xbf# \xc3\xa9\xff\n", "line 1, column 4"),
    ],
)
def test_a_fault_in_the_file_is_named_with_its_position_and_the_other_sources_count(toml, content, position):
    raw = toml(content)
    assert position in only_message(raw)
    settings, _ = load([raw, from_initialization_options({"completion.maxTokens": 5})])
    assert settings.completion.max_tokens == 5


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a = " + "[" * 100_000, "nested too deeply"),
        ("a = " + "9" * 5000, "thousands of digits"),
        ("#" * (MAX_FILE_BYTES + 1), f"over {MAX_FILE_BYTES} bytes"),
    ],
)
def test_a_hostile_file_is_one_problem(toml, content, reason):
    assert reason in only_message(toml(content))


def test_what_the_toml_reader_quotes_is_shortened(toml):
    table = f"[{'a' * 100_000}]\n"
    assert len(only_message(toml(table + table))) < 600


def test_values_that_toml_alone_has_are_a_problem_and_no_more(toml):
    settings, problems = load([toml("[completion]\nmax_tokens = 1979-05-27\nmax_lines = nan\nfallback = inf\n")])
    assert settings == Settings()
    assert [problem.key for problem in problems] == [
        "completion.max_tokens",
        "completion.max_lines",
        "completion.fallback",
    ]


def test_a_folder_in_the_files_place_is_a_problem(tmp_path):
    assert "it is a folder" in only_message(from_file({"PYLOT_LS_CONFIG": str(tmp_path)}))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_in_the_files_place_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    assert "no regular file" in only_message(from_file({"PYLOT_LS_CONFIG": str(tmp_path / "fifo")}))


def test_a_chosen_file_that_is_missing_is_a_problem(tmp_path):
    assert "PYLOT_LS_CONFIG" in only_message(from_file({"PYLOT_LS_CONFIG": str(tmp_path / "none.toml")}))


@pytest.mark.parametrize("environ", [{}, {"PYLOT_LS_CONFIG": " "}])
def test_no_file_in_the_usual_place_is_no_problem(monkeypatch, tmp_path, environ):
    monkeypatch.setattr("platformdirs.user_config_path", lambda *_, **__: tmp_path)
    assert settings_path(environ) == tmp_path / "config.toml"
    assert from_file(environ).problems == ()


def test_the_client_stands_below_the_command_line():
    assert list(Source)[-1] is Source.COMMAND_LINE

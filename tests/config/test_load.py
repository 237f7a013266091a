import itertools
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.config.fields import FIELDS, GROUPS
from pylot_ls.config.load import load, origins
from pylot_ls.config.settings import CacheSettings, LogSettings, ModelSettings, Scope, Settings
from pylot_ls.config.sources import (
    RawOptions,
    RawValue,
    Source,
    from_command_line,
    from_environment,
    from_initialization_options,
    from_workspace_configuration,
)
from pylot_ls.trace import on_one_line

# One good value for completion.max_tokens from each source, lowest first.
RISING = (
    (Source.FILE, 11),
    (Source.ENVIRONMENT, "12"),
    (Source.INITIALIZATION_OPTIONS, 13),
    (Source.WORKSPACE_CONFIGURATION, 14),
    (Source.COMMAND_LINE, 15),
)


def options(source, value, key="completion.max_tokens"):
    return RawOptions(source, f"the {source.value}", {key: RawValue(key, value)})


def client(value):
    return load([from_initialization_options(value)])


def only_message(problems):
    (problem,) = problems
    return problem.message


def test_no_source_gives_the_defaults():
    assert load([]) == (Settings(), ())


@pytest.mark.parametrize(("lower", "higher"), list(itertools.combinations(RISING, 2)), ids=lambda each: each[0].value)
def test_the_higher_source_wins_in_whatever_order_they_are_given(lower, higher):
    for given_in in itertools.permutations([options(*lower), options(*higher)]):
        settings, problems = load(given_in)
        assert settings.completion.max_tokens == int(higher[1])
        assert problems == ()


def test_a_wrong_value_falls_back_to_the_next_lower_good_one():
    settings, problems = load(
        [
            options(Source.FILE, 32),
            options(Source.ENVIRONMENT, "many"),
            options(Source.INITIALIZATION_OPTIONS, 9999),
        ]
    )
    assert settings.completion.max_tokens == 32
    assert [problem.source for problem in problems] == [Source.ENVIRONMENT, Source.INITIALIZATION_OPTIONS]
    assert all("Used instead: 32 from the settings file." in problem.message for problem in problems)


def test_a_wrong_value_below_a_good_one_is_reported_too():
    settings, problems = load([options(Source.FILE, 0), options(Source.COMMAND_LINE, 5)])
    assert settings.completion.max_tokens == 5
    assert "Used instead: 5 from the command line." in only_message(problems)


def test_a_message_names_key_value_what_is_accepted_and_what_is_used():
    settings, problems = client({"completion": {"maxTokens": 9999, "maxLines": 3}})
    assert settings.completion.max_lines == 3
    assert only_message(problems) == (
        "completion.maxTokens is 9999 in the editor's initializationOptions; accepted: a whole number from 1 to 512. "
        "Used instead: the default, 64."
    )
    assert problems[0].key == "completion.max_tokens"


@pytest.mark.parametrize(
    ("group", "name", "value"),
    [
        ("completion", "enabled", "false"),
        ("completion", "enabled", 0),
        ("completion", "max_tokens", 64.5),
        ("completion", "max_tokens", "64"),
        ("completion", "max_tokens", True),
        ("completion", "max_tokens", math.nan),
        ("completion", "max_tokens", math.inf),
        ("completion", "max_tokens", -(10**30)),
        ("completion", "max_tokens", {}),
        ("completion", "languages_off", "python"),
        ("completion", "languages_off", ["python", 1]),
        ("completion", "languages_off", [""]),
        ("completion", "languages_off", ["\ud800"]),
        ("completion", "languages_off", [None]),
        ("completion", "fallback", "sometimes"),
        ("completion", "fallback", []),
        pytest.param("completion", "max_tokens", 10**5000, id="huge"),
        ("prompt", "prefix_share", math.nan),
        ("prompt", "prefix_share", 10**400),
        ("prompt", "prefix_share", 0.95),
        ("prompt", "anchored", "true"),
    ],
)
def test_a_wrong_value_is_one_problem_and_the_default_stands(group, name, value):
    check_wrong_value(client({group: {name: value}}), group, name)


@pytest.mark.parametrize(
    ("group", "name", "value"),
    [
        ("model", "n_ctx", 255),
        ("model", "n_threads", -1),
        ("model", "flash_attention", True),
        ("log", "level", "WARN"),
    ],
)
def test_a_wrong_value_of_the_users_own_is_one_problem_too(group, name, value):
    check_wrong_value(load([from_command_line({group: {name: value}})]), group, name)


def check_wrong_value(loaded, group, name):
    settings, problems = loaded
    assert settings == Settings()
    message = only_message(problems)
    assert message.startswith(f"{group}.{name} is ")
    assert "accepted: " in message
    assert "Used instead: the default" in message
    assert len(message) < 400


def test_a_whole_number_written_as_a_float_counts():
    settings, problems = client({"completion": {"maxTokens": 12.0}})
    assert (settings.completion.max_tokens, problems) == (12, ())


@pytest.mark.parametrize("key", [key for key, field in FIELDS.items() if field.scope is Scope.USER])
@pytest.mark.parametrize("read", [from_initialization_options, from_workspace_configuration])
def test_a_client_cannot_set_what_is_the_users(key, read):
    settings, problems = load([read({key: "/elsewhere/secret-name"})])
    assert settings == Settings()
    message = only_message(problems)
    assert "does not count" in message
    assert FIELDS[key].env_name in message
    assert "config.toml" in message
    assert "on the command line" in message
    assert "secret-name" not in message


@pytest.mark.parametrize(("key", "value"), [("model.n_ctx", 2**20), ("model.n_threads", 512), ("log.level", "debug")])
def test_a_good_value_of_a_client_for_what_is_the_users_does_not_count_either(key, value):
    settings, problems = load([from_workspace_configuration({key: value})])
    assert settings == Settings()
    assert "does not count" in only_message(problems)


def test_a_refused_value_of_a_client_leaves_the_users_own():
    settings, problems = load(
        [
            from_environment({"PYLOT_LS_MODEL_BACKEND": "scripted"}),
            from_initialization_options({"model.backend": "llama"}),
        ]
    )
    assert settings.model.backend == "scripted"
    assert len(problems) == 1


def test_home_is_expanded_in_a_path(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    settings, _ = load([from_command_line({"model": {"path": "~/m.gguf"}})])
    assert settings.model.path == tmp_path / "m.gguf"


@pytest.mark.parametrize("path", ["", "  ", "a\0b", "~no-such-user-at-all/m.gguf", 5, ["/m.gguf"]])
def test_what_is_no_path_is_a_problem(path):
    settings, problems = load([options(Source.FILE, path, "model.path")])
    assert settings.model.path is None
    assert "accepted: a path" in only_message(problems)


def test_a_relative_path_starts_from_the_folder_of_its_file_and_not_from_a_repository(tmp_path):
    raw = RawOptions(Source.FILE, "f", {"model.path": RawValue("model.path", "m.gguf")}, folder=tmp_path)
    assert load([raw])[0].model.path == tmp_path / "m.gguf"


def test_a_relative_path_on_the_command_line_starts_from_the_working_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert load([from_command_line({"model": {"path": Path("m.gguf")}})])[0].model.path == Path.cwd() / "m.gguf"


def test_messages_hold_no_control_characters_and_not_the_home_folder():
    home = str(Path.home())
    value = f"{home}/x\x1b[31m\u202e\nINFO fake"
    _, problems = client({"completion.fallback": value, "co\x1bmpl\u2066etion\n": 1})
    for problem in problems:
        assert not set(problem.message + problem.key) & set("\x1b\n\u202e\u2066")
        assert len(home) == 1 or home not in problem.message
    assert len(problems) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [*GROUPS, "pylot-ls", *(field.key for field in FIELDS.values()), *(field.camel_key for field in FIELDS.values())]
)
LEAVES = st.sampled_from([field.name for field in FIELDS.values()])
LIKELY = st.dictionaries(NAMES, JSON | st.dictionaries(LEAVES, JSON, max_size=4), max_size=6)


@given(JSON | LIKELY | LIKELY.map(lambda inner: {"pylot-ls": inner}))
def test_whatever_a_client_sends_valid_settings_come_of_it(value):
    settings, problems = load([from_initialization_options(value), from_workspace_configuration(value)])
    assert Settings.model_validate(settings.model_dump()) == settings
    assert (settings.model, settings.log, settings.cache) == (ModelSettings(), LogSettings(), CacheSettings())
    assert all(problem.message == on_one_line(problem.message) for problem in problems)


ANY_CHARACTER = st.characters()  # lone surrogates too, as undecodable bytes in the environment become
VARIABLES = st.sampled_from([field.env_name for field in FIELDS.values()]) | st.text(ANY_CHARACTER, max_size=8).map(
    "PYLOT_LS_".__add__
)
TEXTS = st.text(ANY_CHARACTER, max_size=20) | st.floats().map(str) | st.integers().map(str) | st.just("~/x")


@given(st.dictionaries(VARIABLES, TEXTS, max_size=6))
def test_whatever_the_environment_holds_valid_settings_come_of_it(environ):
    settings, problems = load([from_environment(environ)])
    assert Settings.model_validate(settings.model_dump()) == settings
    assert all(path is None or path.is_absolute() for path in (settings.model.path, settings.log.file))
    assert all(problem.message == on_one_line(problem.message) for problem in problems)


VALID = st.fixed_dictionaries(
    {},
    optional={
        "completion": st.fixed_dictionaries(
            {},
            optional={
                "enabled": st.booleans(),
                "max_tokens": st.integers(1, 512),
                "max_lines": st.integers(1, 64),
                "fallback": st.sampled_from(["auto", "always", "never"]),
                "languages_off": st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True), max_size=3),
            },
        ),
        "prompt": st.fixed_dictionaries({}, optional={"anchored": st.booleans(), "prefix_share": st.floats(0.1, 0.9)}),
    },
)


@given(VALID)
def test_valid_values_come_through_unchanged(value):
    settings, problems = client(value)
    assert problems == ()
    assert settings == Settings.model_validate(value)


@given(VALID)
def test_valid_values_written_as_text_come_through_unchanged(value):
    environ = {
        FIELDS[f"{group}.{name}"].env_name: ",".join(each) if isinstance(each, list) else str(each)
        for group, fields in value.items()
        for name, each in fields.items()
    }
    assert load([from_environment(environ)]) == (Settings.model_validate(value), ())


def test_the_origin_is_told_of_what_counts_and_of_nothing_else():
    sources = [
        options(Source.FILE, 32),
        options(Source.ENVIRONMENT, "many"),
        options(Source.INITIALIZATION_OPTIONS, "llama", "model.backend"),
        options(Source.FILE, "error", "log.level"),
        options(Source.COMMAND_LINE, "info", "log.level"),
    ]
    assert origins(sources) == {"completion.max_tokens": "the settings file", "log.level": "the command line"}


def test_every_setting_a_client_may_make_can_be_given_in_camel_case():
    for field in FIELDS.values():
        if field.scope is Scope.ANY:
            raw = list(field.default) if isinstance(field.default, tuple) else field.default
            assert client({field.camel_key: raw}) == (Settings(), ())


def test_adapters_may_be_tables_or_paths_and_stand_beside_the_file_that_names_them(tmp_path):
    adapters = [{"path": "a.gguf", "scale": 0.5}, "b.gguf", {"path": "/c.gguf"}, "d=e.gguf", "f=g.gguf=2"]
    raw = RawOptions(Source.FILE, "the file", {"model.adapters": RawValue("model.adapters", adapters)}, folder=tmp_path)
    settings, problems = load([raw])
    assert problems == ()
    assert [(each.path, each.scale) for each in settings.model.adapters] == [
        (tmp_path / "a.gguf", 0.5),
        (tmp_path / "b.gguf", 1.0),
        (Path("/c.gguf"), 1.0),
        (tmp_path / "d=e.gguf", 1.0),
        (tmp_path / "f=g.gguf", 2.0),
    ]


@pytest.mark.parametrize(
    "wrong", [[{"pat": "a"}], [{"path": "a", "scale": "much"}], [{"path": "a", "scale": 99}], [3], [""]]
)
def test_adapters_that_are_none_are_one_problem(wrong):
    raw = RawOptions(Source.FILE, "the file", {"model.adapters": RawValue("model.adapters", wrong)})
    settings, (problem,) = load([raw])
    assert settings.model.adapters == ()
    assert 'accepted: a list of at most 8 LoRA adapters, each { path = "FILE.gguf", scale = 1.0 }' in problem.message


def test_a_repository_cannot_choose_adapters():
    settings, (problem,) = load([from_initialization_options({"model": {"adapters": ["a.gguf"]}})])
    assert settings.model.adapters == ()
    assert "does not count" in problem.message

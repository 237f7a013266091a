import dataclasses

import pytest
from pydantic import ValidationError

from pylot_ls.config.fields import FIELDS, describe, json_schema
from pylot_ls.config.settings import CompletionSettings, Scope, Settings
from pylot_ls.config.wording import shown


def test_settings_are_hashable_comparable_and_frozen():
    settings = Settings()
    assert settings == Settings()
    assert hash(settings) == hash(Settings())
    assert settings != Settings(completion=CompletionSettings(max_tokens=3))
    with pytest.raises(ValidationError):
        settings.completion = CompletionSettings()


def test_what_chooses_files_costs_the_machine_or_logs_documents_is_of_user_scope():
    assert {key for key, field in FIELDS.items() if field.scope is Scope.USER} == {
        "cache.enabled",
        "cache.disk_limit_mb",
        "cache.memory_limit_mb",
        "cache.daily_write_mb",
        "completion.look_ahead",
        "feedback.enabled",
        "feedback.keep_text",
        "model.path",
        "model.n_ctx",
        "model.kv_type",
        "model.memory_limit_mb",
        "model.n_threads",
        "model.n_gpu_layers",
        "model.flash_attention",
        "model.speculation",
        "model.ngrams",
        "model.backend",
        "model.adapters",
        "roles.chat",
        "roles.chat_adapters",
        "roles.embed",
        "log.level",
        "log.file",
    }


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_each_description_names_its_default(field):
    assert "default" in field.description
    if field.default is not None:
        default = shown(field.default)
        assert f"default {default}" in field.description


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_each_default_is_valid(field):
    if field.default is not None:
        raw = list(field.default) if isinstance(field.default, tuple) else field.default
        assert field.parse(raw) == field.default


NUMBERS = {key: field for key, field in FIELDS.items() if field.schema["type"] in {"integer", "number"}}


@pytest.mark.parametrize("field", NUMBERS.values(), ids=NUMBERS)
def test_the_schemas_bounds_are_the_ones_that_hold(field):
    low, high = field.schema["minimum"], field.schema["maximum"]
    assert [field.parse(low), field.parse(high)] == [low, high]
    step = 1 if field.schema["type"] == "integer" else 1e-6
    for outside in (low - step, high + step):
        with pytest.raises(ValueError, match=field.name):
            field.parse(outside)


CHOICES = {key: field for key, field in FIELDS.items() if "enum" in field.schema}


@pytest.mark.parametrize("field", CHOICES.values(), ids=CHOICES)
def test_the_schemas_choices_are_the_ones_that_hold(field):
    assert [field.parse(name) for name in field.schema["enum"]] == field.schema["enum"]
    with pytest.raises(ValueError, match=field.name):
        field.parse("another")


def test_describe_has_a_row_for_each_setting():
    rows = {row.key: row for row in describe()}
    assert rows.keys() == FIELDS.keys()
    assert dataclasses.asdict(rows["completion.max_tokens"]) == {
        "key": "completion.max_tokens",
        "type": "a whole number from 1 to 512",
        "default": "64",
        "scope": "any",
        "env": "PYLOT_LS_COMPLETION_MAX_TOKENS",
        "description": "The most that one suggestion decodes, in tokens; default 64.",
    }
    assert rows["model.path"].default == ""
    assert rows["model.path"].scope == "user"


def test_the_schema_offers_editors_what_they_may_set_and_nothing_else():
    groups = json_schema()["properties"]
    offered = {f"{group}.{name}" for group, schema in groups.items() for name in schema["properties"]}
    assert offered == {field.camel_key for field in FIELDS.values() if field.scope is Scope.ANY}
    max_tokens = groups["completion"]["properties"]["maxTokens"]
    assert (max_tokens["type"], max_tokens["minimum"], max_tokens["maximum"]) == ("integer", 1, 512)
    assert groups["completion"]["properties"]["fallback"]["enum"] == ["auto", "always", "never"]
    assert groups.keys().isdisjoint({"model", "log", "cache"})

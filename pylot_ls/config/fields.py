"""The table of all settings, derived from the typed groups: keys, environment names, schemas, descriptions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pylot_ls.config.settings import Scope, Settings
from pylot_ls.config.wording import accepted, shown

if TYPE_CHECKING:
    from pydantic import BaseModel

ENV_PREFIX = "PYLOT_LS_"

JSON_SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def camel_case(name: str) -> str:
    """Return ``max_tokens`` as ``maxTokens``."""
    return re.sub(r"_(.)", lambda match: match[1].upper(), name)


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting.

    Attributes:
        group: the name of its group.
        name: its own name, in snake case.
        group_type: the pydantic model that holds it.
        scope: who may set it.
        default: a value of its type.
        schema: its JSON schema, without null.
        description: for people; names unit and default.
    """

    group: str
    name: str
    group_type: type[BaseModel]
    scope: Scope
    default: object
    schema: dict[str, Any]
    description: str

    @property
    def key(self) -> str:
        """The full name, as in ``completion.max_tokens``."""
        return f"{self.group}.{self.name}"

    @property
    def camel_key(self) -> str:
        """The full name as editors spell it, as in ``completion.maxTokens``."""
        return f"{self.group}.{camel_case(self.name)}"

    @property
    def env_name(self) -> str:
        """The environment variable that sets it."""
        return f"{ENV_PREFIX}{self.group}_{self.name}".upper()

    def parse(self, raw: object) -> object:
        """Return a JSON or TOML value as a value of this field.

        Raises:
            ValueError: it is of another type or out of bounds. Text is no number and no boolean here.
        """
        if not _has_json_type(raw, self.schema["type"]):
            raise ValueError(self.key)
        return self._validated(raw)

    def parse_text(self, text: str) -> object:
        """Return text, as the environment or a shell gives it, as a value of this field; lists split at commas.

        Raises:
            ValueError: it stands for no value of this field.
        """
        if self.schema["type"] == "array":
            return self._validated([item for item in map(str.strip, text.split(",")) if item])
        return self._validated(text.strip())

    def _validated(self, value: object) -> object:
        return getattr(self.group_type.model_validate({self.name: value}), self.name)


def _has_json_type(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, int):
        return kind in {"integer", "number"}
    if isinstance(value, float):
        return kind == "number" or (kind == "integer" and value.is_integer())
    if isinstance(value, list | tuple):
        return kind == "array"
    return kind == "string"  # text or a path; pydantic refuses all else


def _fields() -> dict[str, SettingField]:
    found = {}
    for group, group_info in Settings.model_fields.items():
        group_type = type(group_info.default)
        schemas = group_type.model_json_schema()["properties"]
        for name, info in group_type.model_fields.items():
            marks = [mark for mark in info.metadata if isinstance(mark, Scope)]
            field = SettingField(
                group=group,
                name=name,
                group_type=group_type,
                scope=marks[0] if marks else Scope.ANY,
                default=info.default,
                schema=_plain_schema(schemas[name]),
                description=info.description or "",
            )
            found[field.key] = field
    return found


def _plain_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a field's schema without pydantic's titles, and without null: that only ever means "not set"."""
    plain = {key: value for key, value in schema.items() if key not in {"title", "anyOf"}}
    for option in schema.get("anyOf", []):
        if option["type"] != "null":
            plain |= option
    return plain


FIELDS = _fields()
"""All settings by their key in snake case."""

GROUPS = tuple(Settings.model_fields)

FIELD_OF_SPELLING = {spelling: field for field in FIELDS.values() for spelling in (field.key, field.camel_key)}
FIELD_OF_ENV_NAME = {field.env_name: field for field in FIELDS.values()}


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of what an editor may set, in camel case, for its settings page.

    Settings of user scope are not in it: from an editor they would be refused.
    """
    groups: dict[str, Any] = {}
    for field in FIELDS.values():
        if field.scope is not Scope.USER:
            group = groups.setdefault(
                field.group,
                {
                    "type": "object",
                    "description": field.group_type.__doc__,
                    "properties": {},
                    "additionalProperties": False,
                },
            )
            group["properties"][camel_case(field.name)] = dict(field.schema)
    return {
        "$schema": JSON_SCHEMA_DIALECT,
        "title": "pylot-ls",
        "type": "object",
        "properties": groups,
        "additionalProperties": False,
    }


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting in words; ``default`` is empty where leaving it unset is the default."""

    key: str
    type: str
    default: str
    scope: str
    env: str
    description: str


def describe() -> tuple[SettingRow, ...]:
    """Return all settings in words, group by group."""
    return tuple(
        SettingRow(
            key=field.key,
            type=accepted(field.schema),
            default="" if field.default is None else shown(field.default),
            scope=field.scope.value,
            env=field.env_name,
            description=field.description,
        )
        for field in FIELDS.values()
    )

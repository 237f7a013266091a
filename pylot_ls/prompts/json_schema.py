r"""From a JSON schema to a grammar in GBNF that generates what it describes. Pure.

Written in one way each: ``{"a": 1, "b": [2, 3]}``, properties in the schema's order. So no text can be read in two
ways, and nothing is spent on blanks. After JSON Schema 2020-12, of which it knows what OpenAI's structured outputs do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylot_ls.errors import RequestError
from pylot_ls.prompts.digits import MOST_DIGITS, whole_numbers
from pylot_ls.prompts.rule_book import PRIMITIVES, RuleBook, either, json_literal, times

if TYPE_CHECKING:
    from collections.abc import Iterable

    Schema = dict[str, Any]

_MOST_DEPTH = 32
# The most that the engine's grammars repeat anything.
_MOST_REPEATED = 1000

_FORMATS = {"date": "date", "time": "time", "date-time": 'date "T" time', "uuid": "uuid"}
_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
# What narrows a schema down in a way that a grammar cannot, or that is not known here.
_UNKNOWN = (
    "pattern", "patternProperties", "propertyNames", "minProperties", "maxProperties", "not", "if", "multipleOf",
    "uniqueItems", "contains", "dependentSchemas", "dependentRequired", "$dynamicRef", "$recursiveRef",
)  # fmt: skip

ANY_OBJECT: Schema = {"type": "object"}


def schema_grammar(schema: Any, *, is_lenient: bool = False) -> str:
    """The grammar of a schema, with the rule ``root``.

    Args:
        schema: as JSON has it.
        is_lenient: what cannot be had by a grammar is left out, instead of being refused.

    Raises:
        RequestError: it is no schema, or has what cannot be had by a grammar.
    """
    rules = Rules(schema, is_lenient=is_lenient)
    return rules.grammar(rules.of(schema))


class Rules(RuleBook):
    """Collects a grammar's rules. To be made for each grammar anew.

    Args:
        whole: the schema in which references are looked up; None where ``apart`` is given each one.
        is_lenient: see ``schema_grammar``.
    """

    def __init__(self, whole: Any, *, is_lenient: bool) -> None:
        super().__init__()
        self._whole = whole
        self._is_lenient = is_lenient
        self._references: dict[str, str] = {}
        self._depth = 0

    def of(self, schema: Any, path: str = "the schema") -> str:
        """An expression for a schema, which can stand beside others without brackets.

        Raises:
            RequestError: see ``schema_grammar``.
        """
        if schema is True:
            return self.primitive("value")
        if not isinstance(schema, dict):
            raise RequestError(f"{path} is no JSON schema: a schema is an object, or true")
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise RequestError(f"the schema is nested more than {_MOST_DEPTH} times; use $ref")
        try:
            return self._of(schema, path)
        finally:
            self._depth -= 1

    def apart(self, schema: Any, path: str) -> str:
        """An expression for a schema of its own, in which its references are looked up.

        Raises:
            RequestError: see ``schema_grammar``.
        """
        outside = self._whole, self._references
        self._whole, self._references = schema, {}
        try:
            return self.of(schema, path)
        finally:
            self._whole, self._references = outside

    def _of(self, schema: Schema, path: str) -> str:
        if "$ref" in schema:
            return self._reference(schema["$ref"], path)
        if "const" in schema:
            return json_literal(schema["const"])
        if "enum" in schema:
            choices = schema["enum"]
            if not isinstance(choices, list) or not choices:
                raise RequestError(f"enum in {path} is a list of what there is to choose from")
            return either(map(json_literal, choices))
        for name in ("anyOf", "oneOf"):
            if name in schema:
                others = {key: value for key, value in schema.items() if key != name}
                return either(
                    self.of(_merged((others, each), path) if isinstance(each, dict) else each, f"{path}.{name}")
                    for each in _list(schema[name], f"{name} in {path}")
                )
        if "allOf" in schema:
            others = {key: value for key, value in schema.items() if key != "allOf"}
            parts = [self._resolved(each, path) for each in _list(schema["allOf"], f"allOf in {path}")]
            return self.of(_merged((others, *parts), path), path)
        return self._typed(schema, path)

    def _typed(self, schema: Schema, path: str) -> str:
        self._check_unknown(schema, path)
        kind = schema.get("type", _implied(schema))
        if isinstance(kind, list) and kind:
            return either(self.of({**schema, "type": each}, path) for each in kind)
        if kind is None:
            return self.primitive("value")
        if kind not in _TYPES:
            raise RequestError(f"{kind!r} is no type of JSON ({path}); there are: {', '.join(_TYPES)}")
        if kind == "object":
            return self._object(schema, path)
        if kind == "array":
            return self._array(schema, path)
        if kind == "string":
            return self._string(schema, path)
        if kind == "integer":
            return self._whole_number(schema, path)
        if kind == "number":
            return self._number(schema, path)
        return self.primitive(kind)

    def _check_unknown(self, schema: Schema, path: str) -> None:
        found = next((name for name in _UNKNOWN if schema.get(name) not in (None, False)), None)
        if found is not None:
            self._leave_out(f"{found} in {path} cannot be kept to while generating; leave it out")

    def _leave_out(self, message: str) -> None:
        if not self._is_lenient:
            raise RequestError(message)

    def _reference(self, target: Any, path: str) -> str:
        if not isinstance(target, str) or not target.startswith("#"):
            raise RequestError(f"$ref in {path} has to lead into the schema itself, as #/$defs/name does")
        if target not in self._references:
            name = self._references[target] = f"r{len(self.rules)}"
            self.add(name, "")  # it may lead to itself
            self.rules[name] = self.of(self._look_up(target), target)
        return self._references[target]

    def _resolved(self, schema: Any, path: str) -> Schema:
        """A schema that is to be merged with others: what a reference leads to."""
        seen: set[str] = set()
        while isinstance(schema, dict) and isinstance(schema.get("$ref"), str) and schema["$ref"] not in seen:
            seen.add(schema["$ref"])
            schema = self._look_up(schema["$ref"])
        if not isinstance(schema, dict):
            raise RequestError(f"allOf in {path} holds what is no schema")
        return schema

    def _look_up(self, target: str) -> Any:
        found = self._whole
        for part in target.lstrip("#").split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or key not in found:
                raise RequestError(f"$ref leads to {target}, which the schema does not have")
            found = found[key]
        return found

    def _object(self, schema: Schema, path: str) -> str:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise RequestError(f"{path} has properties, an object, and required, a list of their names")
        further = schema.get("additionalProperties", not properties)
        known = {*map(str, properties)}
        missing = [str(name) for name in required if name not in known]
        if missing and further is False:
            raise RequestError(f"{path} requires {missing[0]}, which is none of its properties")
        members = [
            (self.named(f'{json_literal(str(name))} ": " {self.of(each, f"{path}.{name}")}'), name in required)
            for name, each in properties.items()
        ]
        members += [(f'{json_literal(name)} ": " {self.of(further, path)}', True) for name in missing]
        if further is False:
            return f'"{{" {self._members(members)} "}}"' if members else '"{}"'
        more = self.named(f'{self.primitive("string")} ": " {self.of(further, path)}')
        if not members:
            return f'"{{" ({more} (", " {more})*)? "}}"'
        return f'"{{" {self._members(members, more)} "}}"'

    def _members(self, members: list[tuple[str, bool]], more: str = "") -> str:
        """Those that are required, and any of the others, in order; then any number of further ones."""
        tail = f'(", " {more})*' if more else ""
        # What may follow the first member, the second one, and so on.
        following = [tail]
        for text, is_required in reversed(members[1:]):
            one = f'", " {text}' if is_required else f'(", " {text})?'
            following.insert(0, self.named(f"{one} {following[0]}".rstrip()))
        firsts = []
        for (text, is_required), behind in zip(members, following, strict=True):
            firsts.append(f"{text} {behind}".rstrip())
            if is_required:
                return either(firsts)
        if more:
            firsts.append(f"{more} {tail}")
        return f"{either(firsts)}?" if len(firsts) > 1 else f"({firsts[0]})?"

    def _array(self, schema: Schema, path: str) -> str:
        items, first = schema.get("items", True), schema.get("prefixItems", [])
        if isinstance(items, list):
            # As older schemas have it.
            items, first = schema.get("additionalItems", False), items
        if not isinstance(first, list):
            raise RequestError(f"prefixItems in {path} is a list of schemas")
        least = _count(schema, "minItems", path) or 0
        most = _count(schema, "maxItems", path)
        most = self._bounded(most, f"maxItems in {path}")
        if most is not None and most < least:
            raise RequestError(f"{path} has at least {least} items and at most {most}")
        if first:
            parts = [self.of(each, f"{path}[{number}]") for number, each in enumerate(first)]
            tuple_of = ' ", " '.join(parts)
            if items is False or (most is not None and most <= len(first)):
                return f'"[" {tuple_of} "]"'
            item = self.of(items, f"{path}[]")
            more = times(f'", " {item}', max(0, least - len(first)), None if most is None else most - len(first))
            return f'"[" {tuple_of} {more} "]"'
        if items is False or most == 0:
            return '"[]"'
        item = self.of(items, f"{path}[]")
        if " " in item:
            item = self.named(item)
        more = times(f'", " {item}', max(0, least - 1), None if most is None else most - 1)
        return f'"[" {item} {more} "]"' if least else f'"[" ({item} {more})? "]"'

    def _string(self, schema: Schema, path: str) -> str:
        form = _FORMATS.get(str(schema.get("format")))
        if form is not None:
            for name in form.split():
                if name in PRIMITIVES:
                    self.primitive(name)
            return f'"\\"" {form} "\\""'
        least = _count(schema, "minLength", path) or 0
        most = _count(schema, "maxLength", path)
        if not least and most is None:
            return self.primitive("string")
        if least > _MOST_REPEATED:
            self._leave_out(f"minLength in {path} may be {_MOST_REPEATED} at most")
            least = 0
        most = self._bounded(most, f"maxLength in {path}")
        if most is not None and most < least:
            raise RequestError(f"{path} has at least {least} characters and at most {most}")
        return f'"\\"" {times(self.primitive("char"), least, most)} "\\""'

    def _bounded(self, most: int | None, what: str) -> int | None:
        if most is not None and most > _MOST_REPEATED:
            self._leave_out(f"{what} may be {_MOST_REPEATED} at most; leave it out where more is allowed")
            return None
        return most

    def _whole_number(self, schema: Schema, path: str) -> str:
        least, most = _bounds(schema, path)
        if least is None and most is None:
            return self.primitive("whole")
        found = whole_numbers(least, most)
        if found is None:
            raise RequestError(f"there is no integer of at most {MOST_DIGITS} digits that {path} allows")
        return f"({found})"

    def _number(self, schema: Schema, path: str) -> str:
        if schema.get("minimum") == 0 and schema.get("maximum") is schema.get("exclusiveMaximum") is None:
            return self.primitive("natural")
        names = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
        if any(schema.get(name) is not None for name in names):
            self._leave_out(f"bounds of a number in {path} cannot be kept to while generating, but minimum 0")
        return self.primitive("number")


def _count(schema: Schema, name: str, path: str) -> int | None:
    value = schema.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise RequestError(f"{name} in {path} is a number from 0")
    return value


def _bounds(schema: Schema, path: str) -> tuple[int | None, int | None]:
    """The least and the most that an integer may be."""
    for name in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"):
        value = schema.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1):
            raise RequestError(f"{name} in {path} is a whole number")
    least = [schema.get("minimum"), _plus(schema.get("exclusiveMinimum"), 1)]
    most = [schema.get("maximum"), _plus(schema.get("exclusiveMaximum"), -1)]
    return (
        max((int(each) for each in least if each is not None), default=None),
        min((int(each) for each in most if each is not None), default=None),
    )


def _plus(value: float | None, other: int) -> float | None:
    return None if value is None else value + other


def _implied(schema: Schema) -> str | None:
    """The type of a schema that does not say it."""
    if "properties" in schema or "required" in schema or "additionalProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    if {"minLength", "maxLength", "pattern"} & schema.keys():
        return "string"
    return None


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise RequestError(f"{what} is a list of schemas")
    return value


def _merged(parts: Iterable[Schema], path: str) -> Schema:
    """What all of some schemas say; of what two say differently, the last one counts."""
    merged: Schema = {}
    for part in parts:
        for key, value in part.items():
            if key == "properties" and isinstance(value, dict):
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required" and isinstance(value, list):
                if not isinstance(merged.get(key, []), list):
                    raise RequestError(f"required in {path} is a list")
                merged[key] = [*merged.get(key, []), *value]
            else:
                merged[key] = value
    return merged

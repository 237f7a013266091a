"""Schemas to grammars: what is generated is JSON, and what the schema describes."""

from __future__ import annotations

import json

import pytest
from gbnf_regex import regex_of
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine.gbnf import check_grammar
from pylot_ls.errors import RequestError
from pylot_ls.prompts.digits import whole_numbers
from pylot_ls.prompts.json_schema import schema_grammar

NODE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
            "required": ["next"],
        }
    },
    "$ref": "#/$defs/node",
}
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "minimum": 0},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
    },
    "required": ["age"],
}


def allows(schema, text, **others):
    grammar = schema_grammar(schema, **others)
    check_grammar(grammar)
    return regex_of(grammar).fullmatch(text) is not None


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "number", "minimum": 0}, ["0.5", "12", "1e9"], ["-0.5", "01"]),
        ({"const": "42"}, ['"42"'], ["42", '"4"']),
        ({"enum": [1, None, {"a": [1]}]}, ["1", "null", '{"a": [1]}'], ["2", '{"a":[1]}']),
        (True, ['{"a": [1, -2.5e3, "x\\n"]}', "null", "[]"], ["", "{", "[1,2]", "01", '"\n"']),
        ({"type": "object"}, ["{}", '{"a": {"b": 1}}'], ["1", "[]"]),
        ({"type": ["string", "null"], "maxLength": 3}, ['"abc"', "null", '""'], ['"abcd"', "1"]),
        ({"type": "string", "minLength": 2, "maxLength": 3}, ['"ab"', '"\\u00e9\\""'], ['"a"', '"abcd"']),
        ({"type": "string", "format": "date"}, ['"2024-02-30"'], ['"2024-13-01"', '"x"']),
        (
            {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 2},
            ["[true]", "[true, false]"],
            ["[]", "[true, true, true]"],
        ),
        ({"type": "array", "minItems": 2}, ["[1, 2]", "[1, 2, 3]"], ["[1]"]),
        (
            {"prefixItems": [{"type": "null"}, {"type": "integer"}], "items": False},
            ["[null, 1]"],
            ["[null]", "[null, 1, 1]"],
        ),
        ({"items": [{"type": "integer"}]}, ["[-3000]"], ["[]", "[1, 2]"]),
        (
            PERSON,
            ['{"age": 3}', '{"name": "x", "age": 0}', '{"age": 1, "tags": ["a", "b"]}'],
            ["{}", '{"name": "x"}', '{"age": -1}', '{"age": 1, "name": "x"}', '{"age": 1, "z": 1}'],
        ),
        (
            {"type": "object", "properties": {"a": {}, "b": {}}},
            ["{}", '{"a": 1}', '{"b": 1}', '{"a": 1, "b": 2}'],
            ['{"b": 1, "a": 2}', '{, "b": 1}'],
        ),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, ["{}", '{"x": 1, "y": 2}'], ['{"x": "1"}']),
        (
            {"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": {"type": "integer"}},
            ["{}", '{"a": null}', '{"a": null, "x": 1}', '{"x": 1}'],
            ['{"x": null}'],
        ),
        (
            {
                "allOf": [
                    {"properties": {"a": {"const": 1}}, "required": ["a"]},
                    {"properties": {"b": {"const": 2}}, "required": ["b"]},
                ]
            },
            ['{"a": 1, "b": 2}'],
            ['{"a": 1}'],
        ),
        (
            {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": {"a": {}, "b": {}}},
            ['{"a": 1}', '{"b": 1}'],
            ["{}"],
        ),
        (NODE, ['{"next": null}', '{"next": {"next": null}}'], ['{"next": 1}', "{}"]),
        ({"type": "integer", "exclusiveMinimum": 9, "maximum": 12}, ["10", "12"], ["9", "13", "010"]),
    ],
)
def test_what_a_schema_describes_is_generated_and_nothing_else(schema, good, bad):
    for text in good:
        json.loads(text)
        assert allows(schema, text), text
    for text in bad:
        assert not allows(schema, text), text


@given(st.integers(-2000, 2000), st.integers(-2000, 2000), st.integers(-2500, 2500))
def test_numbers_between_bounds_are_generated_and_no_others(low, high, number):
    found = whole_numbers(low, high)
    assert (found is None) == (low > high)
    if found is not None:
        assert (regex_of(f"root ::= {found}").fullmatch(str(number)) is not None) == (low <= number <= high)


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (123, "no JSON schema"),
        ({"type": 123}, "123 is no type"),
        ({"type": "hiccup"}, "'hiccup' is no type"),
        ({"enum": []}, "list of what there is"),
        ({"anyOf": []}, "list of schemas"),
        ({"$ref": "https://example.org/x"}, "into the schema itself"),
        ({"$ref": "#/$defs/none"}, "does not have"),
        ({"properties": {"a": 1}}, "schema.a is no JSON schema"),
        ({"properties": [], "type": "object"}, "properties, an object"),
        ({"type": "object", "required": ["a"], "additionalProperties": False, "properties": {}}, "requires a"),
        ({"type": "array", "minItems": 3, "maxItems": 2}, "at least 3"),
        ({"type": "array", "minItems": -1}, "number from 0"),
        ({"type": "integer", "minimum": 0.5}, "whole number"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "no integer"),
        ({"type": "string", "pattern": "a+"}, "pattern in the schema"),
        ({"type": "number", "minimum": 1}, "but minimum 0"),
        ({"type": "string", "maxLength": 5000}, "maxLength"),
    ],
)
def test_what_is_no_schema_or_no_grammar_can_keep_to_is_told(schema, says):
    with pytest.raises(RequestError, match=says):
        schema_grammar(schema)


def test_where_it_is_lenient_what_a_grammar_cannot_do_is_left_out():
    assert allows({"type": "string", "pattern": "a+"}, '"b"', is_lenient=True)
    assert allows({"type": "number", "minimum": 1}, "0", is_lenient=True)


def test_a_schema_that_is_too_deep_or_leads_to_itself_at_once_is_refused():
    deep = {"type": "null"}
    for _ in range(100):
        deep = {"type": "array", "items": deep, "minItems": 1}
    with pytest.raises(RequestError, match="nested"):
        schema_grammar(deep)
    with pytest.raises(RequestError, match="begin with itself"):
        check_grammar(schema_grammar({"$ref": "#"}))


def test_many_optional_properties_take_few_rules():
    grammar = schema_grammar({"properties": {f"p{number}": {"type": "integer"} for number in range(50)}})
    assert len(grammar) < 8000
    check_grammar(grammar)

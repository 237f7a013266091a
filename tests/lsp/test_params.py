"""Structuring of params: strict about types, readable about errors."""

from __future__ import annotations

import pytest
from lsprotocol import types
from pygls.protocol import default_converter

from pylot_ls.lsp.params import InvalidParamsError, make_strict, structure_params

DOCUMENT = {"uri": "file:///a"}


@pytest.fixture(scope="module")
def converter():
    converter = default_converter()
    make_strict(converter)
    return converter


def hover(line, uri="file:///a"):
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": 0}}


@pytest.mark.parametrize("line", [5, 5.0])
def test_whole_numbers_are_integers(converter, line):
    params = structure_params(converter, "textDocument/hover", hover(line))
    assert params.position == types.Position(5, 0)
    assert isinstance(params.position.line, int)


def test_a_hover_may_be_about_a_range(converter):
    place = {"line": 5, "character": 0}
    params = structure_params(converter, "textDocument/hover", {**hover(1), "position": {"start": place, "end": place}})
    assert params.position == types.Range(types.Position(5, 0), types.Position(5, 0))
    assert params.text_document.uri == "file:///a"
    with pytest.raises(InvalidParamsError, match=r"^params\.position\.end: is missing$"):
        structure_params(converter, "textDocument/hover", {**hover(1), "position": {"start": place}})


@pytest.mark.parametrize("line", ["5", 5.5, True, None, [], float("inf")])
def test_other_things_are_no_integers(converter, line):
    with pytest.raises(InvalidParamsError, match=r"^params\.position\.line: is not valid, expected an integer$"):
        structure_params(converter, "textDocument/hover", hover(line))


@pytest.mark.parametrize("line", [-1, 2**31])
def test_numbers_out_of_range_say_the_range(converter, line):
    with pytest.raises(InvalidParamsError, match=rf"params\.position: should be in range .*, but was {line}"):
        structure_params(converter, "textDocument/hover", hover(line))


def test_null_is_no_uri(converter):
    with pytest.raises(InvalidParamsError, match=r"^params\.textDocument\.uri: is not valid, expected a string$"):
        structure_params(converter, "textDocument/hover", hover(1, uri=None))


@pytest.mark.parametrize("params", [[], "text", 5, True])
def test_params_of_an_lsp_method_are_an_object(converter, params):
    with pytest.raises(InvalidParamsError, match="must be an object"):
        structure_params(converter, "textDocument/hover", params)


def test_params_left_out_are_empty(converter):
    assert isinstance(structure_params(converter, "initialized", None), types.InitializedParams)
    with pytest.raises(InvalidParamsError, match=r"params\.position: is missing"):
        structure_params(converter, "textDocument/hover", None)


def test_only_the_first_problems_are_listed(converter):
    changes = [{"text": None} for _ in range(50)]
    params = {"textDocument": {**DOCUMENT, "version": 1}, "contentChanges": changes}
    with pytest.raises(InvalidParamsError, match=r"contentChanges\[4\].*; and 45 more$"):
        structure_params(converter, "textDocument/didChange", params)


@pytest.mark.parametrize("params", [None, 5, {"a": [1]}])
def test_params_of_other_methods_stay_as_they_are(converter, params):
    assert structure_params(converter, "toy/x", params) == params


def test_enums_are_read_and_unknown_values_refused(converter):
    params = {**hover(1), "context": {"triggerKind": 2}}
    structured = structure_params(converter, "textDocument/inlineCompletion", params)
    assert structured.context.trigger_kind is types.InlineCompletionTriggerKind.Automatic
    with pytest.raises(InvalidParamsError, match=r"params\.context\.triggerKind: is not valid"):
        structure_params(converter, "textDocument/inlineCompletion", {**params, "context": {"triggerKind": 7}})

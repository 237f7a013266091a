"""Tools in llama-server's "generic" format: the answer is one JSON object, bound by a grammar. Pure.

``{"tool_call": {"name": "f", "arguments": {...}}}`` calls one, ``{"tool_calls": [...]}`` several, and
``{"response": "..."}`` says something. The grammar writes each in one way, so that it can be read while it comes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pylot_ls.api.errors import ApiError
from pylot_ls.api.schemas import NamedTool
from pylot_ls.prompts.grammars import literal
from pylot_ls.prompts.json_schema import ANY_OBJECT, Rules, schema_grammar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.api.schemas import ChatBody, FunctionBody, ResponseFormat

CALL, CALLS, RESPONSE = "tool_call", "tool_calls", "response"
_MOST_TOOLS = 128


def offered(body: ChatBody) -> tuple[FunctionBody, ...]:
    """The functions that the assistant may call.

    Raises:
        ApiError: two have one name, or one is to be called that there is not.
    """
    functions = tuple(tool.function for tool in body.tools or ())
    if len(functions) > _MOST_TOOLS:
        raise ApiError(f"{len(functions)} tools; at most {_MOST_TOOLS} may be", param="tools")
    names = [function.name for function in functions]
    if len(set(names)) < len(names):
        raise ApiError("two tools have one name", param="tools")
    choice = body.tool_choice
    if choice == "none":
        return ()
    if isinstance(choice, NamedTool):
        if choice.function.name not in names:
            known = ", ".join(names) or "none"
            raise ApiError(f"there is no tool {choice.function.name!r}; there are: {known}", param="tool_choice")
        return tuple(function for function in functions if function.name == choice.function.name)
    if choice == "required" and not functions:
        raise ApiError("a tool is to be called, and there is none", param="tool_choice")
    return functions


def must_call(body: ChatBody) -> bool:
    """Whether an answer without a call is out of the question."""
    return body.tool_choice == "required" or isinstance(body.tool_choice, NamedTool)


def instructions(functions: Sequence[FunctionBody], *, is_parallel: bool) -> str:
    """What the model is told of them."""
    listed = json.dumps([function.model_dump(exclude_none=True) for function in functions], ensure_ascii=False)
    call = {"name": "the function's name", "arguments": {"parameter": "value"}}
    example = json.dumps({CALLS: [call]} if is_parallel else {CALL: call})
    return (
        f"You can call these functions:\n{listed}\n\nAnswer in JSON. To call {'functions' if is_parallel else 'one'}: "
        f"{example}\nTo answer without a call: {json.dumps({RESPONSE: 'your answer'})}"
    )


def chat_grammar(body: ChatBody) -> str | None:
    """What the answer has to follow by its tools and its format; None where neither says anything.

    Raises:
        ApiError: two things are asked for that do not go together.
        RequestError: a schema is none.
    """
    functions = offered(body)
    schema, is_lenient = _schema_of(body.response_format)
    if (functions or schema is not None) and (body.grammar or body.json_schema is not None):
        raise ApiError("tools and response_format do not go with a grammar or json_schema", param="grammar")
    if not functions:
        return None if schema is None else schema_grammar(schema, is_lenient=is_lenient)
    rules = Rules(None, is_lenient=True)
    calls = [_call(rules, function) for function in functions]
    call = rules.named(" | ".join(calls))
    if body.parallel_tool_calls:
        root = f'{_head(CALLS)} "[" {call} (", " {call})* "]}}"'
    else:
        root = f'{_head(CALL)} {call} "}}"'
    if not must_call(body):
        answer = rules.primitive("string") if schema is None else rules.named(rules.apart(schema, "the schema"))
        root = f'{root} | {_head(RESPONSE)} {answer} "}}"'
    return rules.grammar(root)


def _call(rules: Rules, function: FunctionBody) -> str:
    schema = function.parameters or ANY_OBJECT
    if schema.get("type", "object") != "object":
        raise ApiError(f"the parameters of {function.name} are no object", param="tools")
    arguments = rules.named(rules.apart({"type": "object", **schema}, f"the parameters of {function.name}"))
    return f'{literal(call_head(function.name))} {arguments} "}}"'


def call_head(name: str) -> str:
    """How a call begins, up to its arguments."""
    return f'{{"name": {json.dumps(name)}, "arguments": '


def head(key: str) -> str:
    """How an answer begins."""
    return f'{{"{key}": '


def _head(key: str) -> str:
    return literal(head(key))


def _schema_of(wanted: ResponseFormat | None) -> tuple[Any, bool]:
    """The schema of an answer, None for any text; and whether what a grammar cannot do is left out of it."""
    if wanted is None or wanted.type == "text":
        return None, False
    if wanted.type == "json_object":
        return ANY_OBJECT if wanted.schema_ is None else wanted.schema_, False
    named = wanted.json_schema or {}
    schema = named.get("schema", wanted.schema_)
    if schema is None:
        raise ApiError("response_format of the type json_schema needs json_schema.schema", param="response_format")
    return schema, named.get("strict") is False

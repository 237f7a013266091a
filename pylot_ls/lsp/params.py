"""A client's JSON as LSP's types, strictly, with errors that a client's author can read."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence  # noqa: TC003 - cattrs reads the types of fields
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import cattrs
from lsprotocol import types

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cattrs import Converter

_T = TypeVar("_T")

_MAX_PROBLEMS = 5
_RANGE = re.compile(r"should be in range \[[^\]]*\], but was -?\d+")


class InvalidParamsError(Exception):
    """The params do not fit the method; the text says where, in LSP's own field names, and quotes no text of theirs."""


@dataclass(frozen=True, slots=True)
class CommandParams:
    """What ``workspace/executeCommand`` gets: LSP's params, and a token for parts of the result.

    LSP gives commands no partial results; a client that sends the token all the same gets them.
    """

    command: str
    arguments: Sequence[Any] | None = None
    workDoneToken: types.ProgressToken | None = None  # noqa: N815 - LSP's name
    partialResultToken: types.ProgressToken | None = None  # noqa: N815


@dataclass(frozen=True, slots=True)
class RangeHoverParams:
    """What ``textDocument/hover`` gets where a selection is asked about: rust-analyzer's ``hoverRange``."""

    textDocument: types.TextDocumentIdentifier  # noqa: N815 - LSP's name
    position: types.Range
    workDoneToken: types.ProgressToken | None = None  # noqa: N815

    @property
    def text_document(self) -> types.TextDocumentIdentifier:
        """As LSP's own params call it."""
        return self.textDocument


_OWN_TYPES = {types.WORKSPACE_EXECUTE_COMMAND: CommandParams}


def make_strict(converter: Converter) -> None:
    """Have ``converter`` refuse a wrong JSON type where cattrs would coerce (null to the text "None", 1 to "1").

    A whole number written as 5.0 is still taken for 5: some clients know no integers.
    """
    # cattrs takes these for enums of strings and integers too; an enum refuses what is no value of its own.
    converter.register_structure_hook(str, _structure_str)
    converter.register_structure_hook(int, _structure_int)
    converter.register_structure_hook(bool, _structure_bool)


def structure_params(converter: Converter, method: str, params: Any) -> Any:
    """Return ``params`` as the type LSP gives them for ``method``; as they are for a method LSP does not know.

    Raises:
        InvalidParamsError: they do not fit that type.
    """
    params_type = _OWN_TYPES.get(method) or types.METHOD_TO_TYPES.get(method, (None, None, None))[2]
    if not isinstance(params_type, type):
        return params
    if method == types.TEXT_DOCUMENT_HOVER and _names_a_range(params):
        params_type = RangeHoverParams
    if params is None:
        params = {}  # some clients leave out params in which nothing is required
    if not isinstance(params, dict):
        raise InvalidParamsError("params must be an object")
    try:
        return converter.structure(params, params_type)
    except Exception as error:
        raise InvalidParamsError(_describe(error)) from error


def structure_argument(converter: Converter, value: Any, wanted: type[_T], number: int) -> _T:
    """An argument of a command as the type it has to have.

    Raises:
        InvalidParamsError: it does not fit that type.
    """
    if not isinstance(value, dict):
        raise InvalidParamsError(f"params.arguments[{number}]: is not valid, expected an object")
    try:
        return converter.structure(value, wanted)
    except Exception as error:
        raise InvalidParamsError(_describe(error, f"params.arguments[{number}]")) from error


def bind_arguments(
    command: Callable[..., Any], arguments: Sequence[Any], known: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Those of the ``known`` keywords that a command, as pygls registered it, takes beside these arguments.

    Raises:
        InvalidParamsError: the arguments are too many or too few.
    """
    signature = inspect.signature(command)
    if not isinstance(command, partial) and (asked_for := getattr(command, "func", None)) is not None:
        # pygls hides an async command that asks for the server in a wrapper of (*args, **kwargs).
        signature = inspect.signature(asked_for)
        signature = signature.replace(parameters=list(signature.parameters.values())[1:])
    taken = {name: value for name, value in known.items() if name in signature.parameters}
    try:
        signature.bind(*arguments, **taken)
    except TypeError as error:
        raise InvalidParamsError(f"params.arguments: {error}") from error
    return taken


def _names_a_range(params: Any) -> bool:
    position = params.get("position") if isinstance(params, dict) else None
    return isinstance(position, dict) and "start" in position


def _structure_str(value: Any, wanted: type[str]) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value if wanted is str else wanted(value)


def _structure_int(value: Any, wanted: type[int]) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value if wanted is int else wanted(value)


def _structure_bool(value: Any, _: type) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _describe(error: Exception, root: str = "params") -> str:
    """Say what is wrong at which field: ``params.position.line: invalid value for type, expected int``."""
    problems = [
        f"{root}{_camel_case(path.removeprefix('$'))}: {what}"
        for what, _, path in (
            each.rpartition(" @ ") for each in cattrs.transform_error(error, format_exception=_describe_one)
        )
    ]
    more = len(problems) - _MAX_PROBLEMS
    return "; ".join(problems[:_MAX_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")


def _describe_one(error: BaseException, wanted: type | None) -> str:
    if isinstance(error, KeyError):
        return "is missing"
    if isinstance(error, ValueError) and (in_range := _RANGE.search(str(error))):
        return in_range[0]
    expected = getattr(wanted, "__name__", None)
    return f"is not valid, expected {_JSON_NAMES.get(expected, expected)}" if expected else "is not valid"


_JSON_NAMES = {"str": "a string", "int": "an integer", "bool": "true or false", "Sequence": "an array"}


def _camel_case(path: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), path)

"""Where settings come from: each source read into raw values under known keys, not yet checked."""

from __future__ import annotations

import codecs
import difflib
import enum
import json
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from pylot_ls.config.fields import ENV_PREFIX, FIELD_OF_ENV_NAME, FIELD_OF_SPELLING, GROUPS
from pylot_ls.config.wording import shortened, shown_key, shown_path
from pylot_ls.language import Message, text_of

MAX_FILE_BYTES = 1024 * 1024
MAX_UNKNOWN_KEYS = 10  # reported of one source; a client may send another server's settings
SECTION = "pylot-ls"
PATH_VARIABLE = ENV_PREFIX + "CONFIG"

_SPELLINGS = (*FIELD_OF_SPELLING, *GROUPS)
_MAX_REASON = 160  # characters of what the TOML reader says: it may quote a key of any length
_NEAR = 0.5  # difflib's ratio from which a name is worth suggesting


class Source(enum.StrEnum):
    """Where a value was written; a later member overrides an earlier one.

    What the user typed on the command line stands above all, also above what the client's configuration says.
    """

    FILE = "settings file"
    ENVIRONMENT = "environment"
    INITIALIZATION_OPTIONS = "initializationOptions"
    WORKSPACE_CONFIGURATION = "workspace/configuration"
    COMMAND_LINE = "command line"

    @property
    def is_client(self) -> bool:
        """Whether the value came through the editor, where a repository may have put it."""
        return self in {Source.INITIALIZATION_OPTIONS, Source.WORKSPACE_CONFIGURATION}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a source that does not count, and why.

    Attributes:
        source: where it was written.
        key: the setting, such as ``completion.max_tokens``, or the unknown name; "" is the source as a whole.
        message: one line for the user, safe to show: no control characters, the home folder as ``~``.
    """

    source: Source
    key: str
    message: str


@dataclass(frozen=True, slots=True)
class RawValue:
    """A value not yet checked, and the name under which the user wrote it."""

    written: str
    value: object


@dataclass(frozen=True, slots=True)
class RawOptions:
    """What one source holds.

    Attributes:
        source: which it is.
        place: the source in words, for messages.
        values: by key in snake case.
        problems: found while reading.
        folder: what relative paths start from; None is the working folder.
    """

    source: Source
    place: str
    values: Mapping[str, RawValue] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    folder: Path | None = None


def settings_path(environ: Mapping[str, str]) -> Path:
    """Return the user's settings file; ``PYLOT_LS_CONFIG`` in ``environ`` names another one."""
    chosen = environ.get(PATH_VARIABLE, "").strip()
    if chosen:
        return Path(os.path.expanduser(chosen))  # noqa: PTH111 (Path.expanduser raises for an unknown user)
    return platformdirs.user_config_path(SECTION, appauthor=False) / "config.toml"


def from_file(environ: Mapping[str, str]) -> RawOptions:
    """Read the user's settings file; no file is no settings, unless ``PYLOT_LS_CONFIG`` names it."""
    path = settings_path(environ)
    place = shown_path(path)
    try:
        table = _read_toml(path)
    except FileNotFoundError:
        if not environ.get(PATH_VARIABLE, "").strip():
            return RawOptions(Source.FILE, place)
        reason: str = Message("there is no such file; {variable} names it", variable=PATH_VARIABLE)
    except OSError as error:
        reason = error.strerror or Message("it cannot be read")
    except (ValueError, RecursionError) as error:
        reason = Message("it is nested too deeply") if isinstance(error, RecursionError) else text_of(error)
    else:
        return _from_mapping(Source.FILE, place, table, folder=path.parent)
    message = Message(
        "Settings file {place}: {reason}. None of its settings count until that is mended.",
        place=place,
        reason=reason if isinstance(reason, Message) else shortened(reason, _MAX_REASON),
    )
    return RawOptions(Source.FILE, place, problems=(Problem(Source.FILE, "", message),))


def from_environment(environ: Mapping[str, str]) -> RawOptions:
    """Take ``PYLOT_LS_<GROUP>_<FIELD>`` from the environment; an empty value is not set."""
    place = Message("the environment")
    values = {}
    unknown = []
    for name, value in environ.items():
        if name in FIELD_OF_ENV_NAME:
            if value.strip():
                values[FIELD_OF_ENV_NAME[name].key] = RawValue(name, value)
        elif name.startswith(ENV_PREFIX) and name != PATH_VARIABLE:
            unknown.append(name)
    problems = _unknown_keys(Source.ENVIRONMENT, place, unknown, tuple(FIELD_OF_ENV_NAME))
    return RawOptions(Source.ENVIRONMENT, place, values, problems)


def from_command_line(overrides: Mapping[str, object]) -> RawOptions:
    """Take values given as flags, nested by group; text stands for values of any type, as in the environment."""
    return _from_mapping(Source.COMMAND_LINE, Message("the command line"), overrides)


def from_initialization_options(options: object) -> RawOptions:
    """Take what a client sent in ``initialize``; None is nothing."""
    return _from_client(Source.INITIALIZATION_OPTIONS, options)


def from_workspace_configuration(section: object) -> RawOptions:
    """Take a client's answer for the section ``pylot-ls``; None is nothing."""
    return _from_client(Source.WORKSPACE_CONFIGURATION, section)


def _from_client(source: Source, options: object) -> RawOptions:
    place = Message("the editor's {source}", source=source.value)
    if options is None:
        return RawOptions(source, place)
    if isinstance(options, Mapping):
        return _from_mapping(source, place, options)
    example = json.dumps({"completion": {"maxTokens": 64}})
    message = Message(
        "pylot-ls expects an object such as {example} in {place}. What stands there does not count.",
        example=example,
        place=place,
    )
    return RawOptions(source, place, problems=(Problem(source, "", message),))


def _from_mapping(source: Source, place: str, options: Mapping[str, object], folder: Path | None = None) -> RawOptions:
    """Sort nested, dotted and camel-case names under their keys; null is not set."""
    values: dict[str, RawValue] = {}
    unknown: list[str] = []
    problems: list[Problem] = []
    for written, value in _entries(options, all_ours=not source.is_client):
        setting = FIELD_OF_SPELLING.get(written)
        if setting is None:
            if written not in GROUPS:
                unknown.append(written)
            elif value is not None:
                message = Message(
                    "{name} in {place} is a group of settings, not one value; it does not count.",
                    name=written,
                    place=place,
                )
                problems.append(Problem(source, written, message))
        elif value is not None:
            if setting.key in values:
                message = Message(
                    "{setting} stands twice in {place}; {name} counts.", setting=setting.key, place=place, name=written
                )
                problems = [each for each in problems if each.key != setting.key]
                problems.append(Problem(source, setting.key, message))
            values[setting.key] = RawValue(written, value)
    problems += _unknown_keys(source, place, unknown, _SPELLINGS)
    return RawOptions(source, place, values, tuple(problems), folder)


def _entries(options: Mapping[str, object], *, all_ours: bool) -> list[tuple[str, object]]:
    """Return the options with the names of their groups before their own, without the outer key ``pylot-ls``.

    Where a client gives that key, nested or dotted, what stands beside it is other servers' own, unless ``all_ours``.
    """
    inside: list[tuple[str, object]] = []
    beside: dict[str, object] = {}
    for name, value in options.items():
        if name == SECTION and (value is None or isinstance(value, Mapping)):
            inside += _flat(value or {})
        elif name == SECTION:
            inside.append((name, value))
        elif str(name).startswith(SECTION + "."):
            inside += _flat({str(name).removeprefix(SECTION + "."): value})
        else:
            beside[name] = value
    has_section = SECTION in options or bool(inside)
    return inside if has_section and not all_ours else _flat(beside) + inside


def _flat(options: Mapping[str, object]) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, value in options.items():
        if name in GROUPS and isinstance(value, Mapping):
            found += [(f"{name}.{inner}", each) for inner, each in value.items()]
        else:
            found.append((str(name), value))
    return found


def _unknown_keys(source: Source, place: str, names: list[str], known: tuple[str, ...]) -> tuple[Problem, ...]:
    problems = []
    for name in names[:MAX_UNKNOWN_KEYS]:
        near = _nearest(name, known)
        advice = (
            Message("Did you mean {setting}?", setting=near)
            if near
            else Message("The command pylot-ls config lists all settings.")
        )
        message = Message(
            "There is no setting {name}, which stands in {place}. {advice}",
            name=shown_key(name),
            place=place,
            advice=advice,
        )
        problems.append(Problem(source, shown_key(name), message))
    if len(names) > MAX_UNKNOWN_KEYS:
        n_more = len(names) - MAX_UNKNOWN_KEYS
        problems.append(
            Problem(source, "", Message("{n} more settings in {place} are unknown.", n=n_more, place=place))
        )
    return tuple(problems)


def _nearest(name: str, known: tuple[str, ...]) -> str | None:
    # The prefix that all variables share makes none of them nearer.
    own_parts = {each.removeprefix(ENV_PREFIX): each for each in known if "." in each or "." not in name}
    near = difflib.get_close_matches(name.removeprefix(ENV_PREFIX)[:100], own_parts, n=1, cutoff=_NEAR)
    return own_parts[near[0]] if near else None


def _read_toml(path: Path) -> dict[str, object]:
    """Raise OSError where the file cannot be read, ValueError for its content."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a FIFO would wait for a writer
        raise ValueError(
            Message("it is a folder") if stat.S_ISDIR(status.st_mode) else Message("it is no regular file")
        )
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(Message("it is over {n_bytes} bytes", n_bytes=MAX_FILE_BYTES))
    data = data.removeprefix(codecs.BOM_UTF8)  # Windows' Notepad begins a file with it
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            Message("{position}: it is not UTF-8", position=_position(data[: error.start].decode("utf-8")))
        ) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).rpartition(" (at ")
        numbers = re.fullmatch(r"line (\d+), column (\d+)\)", where)
        position = _line_and_column(int(numbers[1]), int(numbers[2])) if numbers else _position(text)
        raise ValueError(
            Message("{position}: {reason}", position=position, reason=shortened(what, _MAX_REASON))
        ) from error
    except ValueError as error:  # Python refuses to read integers of thousands of digits
        raise ValueError(Message("it holds a number of thousands of digits")) from error


def _position(before: str) -> Message:
    return _line_and_column(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _line_and_column(line: int, column: int) -> Message:
    return Message("line {line}, column {column}", line=line, column=column)

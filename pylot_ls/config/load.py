"""Raw options to typed settings and a list of problems, in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pylot_ls.config.fields import FIELDS
from pylot_ls.config.settings import AdapterSettings, Scope, Settings
from pylot_ls.config.sources import Problem, Source, settings_path
from pylot_ls.config.wording import accepted, shown, shown_path
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pylot_ls.config.fields import SettingField
    from pylot_ls.config.sources import RawOptions

_PRIORITY = {source: rank for rank, source in enumerate(Source)}


def load(sources: Iterable[RawOptions]) -> tuple[Settings, tuple[Problem, ...]]:
    """Return the settings that the sources make together, and what in them does not count.

    For each setting the good value of the highest source counts, whatever order the sources are given in; a wrong
    value yields one problem and leaves the other settings alone. Never raises for what a source holds.
    """
    rising = _rising(sources)
    problems = [problem for options in rising for problem in options.problems]
    groups: dict[str, dict[str, object]] = {}
    for field in FIELDS.values():
        outcome = _outcome(field, rising)
        if outcome.options is not None:
            groups.setdefault(field.group, {})[field.name] = outcome.value
        problems += [_problem(field, options, outcome, rising) for options in outcome.rejected]
    return Settings.model_validate(groups), tuple(problems)


def origins(sources: Iterable[RawOptions]) -> dict[str, str]:
    """Return the place, in words, of each value that counts, by key; a setting at its default is not in it."""
    rising = _rising(sources)
    outcomes = {key: _outcome(field, rising) for key, field in FIELDS.items()}
    return {key: outcome.options.place for key, outcome in outcomes.items() if outcome.options is not None}


def _rising(sources: Iterable[RawOptions]) -> list[RawOptions]:
    return sorted(sources, key=lambda options: _PRIORITY[options.source])


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The value that counts, the source it came from (None: it is the default), the sources that were refused."""

    value: object
    options: RawOptions | None
    rejected: tuple[RawOptions, ...]


def _outcome(field: SettingField, rising: Sequence[RawOptions]) -> _Outcome:
    value: object = field.default
    best: RawOptions | None = None
    rejected = []
    for options in rising:
        if field.key not in options.values:
            continue
        try:
            value = _checked(field, options)
        except (ValueError, OverflowError, OSError):
            rejected.append(options)
        else:
            best = options
    return _Outcome(value, best, tuple(rejected))


def _checked(field: SettingField, options: RawOptions) -> object:
    """Raise ValueError for a value that the field or the source does not allow, OSError without a working folder."""
    if _is_refused(field, options.source):
        raise ValueError(field.key)
    raw = options.values[field.key].value
    textual = options.source in {Source.ENVIRONMENT, Source.COMMAND_LINE} and isinstance(raw, str)
    value = field.parse_text(raw) if textual and isinstance(raw, str) else field.parse(raw)
    return _absolute(value, options.folder or Path())


def _absolute(value: object, folder: Path) -> object:
    """A value with its paths from a folder on."""
    if isinstance(value, Path):
        return (folder / value).absolute()
    if isinstance(value, tuple):
        return tuple(_absolute(each, folder) for each in value)
    if isinstance(value, AdapterSettings):
        return value.model_copy(update={"path": _absolute(value.path, folder)})
    return value


def _is_refused(field: SettingField, source: Source) -> bool:
    return field.scope is Scope.USER and source.is_client


def _problem(field: SettingField, options: RawOptions, outcome: _Outcome, rising: Iterable[RawOptions]) -> Problem:
    raw = options.values[field.key]
    if _is_refused(field, options.source):
        # The value is not shown: it may be a secret, and the repository's author may have written it to be read.
        files = [each.place for each in rising if each.source is Source.FILE]
        message = Message(
            "{name} does not count in {place}, since a repository could carry it there. Set it in {file}, as "
            "{variable} "
            "in the environment, or on the command line.",
            name=raw.written,
            place=options.place,
            file=files[0] if files else shown_path(settings_path({})),
            variable=field.env_name,
        )
    else:
        message = Message(
            "{name} is {value} in {place}; accepted: {accepted}. {instead}",
            name=raw.written,
            value=shown(raw.value),
            place=options.place,
            accepted=accepted(field.schema),
            instead=_used_instead(field, outcome),
        )
    return Problem(options.source, field.key, message)


def _used_instead(field: SettingField, outcome: _Outcome) -> Message:
    if outcome.options is not None:
        return Message("Used instead: {value} from {place}.", value=shown(outcome.value), place=outcome.options.place)
    if field.default is None:
        return Message("Used instead: the default.")
    return Message("Used instead: the default, {value}.", value=shown(field.default))

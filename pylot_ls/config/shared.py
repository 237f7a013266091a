"""The settings of a session in a process that serves several: what belongs to the process is as the process has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.config.sources import Problem, Source
from pylot_ls.language import Message

if TYPE_CHECKING:
    from pylot_ls.config.settings import Settings

# The groups whose settings choose what there is once for all: models, their memory, the store, the log.
_OF_THE_PROCESS = ("model", "roles", "cache", "log")


def as_shared(settings: Settings, of_process: Settings) -> tuple[Settings, tuple[Problem, ...]]:
    """A session's settings as they count beside those of its process, and what the user is to know about it."""
    theirs = {group: getattr(of_process, group) for group in _OF_THE_PROCESS}
    others = [
        f"{group}.{name}"
        for group, values in theirs.items()
        for name, value in values
        if group != "log" and getattr(getattr(settings, group), name) != value
    ]
    counting = settings.model_copy(update=theirs)
    if not others:
        return counting, ()
    message = Message(
        "{settings} of this editor cannot count: the server that several editors share was started with other values. "
        "Stop it for the new ones to count: pylot-ls serve --stop",
        settings=", ".join(others),
    )
    return counting, (Problem(Source.COMMAND_LINE, others[0], message),)

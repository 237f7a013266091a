"""The settings of one client, put together from everything that may say some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls import trace
from pylot_ls.config.load import load
from pylot_ls.config.shared import as_shared
from pylot_ls.config.sources import (
    RawOptions,
    RawValue,
    Source,
    from_command_line,
    from_environment,
    from_file,
    from_initialization_options,
    from_workspace_configuration,
)
from pylot_ls.config.wiring import user_language
from pylot_ls.errors import SettingsError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pylot_ls.config.settings import Settings
    from pylot_ls.language import Language


class ClientSettings:
    """What the user's file, the environment, the client and the command line say, and what comes of it.

    Args:
        overrides: settings of the command line.
        environment: of the client.
        shared: the settings of a process that serves other sessions, too; None where this is the only one.

    Attributes:
        initialization_options: what the client said when it began.
        workspace_configuration: what the client says now.
        locale: the tag of the language in which the client speaks to its user.
        chosen: models that the user has chosen for this process, by the settings that they take the place of.
        current: what came of it all when it was last put together.
        problems: what of it is not as it should be.
    """

    def __init__(
        self, overrides: Mapping[str, object], environment: Mapping[str, str], shared: Settings | None
    ) -> None:
        self._user = (from_file(environment), from_environment(environment), from_command_line(overrides))
        self._shared = shared
        self.initialization_options: object = None
        self.workspace_configuration: object = None
        self.locale: str | None = None
        self.chosen: dict[str, RawValue] = {}
        self.current, self.problems = load(self._user)

    @property
    def is_shared(self) -> bool:
        """Whether other sessions run the same models."""
        return self._shared is not None

    @property
    def language(self) -> Language:
        """The user's: as the settings say, else as the client does."""
        return user_language(self.current, self.locale)

    def choose(self, setting: str, value: str) -> None:
        """Let a model take the place of the one that a setting names."""
        self.chosen[setting] = RawValue(setting, value)

    def put_together(self) -> Settings:
        """What all sources say now."""
        self.current, self.problems = load(
            (
                *self._user,
                from_initialization_options(self.initialization_options),
                from_workspace_configuration(self.workspace_configuration),
                RawOptions(Source.COMMAND_LINE, Message("the command pylot-ls.switchModel"), self.chosen),
            ),
        )
        if self._shared is not None:
            self.current, others = as_shared(self.current, self._shared)
            self.problems += others
        return self.current

    def configure_log(self) -> None:
        """Have the log as the settings say, where it is not that of a process which serves others, too.

        Raises:
            SettingsError: its file cannot be used; it is written to stderr then.
        """
        if self._shared is not None:
            return
        try:
            trace.configure(self.current.log.level, self.current.log.file)
        except SettingsError:
            trace.configure(self.current.log.level, None)
            raise

"""From settings to the feedback log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.config.folders import state_folder
from pylot_ls.features.feedback_log import FeedbackLog
from pylot_ls.features.feedback_writer import FeedbackWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.config.settings import Settings
    from pylot_ls.errors import FeedbackLogError


def feedback_log() -> FeedbackLog:
    """The user's log; its file need not exist."""
    return FeedbackLog(state_folder() / "feedback" / "feedback.db")


def make_feedback_writer(settings: Settings, on_fault: Callable[[FeedbackLogError], None]) -> FeedbackWriter | None:
    """What writes the log; None where the user wants none. ``on_fault`` is called on its thread."""
    return FeedbackWriter(feedback_log(), on_fault) if settings.feedback.enabled else None

"""Fill-in-the-middle prompts with no memory of the keystroke before. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.prompts.layout import FimOptions
from pylot_ls.prompts.plan import make_plan

if TYPE_CHECKING:
    from pylot_ls.engine.prompt_types import Prompt
    from pylot_ls.engine.types import ModelInfo
    from pylot_ls.text.rope import Text

__all__ = ["FimOptions", "fim_prompt"]


def fim_prompt(text: Text, offset: int, model: ModelInfo, options: FimOptions, max_tokens: int) -> Prompt:
    """The prompt that asks for what stands at an offset; see ``make_plan``."""
    return make_plan(text, offset, model, options, max_tokens).prompt

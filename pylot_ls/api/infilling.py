"""Prompts that fill a hole, laid out so that typing only adds to them: the anchors of what each user types in.

Clients send the whole surroundings of the cursor with each keystroke. They are taken for the document that they are a
part of: the prompt goes on standing on the anchor of the keystroke before as long as that is in them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pylot_ls.engine.prompt_types import Keep, TextSegment
from pylot_ls.engine.types import Priority
from pylot_ls.errors import PylotError
from pylot_ls.prompts.layout import FimOptions
from pylot_ls.prompts.plan import make_plan
from pylot_ls.text.rope import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.api.models import Model
    from pylot_ls.api.users import User
    from pylot_ls.engine.prompt_types import Prompt
    from pylot_ls.prompts.anchor import Anchor
    from pylot_ls.prompts.plan import Plan

_log = logging.getLogger(__name__)

# Places in which one user types, by turns; and users.
_MOST_PLACES = 16
_MOST_USERS = 256
# What other files may take of a context.
_SHARE_OF_OTHERS = 0.25
# How the chunks of other files are set apart, where the model has no token for that.
_SEPARATOR = "\n\n--- {name} ---\n\n"


@dataclass(frozen=True, slots=True)
class Other:
    """A piece of another file."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Hole:
    """What is to be filled.

    Attributes:
        before, after: the text up to the cursor, and behind it.
        others: pieces of other files; where the prompt stands on an anchor they are those that it was made with.
    """

    before: str
    after: str
    others: tuple[Other, ...] = ()


@dataclass(frozen=True, slots=True)
class _Preparing:
    """What is to be stood on next.

    Attributes:
        plan: of the keystroke that asked for it.
        others: pieces of other files that it is to have.
        n_others: tokens that they may take.
    """

    plan: Plan
    others: tuple[Other, ...]
    n_others: int


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where somebody typed last: on which anchor, with which pieces of other files before it."""

    anchor: Anchor
    others: tuple[Other, ...]


class Infilling:
    """Remembers where users type."""

    def __init__(self) -> None:
        self._places: OrderedDict[tuple[str, str], list[_Standing]] = OrderedDict()
        self._preparing: dict[tuple[str, str], asyncio.Task[None]] = {}

    def prompt(self, model: Model, user: User, hole: Hole, max_tokens: int) -> Prompt:
        """The prompt that asks for what stands in a hole.

        Args:
            model: that answers.
            user: that asks.
            hole: what is to be filled.
            max_tokens: to be decoded.

        Raises:
            ModelUnsupportedError: the model cannot fill holes, or has no room.
        """
        key = (user.name, model.name)
        standings = self._places.setdefault(key, [])
        self._places.move_to_end(key)
        if len(self._places) > _MOST_USERS:
            self._places.popitem(last=False)
        text, cursor, wanted = Text.from_str(hole.before + hole.after), len(hole.before), hole.others
        n_others = int(model.info.n_ctx * _SHARE_OF_OTHERS) if wanted else 0
        info = replace(model.info, n_ctx=model.info.n_ctx - n_others)
        plan = make_plan(
            text, cursor, info, FimOptions(), max_tokens, None, tuple(standing.anchor for standing in standings)
        )
        stood = next((standing for standing in standings if standing.anchor == plan.anchor), None)
        standing = _Standing(plan.anchor, wanted if stood is None else stood.others)
        standings[:] = [standing, *(each for each in standings if each is not stood)][:_MOST_PLACES]
        if plan.successor is not None or standing.others != wanted:
            self._prepare(key, model, user, _Preparing(plan, wanted, n_others))
        return with_others(plan.prompt, standing.others, n_others)

    def _prepare(self, key: tuple[str, str], model: Model, user: User, asked: _Preparing) -> None:
        """Evaluate what will be stood on next, while there is nothing more urgent to do."""
        if key in self._preparing:
            return
        plan = asked.plan
        successor = plan.successor or plan.anchor
        prompt = with_others(plan.prepare or plan.prompt, asked.others, asked.n_others)

        async def prepare() -> None:
            try:
                async for _ in model.engine.generate(
                    prompt, max_tokens=0, priority=Priority.BACKGROUND, session=user.session, salt=user.salt
                ):
                    pass
            except PylotError as error:
                _log.info("a prompt could not be prepared: %s", error)
                return
            standings = self._places.get(key, [])
            if any(each.anchor == plan.anchor for each in standings):
                new = _Standing(successor, asked.others)
                standings[:] = [new, *(each for each in standings if each.anchor != successor)][:_MOST_PLACES]

        task = self._preparing[key] = asyncio.ensure_future(prepare())
        task.add_done_callback(lambda _task: self._preparing.pop(key, None))

    async def settled(self) -> None:
        """Wait until nothing is being prepared."""
        while self._preparing:
            await asyncio.wait(list(self._preparing.values()))

    async def close(self) -> None:
        """End what is being prepared."""
        tasks = list(self._preparing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def with_others(prompt: Prompt, others: Sequence[Other], n_tokens: int) -> Prompt:
    """A prompt with pieces of other files where its text begins, in an order that does not change with their ranks.

    Args:
        prompt: begins with the marker that begins texts.
        others: the pieces.
        n_tokens: that they may take together.
    """
    if not others:
        return prompt
    ordered = sorted(others, key=lambda other: (other.name, other.text))
    text = "".join(_SEPARATOR.format(name=other.name) + other.text for other in ordered)
    return (prompt[0], TextSegment(f"{text}\n\n", n_tokens, Keep.START), *prompt[1:])

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

_log = logging.getLogger(__name__)

# Places in which one user types, by turns; and users.
_MOST_PLACES = 16
_MOST_USERS = 256
# What other files may take of a context.
_SHARE_OF_OTHERS = 0.25
_STEP_OF_ROOM = 64
# How the chunks of other files are set apart, where the model has no token for that.
_SEPARATOR = "\n\n--- {name} ---\n\n"


@dataclass(frozen=True, slots=True)
class Other:
    """A piece of another file."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class FileMarks:
    """Special tokens, as they are spelt, before a repository's name and before each file's."""

    repository: str
    file: str


# Of Qwen2.5-Coder, and of StarCoder2 and Granite.
_MARKS = (FileMarks("<|repo_name|>", "<|file_sep|>"), FileMarks("<repo_name>", "<file_sep>"))
# Clients tell neither name, and llama-server says as much.
_REPOSITORY, _UNNAMED = "myproject", "filename"
# For these names and their marks.
_MOST_MARKED = 16
# Code has more bytes a token than this, on average; a short text may be none of that average.
_BYTES_PER_TOKEN = 2
_SHORT_BYTES = 128


@dataclass(frozen=True, slots=True)
class Hole:
    """What is to be filled.

    Attributes:
        before, after: the text up to the cursor, and behind it.
        others: pieces of other files, for which there is room whether there are any or not; where the prompt stands on
            an anchor they are those that it was made with. None where there will never be any.
    """

    before: str
    after: str
    others: tuple[Other, ...] | None = None


@dataclass(frozen=True, slots=True)
class Filling:
    """How a hole is to be filled.

    Attributes:
        prompt: to be continued.
        fallbacks: smaller ones, the best first, for who cannot wait for it.
    """

    prompt: Prompt
    fallbacks: tuple[Prompt, ...]


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where somebody typed last.

    Attributes:
        anchor: on which it stands.
        others: pieces of other files before it.
        prompt: the last one, without those.
    """

    anchor: Anchor
    others: tuple[Other, ...]
    prompt: Prompt


class Infilling:
    """Remembers where users type."""

    def __init__(self) -> None:
        self._places: OrderedDict[tuple[str, str], list[_Standing]] = OrderedDict()
        self._preparing: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._marks: dict[str, FileMarks | None] = {}

    async def fill(self, model: Model, user: User, hole: Hole, max_tokens: int) -> Filling:
        """How to ask for what stands in a hole.

        Args:
            model: that answers.
            user: that asks.
            hole: what is to be filled.
            max_tokens: to be decoded.

        Raises:
            ModelUnsupportedError: the model cannot fill holes, or has no room.
        """
        if hole.others:
            await self._know_marks(model)
        standings = self._of(model, user)
        text, cursor = Text.from_str(hole.before + hole.after), len(hole.before)
        info = replace(model.info, n_ctx=model.info.n_ctx - _room(model, hole.others))
        # Limits that followed every length that is asked for would move the windows' borders.
        room = -(-max_tokens // _STEP_OF_ROOM) * _STEP_OF_ROOM
        anchors = tuple(standing.anchor for standing in standings)
        plan = make_plan(text, cursor, info, FimOptions(), min(room, info.n_ctx // 2), None, anchors)
        wanted = hole.others or ()
        stood = next((standing for standing in standings if standing.anchor == plan.anchor), None)
        standing = _Standing(plan.anchor, wanted if stood is None else stood.others, plan.prompt)
        standings[:] = [standing, *(each for each in standings if each is not stood)][:_MOST_PLACES]
        if plan.successor is not None or standing.others != wanted:
            following = _Standing(plan.successor or plan.anchor, wanted, plan.prepare or plan.prompt)
            self._prepare(model, user, plan.anchor, following)
        return Filling(self._with_others(model, standing), plan.fallbacks)

    def widen(self, model: Model, user: User) -> None:
        """The last hole was filled by a smaller prompt: have the whole one evaluated in the background."""
        for standing in self._of(model, user)[:1]:
            self._prepare(model, user, standing.anchor, standing)

    async def renew(self, model: Model, user: User, others: tuple[Other, ...]) -> None:
        """Other files have changed while nothing was typed: have them evaluated before where somebody typed last."""
        await self._know_marks(model)
        for standing in self._of(model, user)[:1]:
            if standing.others != others:
                self._prepare(model, user, standing.anchor, replace(standing, others=others))

    async def _know_marks(self, model: Model) -> None:
        if model.info.path not in self._marks:
            self._marks[model.info.path] = await marks_of(model)

    def _with_others(self, model: Model, standing: _Standing) -> Prompt:
        room = _room(model, standing.others)
        return with_others(standing.prompt, standing.others, room, self._marks.get(model.info.path))

    def _of(self, model: Model, user: User) -> list[_Standing]:
        """Where a user typed, the last place first."""
        key = (user.name, model.name)
        standings = self._places.setdefault(key, [])
        self._places.move_to_end(key)
        if len(self._places) > _MOST_USERS:
            self._places.popitem(last=False)
        return standings

    def _prepare(self, model: Model, user: User, anchor: Anchor, following: _Standing) -> None:
        """Evaluate what will be stood on next, while there is nothing more urgent to do."""
        key = (user.name, model.name)
        if key in self._preparing:
            return
        prompt = self._with_others(model, following)

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
            if any(each.anchor == anchor for each in standings):
                others = (each for each in standings if each.anchor != following.anchor)
                standings[:] = [following, *others][:_MOST_PLACES]

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


def _room(model: Model, others: tuple[Other, ...] | None) -> int:
    """Tokens for pieces of other files."""
    return 0 if others is None else int(model.info.n_ctx * _SHARE_OF_OTHERS)


def with_others(prompt: Prompt, others: Sequence[Other], n_tokens: int, marks: FileMarks | None = None) -> Prompt:
    """A prompt with pieces of other files where its text begins, in an order that does not change with their ranks.

    Args:
        prompt: begins with the marker that begins texts.
        others: the pieces.
        n_tokens: that they may take together.
        marks: how the model was shown several files; None where it was not.
    """
    if not others:
        return prompt
    ordered = sorted(others, key=lambda other: (other.name, other.text))
    if marks is None:
        text = "".join(_SEPARATOR.format(name=other.name) + other.text for other in ordered)
        return (prompt[0], TextSegment(f"{text}\n\n", n_tokens, Keep.START), *prompt[1:])
    pieces: list[TextSegment] = [TextSegment(marks.repository, special=True), TextSegment(f"{_REPOSITORY}\n")]
    left = n_tokens - _MOST_MARKED
    for other in ordered:
        # What somebody else wrote stays text, whatever special tokens it spells.
        text = f"{other.name}\n{other.text}"
        n_bytes = len(text.encode("utf-8", "replace"))
        most = min(n_bytes if n_bytes <= _SHORT_BYTES else n_bytes // _BYTES_PER_TOKEN, left - _MOST_MARKED)
        if most <= 0:
            break
        pieces += [TextSegment(marks.file, special=True), TextSegment(text, most, Keep.START)]
        left -= most + 1
    pieces += [TextSegment(marks.file, special=True), TextSegment(f"{_UNNAMED}\n")]
    return (prompt[0], *pieces, *prompt[1:])


async def marks_of(model: Model) -> FileMarks | None:
    """How a model was shown several files, if it was: its vocabulary has tokens for that."""
    for marks in _MARKS:
        tokens = await model.engine.tokenize((TextSegment(marks.repository, special=True),))
        if len(tokens) == 1 == len(await model.engine.tokenize((TextSegment(marks.file, special=True),))):
            return marks
    return None

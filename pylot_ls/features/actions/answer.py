"""What a model that chats has answered: the code, the prose or the name in it. Pure."""

from __future__ import annotations

import inspect
import re

from pylot_ls.errors import ActionError
from pylot_ls.language import ENGLISH, Language

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([^\n`]*)$", re.MULTILINE)
_NAME = re.compile(r"[^\W\d]\w*\Z")
_AROUND_NAME = " \t\n`'\"*.:()"
# Who is asked for a name may say what it is.
_BEFORE_NAME = re.compile(r"\A(?:(?:a|the)\s+)?(?:better|new)?\s*name\s*(?:is|:)\s*", re.IGNORECASE)


def code_in(answer: str, language: Language = ENGLISH) -> str:
    """The first fenced block of an answer, without its fences and the blank lines around it.

    Raises:
        ActionError: there is none, or it is not closed, or nothing is in it.
    """
    opening = _FENCE.search(answer)
    if opening is None:
        raise ActionError(language.say("The model's answer has no code; nothing was changed."))
    mark = opening[1]
    closing = re.compile(rf"^[ \t]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$", re.MULTILINE)
    end = closing.search(answer, opening.end())
    if end is None:
        raise ActionError(language.say("The code in the model's answer does not end; nothing was changed."))
    code = answer[opening.end() : end.start()].strip("\n").rstrip()
    if not code.strip():
        raise ActionError(language.say("There is no code in the model's answer; nothing was changed."))
    return code


def prose_in(answer: str) -> list[str]:
    """The lines of a text that was asked for, without fences, comment marks and quotes around it."""
    fenced = _FENCE.search(answer)
    text = answer
    if fenced is not None:
        end = _FENCE.search(answer, fenced.end())
        text = answer[fenced.end() : end.start() if end else len(answer)]
    text = re.sub(r"\A\s*[rR]?(\"\"\"|'''|/\*\*?)", "", text)
    text = re.sub(r"(\"\"\"|'''|\*/)\s*\Z", "", text)
    lines = inspect.cleandoc(text).split("\n")
    if all(re.match(r"\s*(\*|///|//!|//|#)(?: |$)", line) for line in lines[1:] if line.strip()):
        lines = [re.sub(r"\A\s*(\*|///|//!|//|#)(?: |$)", "", line) for line in lines]
    return [line.rstrip() for line in "\n".join(lines).strip("\n").split("\n")]


def name_in(answer: str, language: Language = ENGLISH) -> str:
    """The one name that an answer is.

    Raises:
        ActionError: it is none, or more than one.
    """
    first = answer.strip()
    if _FENCE.search(first):
        first = code_in(first, language)
    name = _BEFORE_NAME.sub("", first.strip(_AROUND_NAME)).strip(_AROUND_NAME)
    if not _NAME.match(name):
        raise ActionError(language.say("The model's answer is no name; nothing was changed."))
    return name


def indented_by(code: str, indentation: str) -> str:
    """Code with its first line indented as wanted and all others moved along with it."""
    lines = code.split("\n")
    own = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    if own == indentation:
        return code
    if indentation.startswith(own):
        more = indentation[len(own) :]
        return "\n".join(more + line if line.strip() else line for line in lines)
    return "\n".join(indentation + line.removeprefix(own) if line.strip() else line for line in lines)

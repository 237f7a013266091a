"""Conversations as OpenAI's API has them, to conversations as every model's template takes them. Pure.

Templates know system, user and assistant. What tools there are is said in the system message, what an assistant called
is what it answered, and what came of it is what the user says next: the "generic" way of llama-server.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pylot_ls.api.errors import ApiError
from pylot_ls.api.tools import CALL, CALLS, instructions, offered
from pylot_ls.engine.prompt_types import ChatMessage, ChatSegment, TextSegment

if TYPE_CHECKING:
    from pylot_ls.api.schemas import ChatBody, ChatMessageBody, ToolCall
    from pylot_ls.engine.prompt_types import Prompt

_RESPONSE = "tool_response"


def chat_prompt(body: ChatBody) -> Prompt:
    """The prompt that a conversation makes, up to where the answer begins, or goes on.

    Raises:
        ApiError: it is no conversation.
    """
    if body.add_generation_prompt and body.continue_final_message:
        raise ApiError("add_generation_prompt and continue_final_message cannot both be true")
    messages = list(body.messages)
    begun = ""
    if _is_begun(messages[-1]) and not body.add_generation_prompt:
        # As llama-server does it: its parts are paragraphs.
        begun = _text(messages.pop(), len(body.messages) - 1, between="\n\n")
        if messages and _is_begun(messages[-1]):
            raise ApiError("two messages of the assistant stand last; one may, which is then gone on with")
        if not messages:
            raise ApiError("a conversation has a message of the user")
    elif body.continue_final_message:
        raise ApiError("continue_final_message needs a message of the assistant at the end")
    said = [(role, text) for number, message in enumerate(messages) for role, text in [_said(message, number)]]
    tools = offered(body)
    if tools:
        text = instructions(tools, is_parallel=body.parallel_tool_calls)
        if said[0][0] == "system":
            said[0] = ("system", f"{said[0][1]}\n\n{text}")
        else:
            said.insert(0, ("system", text))
    conversation = ChatSegment(tuple(ChatMessage(role, (TextSegment(text),)) for role, text in _joined(said)))
    return (conversation, TextSegment(begun)) if begun else (conversation,)


def _is_begun(message: ChatMessageBody) -> bool:
    return message.role == "assistant" and not message.tool_calls


def _said(message: ChatMessageBody, number: int) -> tuple[str, str]:
    """Who says what."""
    if message.role in {"system", "developer"}:
        return "system", _text(message, number)
    if message.role in {"tool", "function"}:
        answer: dict[str, Any] = {"content": _text(message, number)}
        answer |= {"tool_call_id": message.tool_call_id} if message.tool_call_id else {}
        answer |= {"name": message.name} if message.name else {}
        return "user", json.dumps({_RESPONSE: answer}, ensure_ascii=False)
    if message.tool_calls:
        return "assistant", _calls(message.tool_calls, number)
    return message.role, _text(message, number)


def _joined(said: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """With what several tools answered as one message: some templates want roles to alternate."""
    joined: list[tuple[str, str]] = []
    for role, text in said:
        marker = f'{{"{_RESPONSE}"'
        if joined and role == joined[-1][0] == "user" and text.startswith(marker) and joined[-1][1].startswith(marker):
            joined[-1] = (role, f"{joined[-1][1]}\n{text}")
        else:
            joined.append((role, text))
    return joined


def _text(message: ChatMessageBody, number: int, between: str = "\n") -> str:
    content = message.content
    if isinstance(content, str):
        return content
    if content is None:
        raise ApiError(f"messages.{number} has no content", param=f"messages.{number}.content")
    for part in content:
        if part.type not in {"text", "input_text", "refusal"} or part.text is None:
            raise ApiError(
                f"messages.{number} has content of the type {part.type}; this model reads text alone",
                param=f"messages.{number}.content",
            )
    return between.join(part.text or "" for part in content)


def _calls(calls: list[ToolCall], number: int) -> str:
    """What an assistant called, as it would have written it."""
    found = []
    for call in calls:
        arguments = call.function.arguments
        try:
            read = json.loads(arguments) if isinstance(arguments, str) else arguments
        except ValueError as error:
            raise ApiError(f"messages.{number} has arguments of {call.function.name} that are no JSON") from error
        found.append({"name": call.function.name, "arguments": read})
    whole: dict[str, Any] = {CALL: found[0]} if len(found) == 1 else {CALLS: found}
    return json.dumps(whole, ensure_ascii=False)

"""Prompts as clients give them: texts, tokens, both mixed, several of them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylot_ls.api.errors import ApiError, not_supported
from pylot_ls.engine.prompt_types import Marker, MarkerSegment, TextSegment, TokensSegment

if TYPE_CHECKING:
    from pylot_ls.engine.prompt_types import Prompt, Segment

_MOST_TOKEN_ID = 2**31 - 1

# Texts and tokens that follow each other.
Pieces = tuple[str | int, ...]


def pieces_of(raw: Any, param: str = "prompt") -> tuple[list[Pieces], bool]:
    """The prompts of a request, and whether they came as a list, so that a list is to come back.

    A list of texts is several prompts, one with numbers in it is one prompt; in a list of lists each is one. An object
    is llama-server's ``{"prompt_string": ...}``, or a ``content`` of parts as messages have it.

    Args:
        raw: as JSON has it.
        param: what the client calls it.

    Raises:
        ApiError: it is nothing of that kind.
    """
    if not isinstance(raw, list) or (raw and all(isinstance(each, str | int) for each in raw) and _has_number(raw)):
        return [_one(raw, param)], False
    if not raw:
        raise ApiError(f"{param} is an empty list; give a text, tokens, or a list of those", param=param)
    return [_one(each, param) for each in raw], True


def prompt_of(pieces: Pieces, *, begins_text: bool = True, is_special: bool = True) -> Prompt:
    """The prompt that the engine is given.

    Args:
        pieces: what it says.
        begins_text: whether the token that begins texts stands before it, where the model has one; never before
            tokens, which say themselves what stands there.
        is_special: whether special tokens spelt out in it are those tokens.
    """
    segments: list[Segment] = []
    if begins_text and not (pieces and isinstance(pieces[0], int)):
        segments.append(MarkerSegment(Marker.BOS))
    tokens: list[int] = []
    for piece in pieces:
        if isinstance(piece, int):
            tokens.append(piece)
            continue
        if tokens:
            segments.append(TokensSegment(tuple(tokens)))
            tokens = []
        is_first = not any(isinstance(segment, TextSegment | TokensSegment) for segment in segments)
        segments.append(TextSegment(piece, special=is_special, opens=begins_text and is_special and is_first))
    if tokens:
        segments.append(TokensSegment(tuple(tokens)))
    return tuple(segments)


def most_tokens(prompt: Prompt) -> int:
    """More tokens than this a prompt of texts, tokens and markers does not have: a token has a byte at least."""
    n_tokens = 0
    for segment in prompt:
        if isinstance(segment, TextSegment):
            n_bytes = len(segment.text.encode("utf-8", "replace")) + 1  # SentencePiece puts a space before a text
            n_tokens += n_bytes if segment.max_tokens is None else min(n_bytes, segment.max_tokens)
        elif isinstance(segment, TokensSegment):
            n_tokens += len(segment.tokens)
        else:
            n_tokens += 1
    return n_tokens


def _has_number(raw: list[Any]) -> bool:
    return any(isinstance(each, int) for each in raw)


def _one(raw: Any, param: str) -> Pieces:
    if isinstance(raw, str):
        return (raw,)
    if isinstance(raw, dict):
        return (_text_of(raw, param),)
    if isinstance(raw, list) and raw and all(map(_is_piece, raw)):
        return tuple(raw)
    raise ApiError(
        f"{param} is no prompt: give a text, tokens (numbers from 0), a list in which both are mixed, or a list of "
        "those",
        param=param,
    )


def _is_piece(raw: Any) -> bool:
    if isinstance(raw, bool):
        return False
    return isinstance(raw, str) or (isinstance(raw, int) and 0 <= raw <= _MOST_TOKEN_ID)


def _text_of(raw: dict[str, Any], param: str) -> str:
    if raw.get("multimodal_data"):
        raise not_supported("there are no images or sounds here; send text alone")
    text = raw.get("prompt_string")
    if isinstance(text, str):
        return text
    parts = raw.get("content")
    if isinstance(parts, list) and parts:
        return "".join(_text_of_part(part, param) for part in parts)
    raise ApiError(f"an object in {param} has a text as prompt_string, or parts as content", param=param)


def _text_of_part(part: Any, param: str) -> str:
    if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    if isinstance(part, dict) and isinstance(part.get("type"), str) and part["type"] != "text":
        raise not_supported(f"there is nothing for content of the type {part['type']} here; send text alone")
    raise ApiError(f"a part of a content in {param} is an object with type and text", param=param)

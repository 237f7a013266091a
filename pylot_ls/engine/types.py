"""What goes into a backend and what comes out: frozen dataclasses of plain values.

They hold no objects with identity (no futures, no callbacks), so that a backend can live in another process.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.prompt_types import FimOrder

if TYPE_CHECKING:
    from pylot_ls.engine.memory_plan import MemoryPlan
    from pylot_ls.engine.prompt_types import Prompt


class Priority(enum.IntEnum):
    """How urgent a request is; a higher one is served alone and interrupts a lower one."""

    BACKGROUND = 0  # what nobody waits for yet
    INTERACTIVE = 1  # a stream that somebody reads
    KEYSTROKE = 2


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a completion stands in a text that may be known.

    Attributes:
        text_id: of the text.
        first_line, last_line: the lines, from 0, that the end of the prompt stands for.
    """

    text_id: str
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn instead of being the most probable ones. Names and defaults are llama.cpp's.

    Attributes:
        temperature: logits are divided by it; 0 takes the most probable token of those that are left.
        top_k: only so many of the most probable tokens count; 0 for all.
        top_p: only the most probable ones that come to this probability together; 1 for all.
        min_p: only those that have at least this part of the probability of the most probable one; 0 for all.
        seed: of the draws, from 0 to 2**32 - 1; None draws anew each time.
        repeat_penalty: logits of tokens that were there are divided by it where positive, else multiplied; 1 for none.
        frequency_penalty, presence_penalty: taken off a token's logit for each time, or once, that it was there.
        repeat_last_n: how many of the last tokens, the prompt's included, "were there"; 0 for none, -1 for all.
        logit_bias: token ids, each with what is added to its logit; minus infinity bans it.
        ignore_eos: tokens that end the text are never drawn.
    """

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    seed: int | None = None
    repeat_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repeat_last_n: int = 64
    logit_bias: tuple[tuple[int, float], ...] = ()
    ignore_eos: bool = False


@dataclass(frozen=True, slots=True)
class KnownText:
    """A text from which what is generated for a session may draw; None where it is to be forgotten.

    With ``own_only`` only what is generated in the text itself may, from now on.
    """

    session: str
    text_id: str
    text: str | None
    own_only: bool = False


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """Continue a prompt.

    Attributes:
        request_id: unique among the requests in flight of one backend.
        prompt: its segments, in order; never empty.
        max_tokens: the most tokens to decode; 0 only evaluates the prompt, so that a later request finds its KV.
        stop: decoding ends when one of these appears; the stop text itself is not delivered.
        priority: how urgent it is.
        session: whose it is; sessions of one priority take turns.
        keep: whether its prompt's KV may be kept beyond the process; KV holds the document's content.
        heal: whether the prompt's end may be within what the model knows as one token: the last tokens of a last
            text are then chosen anew, so that they agree with what it says. What is delivered begins behind it.
        restore_only: nothing is evaluated or decoded: what was kept of its prompt's KV is put back while there is
            nothing else to do, so that a later request finds it.
        fallbacks: smaller prompts that ask the same, the best first. One of them takes the prompt's place where
            evaluating that would take too long.
        budget_ms: how long that is, from submission to the first token.
        embeds: nothing is decoded: each text of the prompt, which has nothing but texts and what is given as tokens, is
            turned into a vector.
        renders: nothing is evaluated: the prompt's tokens are told, between two evaluations of other requests.
        rank: its first token is not the most probable one but the one that has so many before it, none of which but
            the first ends the text: another continuation of the same prompt. It leaves the sequence that holds the
            prompt as it is.
        hole: where what it says will stand, for what is known of the session's texts to count; None where nothing
            but the prompt is to.
        grammar: in GBNF, llama.cpp's form: each token is the most probable of those that the grammar allows, and the
            text ends where it is complete. Only the model counts then: nothing is healed or drafted, no ``hole`` is
            looked at, and another ``rank`` than 0 is refused. "" allows all texts.
        sampling: how tokens are drawn; None takes the most probable one. With it nothing is healed or drafted, and
            neither ``hole`` nor ``rank`` counts. A ``grammar`` goes with it.
        n_alternatives: with each token come so many of the most probable ones in its place.
        salt: whose KV it may find, and who may find its: requests of another salt share none, in memory or on disk.
    """

    request_id: str
    prompt: Prompt
    max_tokens: int
    stop: tuple[str, ...] = ()
    priority: Priority = Priority.KEYSTROKE
    session: str = ""
    keep: bool = True
    heal: bool = False
    restore_only: bool = False
    fallbacks: tuple[Prompt, ...] = ()
    budget_ms: float = math.inf
    rank: int = 0
    hole: Hole | None = None
    embeds: bool = False
    renders: bool = False
    grammar: str = ""
    sampling: Sampling | None = None
    n_alternatives: int = 0
    salt: str = ""

    @property
    def looks_ahead(self) -> bool:
        """Whether it decodes what nobody has asked for yet, behind text that may never be written."""
        return self.priority is Priority.BACKGROUND and self.max_tokens > 0

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """All that it may be served with: its prompt, then the fallbacks."""
        return (self.prompt, *self.fallbacks)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a request cost, counted inside the backend at each evaluation.

    Attributes:
        prompt_tokens: tokens of the prompt, without those that were chosen anew (see ``GenerateRequest.heal``).
        tokens_reused: prompt tokens whose KV was already there.
        tokens_evaluated: tokens submitted from the start of the request to its first logits.
        tokens_decoded: tokens produced.
        tokens_drafted: tokens that were evaluated because they might follow.
        tokens_accepted: those of them that did.
        fallback: with which of the request's ``prompts`` it is served; 0 is the prompt itself.
        queue_ms: from submission until the worker took the request.
        first_token_ms: from submission until the first token was known; 0 when there was none.
        total_ms: from submission until now, in the last event until the end.
        drafts: how often tokens were drafted.
        evaluations: in how many evaluations it had a part.
        evaluations_share: the same, each over the number of requests that shared it: over all requests they add up to
            how often llama.cpp was called for them.
    """

    prompt_tokens: int = 0
    tokens_reused: int = 0
    tokens_evaluated: int = 0
    tokens_decoded: int = 0
    tokens_drafted: int = 0
    tokens_accepted: int = 0
    fallback: int = 0
    queue_ms: float = 0.0
    first_token_ms: float = 0.0
    total_ms: float = 0.0
    drafts: int = 0
    evaluations: int = 0
    evaluations_share: float = 0.0


class FinishReason(enum.StrEnum):
    """Why decoding ended."""

    END = "end"  # the model ended the text (end of text, or another control token)
    STOP = "stop"  # one of the request's stop texts appeared
    LENGTH = "length"  # max_tokens were produced, or the context is full
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class FimTokens:
    """Ids of the model's fill-in-the-middle tokens; ``middle`` is None where its prompts have no such token."""

    prefix: int
    suffix: int
    middle: int | None


@dataclass(frozen=True, slots=True)
class SpecialToken:
    """A token that stands for no text, and what it is written with."""

    token_id: int
    text: str


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a loaded model.

    Attributes:
        name: from the metadata, else the file's name.
        path: absolute path of the file, or "" where there is none.
        architecture: as llama.cpp names it.
        n_params, size_bytes: of the weights.
        n_vocab, n_ctx_train, n_ctx: tokens; n_ctx is what this engine gave it.
        fim: None where the model has no fill-in-the-middle tokens.
        fim_orders: the orders it was trained on, best first.
        removes_partially: whether KV can be cut at any token (recurrent and hybrid models refuse).
        chats: whether conversations can be laid out for it.
        n_embd: numbers in a vector of a model that embeds; 0 for one that produces text.
        adapters: paths of what is applied to it, each with how much of it counts.
        bos, eos: what begins and what ends texts; None where it has no such token.
        adds_bos: whether prompts are to begin with ``bos``: without it ``Marker.BOS`` stands for nothing.
        chat_template: that of the file, in Jinja, to be shown; "" where it has none.
        n_parallel: how many requests may be in work at once.
    """

    name: str
    path: str
    architecture: str
    n_params: int
    size_bytes: int
    n_vocab: int
    n_ctx_train: int
    n_ctx: int
    fim: FimTokens | None
    fim_orders: tuple[FimOrder, ...] = (FimOrder.PSM,)
    removes_partially: bool = True
    chats: bool = False
    n_embd: int = 0
    adapters: tuple[tuple[str, float], ...] = ()
    bos: SpecialToken | None = None
    eos: SpecialToken | None = None
    adds_bos: bool = False
    chat_template: str = ""
    n_parallel: int = 1


@dataclass(frozen=True, slots=True)
class Loading:
    """The model is being read; fraction runs from 0 to 1."""

    fraction: float


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded; requests are served from here on.

    Attributes:
        plan: what it was given of the memory; None where it takes none.
    """

    info: ModelInfo
    plan: MemoryPlan | None = None


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The model cannot be loaded; every request will be answered with Failed.

    ``kind`` is the name of a class in ``pylot_ls.errors``.
    """

    message: str
    kind: str = "ModelError"


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that could have stood in another's place, its own bytes, and its probability's natural logarithm."""

    token_id: int
    piece: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class Token:
    """A decoded token; there is none for a token that only repeats what the prompt ended in, unless a rank chose it.

    Attributes:
        text: what it adds to the text: whole characters only. Empty while a character is incomplete or while the
            text could still be the beginning of a stop text.
        token_id: its id.
        logprob: natural logarithm of its probability under the model, given what is known of the text: of a healed
            token, that it agrees with the prompt's end.
        usage: what the request has cost so far.
        piece: its own bytes.
        alternatives: the most probable tokens in its place, the best first; see ``GenerateRequest.n_alternatives``.
    """

    request_id: str
    text: str
    token_id: int
    logprob: float
    usage: Usage
    piece: bytes = b""
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a request that was served or cancelled; ``text`` is what had been held back until then."""

    request_id: str
    reason: FinishReason
    text: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Embedded:
    """The last event of a request for vectors.

    Attributes:
        vectors: one for each text, of length 1, as little-endian 32-bit floats.
        n_tokens: how many tokens were evaluated for each.
        evaluations: how often llama.cpp was called.
    """

    request_id: str
    vectors: tuple[bytes, ...]
    n_tokens: tuple[int, ...]
    evaluations: int = 0


@dataclass(frozen=True, slots=True)
class Rendered:
    """The last event of a request with ``renders``.

    Attributes:
        tokens: of its prompt.
        pieces: the bytes of each, of special tokens those that they are written with.
    """

    request_id: str
    tokens: tuple[int, ...]
    pieces: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The last event of a request that could not be served; ``kind`` names a class in ``pylot_ls.errors``."""

    request_id: str
    message: str
    kind: str = "EngineError"


StateEvent = Loading | Ready | LoadFailed
LastEvent = Finished | Embedded | Rendered | Failed
RequestEvent = Token | LastEvent
Event = StateEvent | RequestEvent

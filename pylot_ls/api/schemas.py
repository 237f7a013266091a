"""What requests may say: those keys that count. Others are let pass, as OpenAI and llama-server do."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

_MOST_ALTERNATIVES = 100
_MOST_STOPS = 64
_MOST_CHOICES = 128
_MOST_BIASES = 1024

Share = Annotated[float, Field(ge=0, le=1)]
Bias = dict[str, float | bool] | list[tuple[int | str, float | bool]]


class Body(BaseModel):
    """Any request's body."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, allow_inf_nan=False)


class StreamOptions(Body):
    """OpenAI's."""

    include_usage: bool = False


class Drawing(Body):
    """How tokens are drawn, and when they end. Names are OpenAI's and llama-server's; None is the server's default."""

    model: str | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=-1)
    n_predict: int | None = Field(None, ge=-1)
    stop: str | Annotated[list[str], Field(max_length=_MOST_STOPS)] | None = None
    temperature: float | None = Field(None, ge=-1, le=100)
    top_k: int | None = None
    top_p: Share | None = None
    min_p: Share | None = None
    seed: int | None = None
    repeat_penalty: float | None = Field(None, gt=0, le=10)
    frequency_penalty: float | None = Field(None, ge=-10, le=10)
    presence_penalty: float | None = Field(None, ge=-10, le=10)
    repeat_last_n: int | None = Field(None, ge=-1)
    logit_bias: Bias | None = Field(None, max_length=_MOST_BIASES)
    ignore_eos: bool = False
    n: int | None = Field(None, ge=1, le=_MOST_CHOICES)
    n_cmpl: int | None = Field(None, ge=1, le=_MOST_CHOICES)
    n_probs: int | None = Field(None, ge=0, le=_MOST_ALTERNATIVES)
    grammar: str | None = None
    json_schema: Any = None
    n_keep: int = 0
    n_indent: int = Field(0, ge=0)
    t_max_predict_ms: float = Field(0, ge=0)
    cache_prompt: bool = True
    timings_per_token: bool = False
    verbose: bool | None = None
    # Ways of drawing that there are not here: refused where they would change anything.
    typical_p: float | None = None
    dynatemp_range: float | None = None
    xtc_probability: float | None = None
    dry_multiplier: float | None = None
    mirostat: int | None = None
    top_n_sigma: float | None = None
    post_sampling_probs: bool = False
    lora: list[dict[str, Any]] | None = None


# A text, tokens, both mixed, or several of those; see ``prompting.py``.
Prompts = str | list[Any] | dict[str, Any]


class CompletionBody(Drawing):
    """OpenAI's completion."""

    prompt: Prompts = ""
    suffix: str | None = None
    echo: bool = False
    logprobs: int | bool | None = None
    best_of: int | None = None


class NativeBody(Drawing):
    """llama-server's completion."""

    prompt: Prompts
    return_tokens: bool = False
    response_fields: list[str] | None = None


class Chunk(Body):
    """A piece of another file."""

    text: str
    filename: str = "tmp"


class InfillBody(Drawing):
    """llama-server's infill."""

    input_prefix: str
    input_suffix: str
    input_extra: list[Chunk] = Field(default_factory=list)
    prompt: str = ""
    t_max_prompt_ms: float = Field(0, ge=0)
    return_tokens: bool = False
    response_fields: list[str] | None = None


class FunctionCall(Body):
    """Which function an assistant called."""

    name: str
    arguments: str | dict[str, Any] = "{}"


class ToolCall(Body):
    """A call of a tool in a conversation."""

    id: str | None = None
    type: Literal["function"] = "function"
    function: FunctionCall


class ContentPart(Body):
    """A part of a message."""

    type: str
    text: str | None = None


class ChatMessageBody(Body):
    """A message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None


class FunctionBody(Body):
    """What can be called."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ToolBody(Body):
    """A tool, of which there are functions only."""

    type: Literal["function"]
    function: FunctionBody


class NamedTool(Body):
    """The tool that is to be called."""

    type: Literal["function"] = "function"
    function: FunctionCall


class ResponseFormat(Body):
    """The form of an answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: dict[str, Any] | None = None
    # llama-server's
    schema_: Any = Field(None, alias="schema")


class ChatBody(Drawing):
    """OpenAI's chat completion."""

    messages: Annotated[list[ChatMessageBody], Field(min_length=1)]
    max_completion_tokens: int | None = Field(None, ge=-1)
    tools: list[ToolBody] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool = False
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=_MOST_ALTERNATIVES)
    add_generation_prompt: bool | None = None
    continue_final_message: bool | None = None


class EmbeddingBody(Body):
    """OpenAI's embeddings."""

    model: str | None = None
    input: Prompts
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None


class NativeEmbeddingBody(Body):
    """llama-server's embeddings."""

    model: str | None = None
    content: Prompts | None = None
    input: Prompts | None = None


class TokenizeBody(Body):
    """llama-server's tokenize."""

    model: str | None = None
    content: Prompts = ""
    add_special: bool = False
    parse_special: bool = True
    with_pieces: bool = False


class DetokenizeBody(Body):
    """llama-server's detokenize."""

    model: str | None = None
    tokens: list[int] = Field(default_factory=list)


class AdapterScale(Body):
    """How much an adapter counts."""

    id: int
    scale: float


class AdapterScales(RootModel[list[AdapterScale]]):
    """llama-server's lora-adapters."""

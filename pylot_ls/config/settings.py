"""The settings: typed, frozen groups. A new setting is one field here; everything else is derived from it."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from pylot_ls.features.files_off import check_glob
from pylot_ls.language import TAG_PATTERN


class Scope(enum.StrEnum):
    """Who may set a field; written as a marker in its ``Annotated`` type, ANY where there is none.

    A repository can carry settings for an editor, so what chooses files, endpoints or commands, what costs memory,
    disk or processor, and what writes documents into a log is USER: it is taken from the user's own file, the
    environment and the command line only.
    """

    USER = "user"
    ANY = "any"


def _expand_home(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.strip() or "\0" in value:
        raise ValueError("no path")
    try:
        return Path(value).expanduser()
    except RuntimeError as error:  # no such user, or no home
        raise ValueError(str(error)) from error


def _glob(value: str) -> str:
    check_glob(value)
    return value


UserPath = Annotated[Path, BeforeValidator(_expand_home)]
LanguageTag = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=64, pattern=TAG_PATTERN),
    Field(examples=["auto", "ru", "pt-BR"]),
]
LanguageId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Glob = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_glob),
    Field(description="patterns as in a .gitignore"),
]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _path_and_scale(value: object) -> object:
    """``PATH`` or ``PATH=SCALE``, as the environment has it, to what a file has."""
    if not isinstance(value, str):
        return value
    path, _, scale = value.rpartition("=")
    try:
        return {"path": path, "scale": float(scale)} if path else {"path": value}
    except ValueError:  # of a path with that sign in it
        return {"path": value}


class AdapterSettings(_Group):
    """A LoRA adapter, and how much of it counts."""

    path: UserPath
    scale: float = Field(default=1.0, ge=-10, le=10)


AdapterEntry = Annotated[
    AdapterSettings,
    BeforeValidator(_path_and_scale),
    Field(description='LoRA adapters, each { path = "FILE.gguf", scale = 1.0 }'),
]


class ModelSettings(_Group):
    """Which model runs, and how."""

    path: Annotated[UserPath | None, Scope.USER] = Field(
        default=None,
        description="A GGUF file. Without it, the default, the bundled model runs.",
    )
    n_ctx: Annotated[int | None, Scope.USER] = Field(
        default=None,
        ge=256,
        le=1_048_576,
        description="Context window, in tokens. Without it, the default, 4096, or less where memory is short. Capped "
        "at what the model was trained on.",
    )
    kv_type: Annotated[Literal["auto", "f16", "q8_0"], Scope.USER] = Field(
        default="auto",
        description='How keys and values are held: "f16", "q8_0" in half the memory, or "auto": the latter only where '
        'memory is short; default "auto".',
    )
    memory_limit_mb: Annotated[int | None, Scope.USER] = Field(
        default=None,
        ge=64,
        le=16_777_216,
        description="The most memory that models may take, in MiB. Without it, the default, what is free and leaves "
        "room for everything else.",
    )
    n_threads: Annotated[int, Scope.USER] = Field(
        default=0,
        ge=0,
        le=1024,
        description="Threads that evaluate the model, a count; default 0: one per physical core, or a single one "
        "for a small model.",
    )
    n_gpu_layers: Annotated[int, Scope.USER] = Field(
        default=-1,
        ge=-1,
        le=100_000,
        description="Layers kept on the GPU, a count; default -1: as many as its memory holds, where llama.cpp was "
        "built for a GPU.",
    )
    flash_attention: Annotated[Literal["auto", "on", "off"], Scope.USER] = Field(
        default="on",
        description='Flash attention: "on", "off", or "auto" to leave it to llama.cpp; default "on".',
    )
    adapters: Annotated[tuple[AdapterEntry, ...], Scope.USER] = Field(
        default=(),
        max_length=8,
        description='LoRA adapters (GGUF) for the model, a list such as [{ path = "a.gguf", scale = 0.5 }], in the '
        "environment a.gguf=0.5; default []. The scale may be left out.",
    )
    speculation: Annotated[bool, Scope.USER] = Field(
        default=True,
        description="Whether tokens that the text suggests are evaluated ahead, true or false; default true. It is "
        "done where that is faster, and changes no suggestion.",
    )
    ngrams: Annotated[Literal["auto", "on", "off"], Scope.USER] = Field(
        default="auto",
        description='Whether what stands in the open documents weighs beside what the model says: "on", "off", or '
        '"auto" for small models, which know less by themselves; default "auto". Nothing of it is written to disk.',
    )
    backend: Annotated[Literal["llama", "scripted"], Scope.USER] = Field(
        default="llama",
        description='What produces text: "llama" is llama.cpp, "scripted" answers fixed text to try an editor\'s '
        'configuration without a model; default "llama".',
    )


class RolesSettings(_Group):
    """Which models do what else than complete; each is loaded when it is first needed."""

    chat: Annotated[UserPath | None, Scope.USER] = Field(
        default=None,
        description="A GGUF file that explains and answers. Without it, the default, the one that completes, if it was "
        "trained to.",
    )
    chat_adapters: Annotated[tuple[AdapterEntry, ...], Scope.USER] = Field(
        default=(),
        max_length=8,
        description="LoRA adapters for the chat role, as model.adapters are for completion; default []. Where they "
        "differ the same file is loaded twice, its weights in memory once.",
    )
    embed: Annotated[UserPath | None, Scope.USER] = Field(
        default=None,
        description="A GGUF file that turns texts into vectors. Without it, the default, nothing does.",
    )


class UserSettings(_Group):
    """Who it works for."""

    language: LanguageTag = Field(
        default="auto",
        description='The language of messages, explanations and comments: a tag such as "ru" or "pt-BR", or "auto" '
        'for the one that the editor names; default "auto".',
    )


class CompletionSettings(_Group):
    """What is suggested, and how much of it."""

    enabled: bool = Field(default=True, description="Whether anything is suggested, true or false; default true.")
    max_tokens: int = Field(
        default=64, ge=1, le=512, description="The most that one suggestion decodes, in tokens; default 64."
    )
    max_lines: int = Field(
        default=8, ge=1, le=64, description="The most that one suggestion shows, in lines; default 8."
    )
    confidence: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="How likely all of a suggestion has to be by the model's own estimate, a fraction; default 0.05. "
        "One ends before where it is less likely, and is not shown where nothing is left; 0 shows all. It does not "
        "count for what you ask for by hand.",
    )
    time_budget_ms: int = Field(
        default=1000,
        ge=0,
        le=600_000,
        description="How long the first token of a suggestion may take, in milliseconds; default 1000. Where the whole "
        "prompt would take longer, as in a file just opened on a slow machine, a smaller one is taken, and the whole "
        "one evaluated meanwhile. 0 always takes the whole one.",
    )
    answer_after_ms: int = Field(
        default=300,
        ge=0,
        le=600_000,
        description="After how long the editor gets what there is of a suggestion, whole lines or words, while the "
        "rest of it is decoded, in milliseconds; default 300. Who types along, or accepts it, gets the rest. 0 waits "
        "for all of it, and so does who asks by hand.",
    )
    fallback: Literal["auto", "always", "never"] = Field(
        default="auto",
        description='Whether the ordinary completion list holds the suggestion too: "auto" only for clients that lack '
        'inline completion, "always" or "never"; default "auto".',
    )
    eagerness: Literal["auto", "keystroke", "request", "manual"] = Field(
        default="auto",
        description='When the model begins to work: "keystroke" at each edit, so that the suggestion is ready when the '
        'editor asks for it, "request" when the editor asks, "manual" only when the user does, "auto" is "keystroke" '
        'on mains power and "request" on battery; default "auto".',
    )
    look_ahead: Annotated[bool, Scope.USER] = Field(
        default=True,
        description="Whether, while a suggestion is shown, what follows it is prepared, true or false; default true. "
        'It is done where "eagerness" is "keystroke", and gives way to every keystroke.',
    )
    languages_off: tuple[LanguageId, ...] = Field(
        default=(),
        description='Language ids, a list, such as ["markdown"], in which nothing is suggested; default [].',
    )
    files_off: tuple[Glob, ...] = Field(
        default=(),
        max_length=50,
        description="Files in which nothing is suggested: a list of patterns as in a .gitignore at the root of the "
        'file system, such as ["*.lock", "**/vendor/"]; default [].',
    )
    in_strings: bool = Field(
        default=True,
        description="Whether suggestions come by themselves in strings, true or false; default true. Inline "
        "completion always answers when you ask for one.",
    )
    in_comments: bool = Field(
        default=True,
        description="Whether suggestions come by themselves in comments, true or false; default true. Inline "
        "completion always answers when you ask for one.",
    )


class HoverSettings(_Group):
    """What is shown of the thing under the pointer."""

    enabled: bool = Field(
        default=True,
        description="Whether hovers are answered, true or false; default true.",
    )
    time_budget_ms: int = Field(
        default=1000,
        ge=0,
        le=600_000,
        description="How long a hover waits for the model's explanation, in milliseconds; default 1000. What is there "
        "by then is shown, and the rest at the next hover. 0 waits until it is complete.",
    )


class PromptSettings(_Group):
    """How the text around the cursor is laid out for the model."""

    order: Literal["auto", "psm", "spm"] = Field(
        default="auto",
        description='Order of the parts: "psm" is prefix, suffix, middle, "spm" is suffix, prefix, middle, "auto" is '
        'what the model\'s manifest says; default "auto".',
    )
    anchored: bool = Field(
        default=True,
        description="Whether text typed since the start of the line stands after the middle token, so that a "
        "keystroke only appends, true or false; default true.",
    )
    prefix_share: float = Field(
        default=0.7,
        ge=0.1,
        le=0.9,
        description="The share of the prompt that the text before the cursor gets, a fraction; default 0.7.",
    )


class CacheSettings(_Group):
    """What is kept of evaluated prompts, so that they need not be evaluated again."""

    enabled: Annotated[bool, Scope.USER] = Field(
        default=True,
        description="Whether evaluated prompts are kept, in memory and on disk, true or false; default true.",
    )
    disk_limit_mb: Annotated[int, Scope.USER] = Field(
        default=1024,
        ge=0,
        le=1_048_576,
        description="The most that is kept on disk, in MiB; default 1024; 0 keeps nothing there.",
    )
    memory_limit_mb: Annotated[int | None, Scope.USER] = Field(
        default=None,
        ge=1,
        le=1_048_576,
        description="The most that is kept in memory, in MiB, beside what the model itself needs. Without it, the "
        "default, 256, or less where memory is short.",
    )
    daily_write_mb: Annotated[int, Scope.USER] = Field(
        default=2048,
        ge=0,
        le=1_048_576,
        description="The most that is written to disk on one day, in MiB, to spare a flash disk; default 2048.",
    )


class FeedbackSettings(_Group):
    """What is remembered of suggestions, on this machine alone."""

    enabled: Annotated[bool, Scope.USER] = Field(
        default=True,
        description="Whether it is logged what became of each suggestion, so that `pylot-ls stats` can tell, true or "
        "false; default true. Without code or names of files.",
    )
    keep_text: Annotated[bool, Scope.USER] = Field(
        default=False,
        description="Whether the suggestions themselves are logged too, true or false; default false. Never in files "
        "that are not to be kept.",
    )


class LogSettings(_Group):
    """What is logged, and where."""

    level: Annotated[Literal["error", "warning", "info", "debug"], Scope.USER] = Field(
        default="warning",
        description='The least severe messages that are logged; default "warning". At "debug" the log holds the text '
        "of your documents.",
    )
    file: Annotated[UserPath | None, Scope.USER] = Field(
        default=None,
        description="The file that the log is written to. Without it, the default, it goes to standard error.",
    )


class Settings(BaseModel):
    """All settings. Frozen, hashable and comparable, so that a change can be seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ModelSettings = ModelSettings()
    roles: RolesSettings = RolesSettings()
    user: UserSettings = UserSettings()
    completion: CompletionSettings = CompletionSettings()
    hover: HoverSettings = HoverSettings()
    prompt: PromptSettings = PromptSettings()
    cache: CacheSettings = CacheSettings()
    feedback: FeedbackSettings = FeedbackSettings()
    log: LogSettings = LogSettings()

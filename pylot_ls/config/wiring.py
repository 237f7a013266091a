"""From settings to the plain options that the engine and the features take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pylot_ls import bundled
from pylot_ls.config.cache import make_persistence, make_prefix_store
from pylot_ls.engine.llama_backend import LlamaBackend, LlamaConfig
from pylot_ls.engine.scripted_backend import SCRIPTED_OTHERS, ScriptedBackend
from pylot_ls.engine.types import FimOrder
from pylot_ls.features.completion import CompletionOptions
from pylot_ls.prompts.layout import FimOptions

if TYPE_CHECKING:
    from pathlib import Path

    from pylot_ls.config.settings import Settings
    from pylot_ls.engine.backend import Backend
    from pylot_ls.kvcache.store import PrefixStore


def model_path(settings: Settings) -> Path:
    """The model file that the settings choose.

    Raises:
        ModelNotFoundError: none is chosen and the bundled one is missing.
    """
    return settings.model.path or bundled.bundled_model_path()


def make_backend(settings: Settings, store: PrefixStore | None = None) -> Backend:
    """The backend that the settings choose, not yet started.

    ``store``: where what it evaluates is kept for the next process; the backend closes it.

    Raises:
        ModelNotFoundError: no model is chosen and the bundled one is missing.
    """
    model = settings.model
    if model.backend == "scripted":
        return ScriptedBackend(others=SCRIPTED_OTHERS)
    return LlamaBackend(
        LlamaConfig(
            path=model_path(settings),
            n_threads=model.n_threads,
            n_ctx=model.n_ctx,
            n_gpu_layers=model.n_gpu_layers,
            flash_attention=model.flash_attention,
            speculation=model.speculation,
            ngrams=model.ngrams,
            manifest_folders=(bundled.models_dir(),),
            persistence=make_persistence(store) if store else None,
        ),
    )


def persistent_backend(settings: Settings) -> tuple[Backend, PrefixStore | None]:
    """The backend of a server, and the store in which what it evaluates is kept for the next one, if any is.

    Raises:
        ModelNotFoundError: as ``make_backend``.
    """
    if settings.model.backend == "scripted":
        return make_backend(settings), None
    model_path(settings)  # where there is none, no store is to be left open
    store = make_prefix_store(settings)
    return make_backend(settings, store), store


def completion_options(settings: Settings, *, by_hand: bool = False) -> CompletionOptions:
    """What the settings say about completions.

    ``by_hand``: the user asked, see ``CompletionOptions.by_hand``.
    """
    prompt = settings.prompt
    options = CompletionOptions(
        max_tokens=settings.completion.max_tokens,
        max_lines=settings.completion.max_lines,
        time_budget_ms=settings.completion.time_budget_ms or math.inf,
        confidence=settings.completion.confidence,
        in_strings=settings.completion.in_strings,
        in_comments=settings.completion.in_comments,
        prompt=FimOptions(
            order=None if prompt.order == "auto" else FimOrder(prompt.order),
            anchored=prompt.anchored,
            prefix_share=prompt.prefix_share,
        ),
    )
    return options.by_hand() if by_hand else options

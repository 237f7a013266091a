"""From settings to the plain options that the engine and the features take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pylot_ls import bundled
from pylot_ls.config.cache import BYTES_IN_MB, make_persistence, make_prefix_store
from pylot_ls.engine.llama_backend import LlamaBackend, LlamaConfig
from pylot_ls.engine.memory import WholeMachine
from pylot_ls.engine.memory_plan import Wishes
from pylot_ls.engine.scripted_backend import ScriptedBackend
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
        return ScriptedBackend()
    return LlamaBackend(
        LlamaConfig(
            path=model_path(settings),
            n_threads=model.n_threads,
            n_ctx=model.n_ctx,
            kv_type=_chosen(model.kv_type),
            cache_bytes=wishes(settings).cache_bytes,
            n_gpu_layers=model.n_gpu_layers,
            flash_attention=model.flash_attention,
            speculation=model.speculation,
            manifest_folders=(bundled.models_dir(),),
            persistence=make_persistence(store) if store else None,
        ),
        WholeMachine(memory_limit_bytes(settings)),
    )


def wishes(settings: Settings) -> Wishes:
    """What the settings say about memory, so that the plan does not choose it."""
    model, cache = settings.model, settings.cache
    cache_bytes = None if cache.memory_limit_mb is None else cache.memory_limit_mb * BYTES_IN_MB
    return Wishes(
        n_ctx=model.n_ctx,
        kv_type=_chosen(model.kv_type),
        cache_bytes=cache_bytes if cache.enabled else 0,
        n_gpu_layers=model.n_gpu_layers,
        flash_attention=model.flash_attention,
    )


def memory_limit_bytes(settings: Settings) -> int | None:
    """What all models together may take; None where that is left to us."""
    limit_mb = settings.model.memory_limit_mb
    return None if limit_mb is None else limit_mb * BYTES_IN_MB


def _chosen(value: str) -> str | None:
    return None if value == "auto" else value


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

    ``by_hand``: the user asked, so strings and comments are no exception and whatever the model says is shown.
    """
    prompt = settings.prompt
    return CompletionOptions(
        max_tokens=settings.completion.max_tokens,
        max_lines=settings.completion.max_lines,
        time_budget_ms=settings.completion.time_budget_ms or math.inf,
        confidence=0.0 if by_hand else settings.completion.confidence,
        in_strings=by_hand or settings.completion.in_strings,
        in_comments=by_hand or settings.completion.in_comments,
        prompt=FimOptions(
            order=None if prompt.order == "auto" else FimOrder(prompt.order),
            anchored=prompt.anchored,
            prefix_share=prompt.prefix_share,
        ),
    )

"""From settings to the plain options that the engine and the features take."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pylot_ls import bundled
from pylot_ls.config.cache import BYTES_IN_MB, make_persistence, make_prefix_store, speed_book
from pylot_ls.engine.adapters import Adapter
from pylot_ls.engine.llama_backend import LlamaBackend, LlamaConfig
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.memory import WholeMachine
from pylot_ls.engine.memory_plan import Wishes
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.pooled_backend import PooledBackend
from pylot_ls.engine.precedence import Precedence
from pylot_ls.engine.prompt_types import FimOrder
from pylot_ls.engine.scripted_backend import SCRIPTED_OTHERS, ScriptedBackend
from pylot_ls.engine.shared_memory import SharedMemory
from pylot_ls.features.completion import CompletionOptions
from pylot_ls.features.hover.hovers import HoverOptions
from pylot_ls.language import language_of
from pylot_ls.prompts.layout import FimOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pylot_ls.config.settings import AdapterSettings, Settings
    from pylot_ls.engine.backend import Backend
    from pylot_ls.kvcache.store import PrefixStore
    from pylot_ls.language import Language


def model_path(settings: Settings) -> Path:
    """The model file that the settings choose.

    Raises:
        ModelNotFoundError: none is chosen and the bundled one is missing.
    """
    return settings.model.path or bundled.bundled_model_path()


def user_language(settings: Settings, locale: str | None = None) -> Language:
    """The user's: the one that is set, else that of a client; English where neither says which.

    ``locale``: the tag of the language in which the client speaks to its user.
    """
    chosen = settings.user.language
    return language_of(locale if chosen.lower() == "auto" else chosen)


def make_backend(settings: Settings) -> Backend:
    """The backend that completes, not yet started; what it evaluates is not kept.

    Raises:
        ModelNotFoundError: no model is chosen and the bundled one is missing.
    """
    if settings.model.backend == "scripted":
        return ScriptedBackend(others=SCRIPTED_OTHERS)
    return LlamaBackend(_config(settings), WholeMachine(memory_limit_bytes(settings)))


def make_pool(settings: Settings) -> ModelPool:
    """The models of a server, none of them loaded, and the store in which what they evaluate is kept, if any is.

    Raises:
        ModelNotFoundError: as ``make_backend``.
    """
    return ModelPool(*make_backends(settings))


def make_backends(settings: Settings) -> tuple[Mapping[Role, Backend], PrefixStore | None]:
    """What ``make_pool`` makes its pool of.

    Raises:
        ModelNotFoundError: as ``make_backend``.
    """
    if settings.model.backend == "scripted":
        scripted = ScriptedBackend(others=SCRIPTED_OTHERS)
        return {Role.COMPLETE: scripted, Role.CHAT: scripted}, None
    model_path(settings)  # where there is none, no store is to be left open
    store = make_prefix_store(settings)
    memory, precedence = SharedMemory(memory_limit_bytes(settings)), Precedence()
    configs = role_configs(settings, store)
    backends = {
        config: PooledBackend(partial(LlamaBackend, config), memory, precedence)
        for config in dict.fromkeys(configs.values())
    }
    return {role: backends[config] for role, config in configs.items()}, store


def role_numbers(settings: Settings) -> dict[Role, int]:
    """Which of the different backends of ``make_backends`` serves each role, from 0 on, with none of them made.

    Raises:
        ModelNotFoundError: as ``make_backend``.
    """
    if settings.model.backend == "scripted":
        return {Role.COMPLETE: 0, Role.CHAT: 0}
    configs = role_configs(settings)
    numbers = {config: number for number, config in enumerate(dict.fromkeys(configs.values()))}
    return {role: numbers[config] for role, config in configs.items()}


def role_configs(settings: Settings, store: PrefixStore | None = None) -> dict[Role, LlamaConfig]:
    """How the model of each role that has one is run; roles that one model serves have the same.

    Raises:
        ModelNotFoundError: as ``make_backend``.
    """
    complete = _config(settings, store)
    configs = {Role.COMPLETE: complete, Role.CHAT: complete}
    roles = settings.roles
    if roles.embed is not None:
        configs[Role.EMBED] = replace(
            complete,
            path=roles.embed,
            adapters=(),
            cache_bytes=0,
            persistence=None,
            embeds=True,
            is_vouched_for=_is_bundled(roles.embed),
        )
    path = roles.chat or complete.path
    adapters = _adapters(roles.chat_adapters) if roles.chat or roles.chat_adapters else complete.adapters
    if (path, adapters) != (complete.path, complete.adapters):
        # What is kept of prompts has its place in the plan of the model that completes.
        configs[Role.CHAT] = replace(
            complete, path=path, adapters=adapters, cache_bytes=0, is_vouched_for=_is_bundled(path)
        )
    return configs


def _adapters(chosen: tuple[AdapterSettings, ...]) -> tuple[Adapter, ...]:
    return tuple(Adapter(each.path, each.scale) for each in chosen)


def _config(settings: Settings, store: PrefixStore | None = None) -> LlamaConfig:
    model = settings.model
    return LlamaConfig(
        path=model_path(settings),
        n_threads=model.n_threads,
        n_ctx=model.n_ctx,
        kv_type=_chosen(model.kv_type),
        cache_bytes=wishes(settings).cache_bytes,
        n_gpu_layers=model.n_gpu_layers,
        flash_attention=model.flash_attention,
        speculation=model.speculation,
        ngrams=model.ngrams,
        manifest_folders=(bundled.models_dir(),),
        persistence=make_persistence(store) if store else None,
        adapters=_adapters(model.adapters),
        speeds=speed_book() if store else None,
        is_vouched_for=_is_bundled(model_path(settings)),
    )


def _is_bundled(model: Path) -> bool:
    return model.parent == bundled.models_dir()


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


def completion_options(settings: Settings, *, by_hand: bool = False) -> CompletionOptions:
    """What the settings say about completions.

    ``by_hand``: the user asked, see ``CompletionOptions.by_hand``.
    """
    options = CompletionOptions(
        max_tokens=settings.completion.max_tokens,
        max_lines=settings.completion.max_lines,
        time_budget_ms=settings.completion.time_budget_ms or math.inf,
        confidence=settings.completion.confidence,
        in_strings=settings.completion.in_strings,
        in_comments=settings.completion.in_comments,
        prompt=_fim_options(settings),
    )
    return options.by_hand() if by_hand else options


def hover_options(settings: Settings, language: Language) -> HoverOptions:
    """What the settings say about hovers; explanations are to be in the language."""
    return HoverOptions(settings.hover.time_budget_ms or math.inf, language, _fim_options(settings))


def _fim_options(settings: Settings) -> FimOptions:
    prompt = settings.prompt
    return FimOptions(
        order=None if prompt.order == "auto" else FimOrder(prompt.order),
        anchored=prompt.anchored,
        prefix_share=prompt.prefix_share,
    )

import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest

from pylot_ls import bundled
from pylot_ls.config.settings import (
    AdapterSettings,
    CacheSettings,
    CompletionSettings,
    ModelSettings,
    PromptSettings,
    RolesSettings,
    Settings,
    UserSettings,
)
from pylot_ls.config.wiring import (
    completion_options,
    make_backend,
    make_backends,
    make_pool,
    memory_limit_bytes,
    model_path,
    role_configs,
    role_numbers,
    user_language,
    wishes,
)
from pylot_ls.engine.adapters import Adapter
from pylot_ls.engine.llama_backend import LlamaBackend, LlamaConfig
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.memory_plan import Wishes
from pylot_ls.engine.prompt_types import FimOrder
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.errors import ModelNotFoundError
from pylot_ls.features.completion import CompletionOptions
from pylot_ls.prompts.layout import FimOptions


@pytest.fixture
def no_bundled_model(monkeypatch, tmp_path):
    monkeypatch.setattr(bundled, "_PACKAGE", tmp_path / "pylot_ls")


def test_the_model_settings_reach_the_engine(tmp_path):
    model = ModelSettings(
        path=tmp_path / "m.gguf",
        n_ctx=512,
        n_threads=3,
        n_gpu_layers=7,
        kv_type="f16",
        flash_attention="off",
        speculation=False,
    )
    backend = make_backend(Settings(model=model, cache=CacheSettings(memory_limit_mb=7)))
    assert isinstance(backend, LlamaBackend)
    assert backend._config == LlamaConfig(
        path=tmp_path / "m.gguf",
        n_threads=3,
        n_ctx=512,
        n_gpu_layers=7,
        kv_type="f16",
        cache_bytes=7 * 2**20,
        flash_attention="off",
        speculation=False,
        manifest_folders=(bundled.models_dir(),),
        is_vouched_for=False,
    )


@pytest.fixture
def cache_in(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_the_model_that_completes_chats_unless_another_is_chosen(tmp_path):
    configs = role_configs(Settings())
    assert configs[Role.CHAT] is configs[Role.COMPLETE]
    same = RolesSettings(chat=configs[Role.COMPLETE].path)
    assert role_configs(Settings(roles=same))[Role.CHAT] == configs[Role.COMPLETE]
    other = role_configs(Settings(roles=RolesSettings(chat=tmp_path / "chat.gguf")))[Role.CHAT]
    assert other == replace(configs[Role.COMPLETE], path=tmp_path / "chat.gguf", cache_bytes=0, is_vouched_for=False)


def test_adapters_belong_to_a_role(tmp_path):
    first, second = (AdapterSettings(path=tmp_path / name, scale=0.5) for name in "ab")
    configs = role_configs(Settings(model=ModelSettings(adapters=(first,))))
    assert configs[Role.CHAT] is configs[Role.COMPLETE]
    assert configs[Role.CHAT].adapters == (Adapter(tmp_path / "a", 0.5),)
    own = Settings(model=ModelSettings(adapters=(first,)), roles=RolesSettings(chat_adapters=(second,)))
    assert role_configs(own)[Role.CHAT].adapters == (Adapter(tmp_path / "b", 0.5),)
    assert role_configs(own)[Role.CHAT].path == role_configs(own)[Role.COMPLETE].path
    other = Settings(model=ModelSettings(adapters=(first,)), roles=RolesSettings(chat=tmp_path / "chat.gguf"))
    assert role_configs(other)[Role.CHAT].adapters == ()


def test_a_server_has_one_backend_for_each_model_and_one_store(cache_in, tmp_path):
    pool = make_pool(Settings(roles=RolesSettings(chat=tmp_path / "chat.gguf")))
    assert len(set(pool._backends.values())) == 2
    assert pool.store is not None
    pool.store.close()
    pool = make_pool(Settings(cache=CacheSettings(enabled=False)))
    assert len(set(pool._backends.values())) == 1
    assert pool.store is None
    pool = make_pool(Settings(model=ModelSettings(backend="scripted")))
    assert isinstance(pool._backends[Role.CHAT], ScriptedBackend)


def test_what_is_not_set_is_left_to_the_memory_plan():
    assert wishes(Settings()) == Wishes()
    assert wishes(Settings(cache=CacheSettings(enabled=False))) == Wishes(cache_bytes=0)
    assert memory_limit_bytes(Settings()) is None
    limited = ModelSettings(memory_limit_mb=512, n_ctx=512, kv_type="q8_0", n_gpu_layers=2)
    assert memory_limit_bytes(Settings(model=limited)) == 2**29
    assert wishes(Settings(model=limited)) == Wishes(n_ctx=512, kv_type="q8_0", n_gpu_layers=2)


def test_without_a_path_the_bundled_model_is_chosen(model_path):
    backend = make_backend(Settings())
    assert isinstance(backend, LlamaBackend)
    assert backend._config.path == model_path


def test_a_missing_bundled_model_is_an_error_only_where_it_is_needed(no_bundled_model, tmp_path):
    with pytest.raises(ModelNotFoundError):
        make_backend(Settings())
    own = ModelSettings(path=tmp_path / "own.gguf")
    assert model_path(Settings(model=own)) == tmp_path / "own.gguf"
    assert isinstance(make_backend(Settings(model=ModelSettings(backend="scripted"))), ScriptedBackend)


@pytest.mark.parametrize(("order", "expected"), [("auto", None), ("psm", FimOrder.PSM), ("spm", FimOrder.SPM)])
def test_the_completion_and_prompt_settings_reach_the_feature(order, expected):
    settings = Settings(
        completion=CompletionSettings(
            max_tokens=5, max_lines=2, time_budget_ms=70, confidence=0.4, in_strings=False, in_comments=False
        ),
        prompt=PromptSettings(order=order, anchored=False, prefix_share=0.3),
    )
    options = CompletionOptions(
        max_tokens=5,
        max_lines=2,
        time_budget_ms=70,
        confidence=0.4,
        in_strings=False,
        in_comments=False,
        prompt=FimOptions(order=expected, anchored=False, prefix_share=0.3),
    )
    assert completion_options(settings) == options
    assert completion_options(settings, by_hand=True) == replace(
        options, confidence=0.0, in_strings=True, in_comments=True, n_candidates=3
    )


def test_a_time_budget_of_nothing_is_none():
    settings = Settings(completion=CompletionSettings(time_budget_ms=0))
    assert completion_options(settings).time_budget_ms == math.inf


def test_the_defaults_of_the_settings_are_those_of_the_feature():
    assert completion_options(Settings()) == CompletionOptions()


def test_a_server_starts_without_numpy_and_the_native_libraries():
    # They take longer than all the rest, and are loaded with the model, on its thread.
    program = "import sys, pylot_ls.lsp.server; print({'numpy', 'llama_cpp'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("chosen", "locale", "tag"),
    [("auto", "ru-RU", "ru-RU"), ("auto", None, "en"), ("Auto", "de", "de"), ("pt-br", "ru", "pt-BR")],
)
def test_the_language_is_the_one_that_is_set_or_else_the_clients(chosen, locale, tag):
    settings = Settings(user=UserSettings(language=chosen))
    assert user_language(settings, locale).tag == tag


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(model=ModelSettings(backend="scripted")),
        Settings(roles=RolesSettings(embed="/m/embed.gguf", chat="/m/chat.gguf")),
        Settings(roles=RolesSettings(chat_adapters=(AdapterSettings(path="/m/a.gguf", scale=0.5),))),
    ],
)
def test_another_process_has_the_backends_in_the_same_order(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    there = Settings.model_validate(json.loads(settings.model_dump_json()))
    assert there == settings
    backends, store = make_backends(there)
    order = list(dict.fromkeys(backends.values()))
    assert role_numbers(settings) == {role: order.index(backend) for role, backend in backends.items()}
    if store is not None:
        store.close()

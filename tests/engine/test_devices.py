"""Which GPUs there are, as llama.cpp says."""

from __future__ import annotations

import sys

import pytest

from pylot_ls.engine import devices as module
from pylot_ls.engine.devices import devices
from pylot_ls.engine.memory_plan import Device

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="every GPU shares the memory there")

GPU, INTEGRATED = 1, 2


@pytest.fixture
def ggml(monkeypatch):
    """A library that knows devices: kind, name, free and total bytes of each."""

    def pretend(*known):
        def memory(device, free, total):
            free._obj.value, total._obj.value = known[device][2:]

        functions = {
            "ggml_backend_dev_count": lambda: len(known),
            "ggml_backend_dev_get": lambda index: index,
            "ggml_backend_dev_type": lambda device: known[device][0],
            "ggml_backend_dev_name": lambda device: known[device][1],
            "ggml_backend_dev_memory": memory,
        }
        monkeypatch.setattr(module.lib, "llama_supports_gpu_offload", lambda: True)
        monkeypatch.setattr(module, "_function", lambda name, *_: functions[name])

    return pretend


def test_the_library_that_is_installed_can_be_asked(monkeypatch):
    monkeypatch.setattr(module.lib, "llama_supports_gpu_offload", lambda: True)
    assert all(device.free_bytes > 0 for device in devices())


def test_gpus_are_listed_and_processors_are_not(ggml):
    ggml((0, b"CPU", 5, 9), (GPU, b"CUDA0", 70, 80), (INTEGRATED, b"Vulkan0", 0, 30))
    assert devices() == (Device("CUDA0", 70), Device("Vulkan0", 30, is_shared=True))


def test_a_build_for_processors_alone_has_none(monkeypatch):
    monkeypatch.setattr(module.lib, "llama_supports_gpu_offload", lambda: False)
    assert devices() == ()


def test_a_build_that_cannot_be_asked_is_taken_to_have_one_without_end(monkeypatch):
    def missing(*_):
        raise AttributeError

    monkeypatch.setattr(module.lib, "llama_supports_gpu_offload", lambda: True)
    monkeypatch.setattr(module, "_function", missing)
    assert devices() == (Device("GPU", sys.maxsize),)

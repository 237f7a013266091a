"""Tiny models of each kind of memory whose KV cannot be cut."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny_models import ARCHITECTURES, write_tiny_model


@pytest.fixture(scope="session", params=sorted(ARCHITECTURES))
def uncuttable_config(request, tmp_path_factory, bundled_config):
    """A model whose KV cannot be cut."""
    path = tmp_path_factory.mktemp("models") / f"{request.param}.gguf"
    write_tiny_model(path, request.param)
    return replace(bundled_config, path=path)

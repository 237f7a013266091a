"""The bundled model for many: what one editor's documents say is suggested to nobody else, though KV is shared."""

from __future__ import annotations

import asyncio
import re

import pytest

from pylot_ls.config.settings import ModelSettings, Settings
from pylot_ls.config.wiring import make_backends
from pylot_ls.engine.shared_pool import SharedModels

pytestmark = pytest.mark.asyncio

# More places than a context as small as this one holds.
N_EDITORS = 64
HEAD = '"""Totals of an account."""\n\nfrom pathlib import Path\n\n\n'
ASKED = "print(canary_"
SETTINGS = Settings(model=ModelSettings(n_ctx=512, n_threads=1, ngrams="on"))


def document(number):
    """All begin alike, so that their KV is shared, and say names of their own again and again."""
    name = f"canary_{number:02}_total"
    return HEAD + f"{name} = 0\n{name} = {name} + 1\n" * 6 + ASKED


async def test_names_of_one_editors_document_are_suggested_to_that_one_alone(serve, join, home, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    models = SharedModels(*make_backends(SETTINGS))
    daemon = await serve(models=models, settings=SETTINGS)
    editors = [(await join(daemon, overrides={}))[0] for _ in range(N_EDITORS)]
    shown = await asyncio.gather(
        *(
            editor.suggestion(document(number), "python", f"file:///{number}.py")
            for number, editor in enumerate(editors)
        )
    )
    assert [text[:8] for text in shown] == [f"{number:02}_total" for number in range(N_EDITORS)]
    for number, editor in enumerate(editors):
        assert set(re.findall(rb"\d\d_total", editor.received)) == {f"{number:02}_total".encode()}
    # One that has no such names in its own document is not told those of the others.
    stranger, _ = await join(daemon, overrides={})
    await stranger.suggestion(HEAD + ASKED, "python", "file:///stranger.py")
    assert b"_total" not in stranger.received
    ((_, shared),) = models.models()
    assert shared.counts.tokens_reused > 0, "the beginnings were shared"

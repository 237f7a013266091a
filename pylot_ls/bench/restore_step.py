"""The child process of ``restore.py``: ``python -m pylot_ls.bench.restore_step`` with how to run the model as JSON.

It says ``{"n_ctx": tokens}`` once the model is loaded. For ``{"text": ..., "cursor": ..., "max_tokens": ...}`` it
answers how many tokens the prompt for that place has, as the server evaluates it; for ``{"n_tokens": ...}`` what was
found when so many tokens were saved and restored (see ``RestoreFindings``).
"""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pylot_ls import bundled
from pylot_ls.bench.child import serve
from pylot_ls.engine.bare_restore import check_restore
from pylot_ls.engine.context_shape import ContextShape
from pylot_ls.engine.decoding import Decoder
from pylot_ls.engine.generation import Generation
from pylot_ls.engine.inbox import Job
from pylot_ls.engine.loading import LlamaConfig, Loaded, load
from pylot_ls.engine.types import GenerateRequest
from pylot_ls.prompts.layout import FimOptions
from pylot_ls.prompts.plan import make_plan
from pylot_ls.text.rope import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of a prompt, and of what stands between its cells.
_N_SEQUENCES = 2


def _answers(options: dict[str, Any], questions: Iterator[dict[str, Any]]) -> Iterator[Any]:
    config = LlamaConfig(path=Path(options.pop("path")), manifest_folders=(bundled.models_dir(),), **options)
    with closing(load(config, lambda _fraction: True)) as loaded:
        n_ctx = loaded.info.n_ctx
        yield {"n_ctx": n_ctx}
        shape = ContextShape(n_ctx, loaded.context.n_batch, config.n_threads, config.flash_attention, _N_SEQUENCES)
        for question in questions:
            if "text" in question:
                yield _n_prompt(loaded, **question)
            else:
                yield asdict(check_restore(loaded.model, shape, **question))


def _n_prompt(loaded: Loaded, text: str, cursor: int, max_tokens: int) -> int:
    """What healing takes off the end is not counted."""
    prompt = make_plan(Text.from_str(text), cursor, loaded.info, FimOptions(), max_tokens).prompt
    generation = Generation(Job(GenerateRequest("", prompt, max_tokens, heal=True)))
    Decoder(loaded, lambda _event: None).begin(generation, loaded.renderer.render(prompt))
    return generation.n_prompt


if __name__ == "__main__":
    sys.exit(serve(_answers))

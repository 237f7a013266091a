"""From a model file to everything the worker needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls import machine
from pylot_ls.engine.manifest import manifest_for
from pylot_ls.engine.model_file import check_model_file
from pylot_ls.engine.ngrams import Ngrams
from pylot_ls.engine.persistence import Persistence
from pylot_ls.engine.rendering import PromptRenderer
from pylot_ls.engine.sequences import Sequences
from pylot_ls.engine.speculation import Speculation
from pylot_ls.engine.threads import automatic_threads
from pylot_ls.engine.types import ModelInfo
from pylot_ls.engine.vocabulary import Vocabulary
from pylot_ls.errors import ModelUnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pylot_ls.engine.block_cache import BlockCache
    from pylot_ls.engine.llama_context import ContextShape, LlamaContext
    from pylot_ls.engine.llama_cpp_binding import LlamaModel
    from pylot_ls.engine.manifest import Manifest
    from pylot_ls.engine.persistence import PersistenceConfig

# Prefill comes in chunks, and llama.cpp computes a batch of this size about as efficiently as any larger one.
_N_BATCH = 512
# Sequences the context can hold: requests in work, and places in files to which the user may return.
_N_SEQUENCES = 24
_MAX_ACTIVE = 12
# Besides one prompt of full length, so many more tokens may stay resident: a decode step beside 7,600 foreign cells
# was measured to cost 1.1 times one without them.
_N_FURTHER_CELLS = 4096
# With how much larger models the n-gram cache helps was not measured: they know more, and see more of the text.
_MOST_PARAMETERS_TO_MIX = 200_000_000


@dataclass(frozen=True, slots=True)
class LlamaConfig:
    """How to run a model.

    Attributes:
        path: a GGUF file.
        n_threads: processor threads, 0 to choose by the model's size and the machine's cores.
        n_ctx: tokens of context; never more than the model was trained on.
        n_gpu_layers: layers on a GPU, negative for all.
        flash_attention: "auto", "on" or "off".
        manifest_folders: where to look for a manifest after the model's own folder.
        speculation: whether tokens are drafted from the prompt where that makes decoding faster.
        ngrams: whether what is known of other texts is mixed with what the model says: "on", "off", or "auto" for
            models as small as it was measured with.
        persistence: where evaluated prompts are kept; None for nowhere.
    """

    path: Path
    n_threads: int = 0
    n_ctx: int = 4096
    n_gpu_layers: int = -1
    flash_attention: str = "on"
    manifest_folders: tuple[Path, ...] = ()
    speculation: bool = True
    ngrams: str = "auto"
    persistence: PersistenceConfig | None = None


@dataclass(slots=True)
class Loaded:
    """What the worker holds once the model is there.

    Attributes:
        vocabulary: the tokens by their bytes.
        max_active: how many requests may be in work at once.
        speculation: what is learnt of drafts; None where none are made.
        ngrams: the texts of the sessions; None where they do not count.
    """

    info: ModelInfo
    model: LlamaModel
    context: LlamaContext
    renderer: PromptRenderer
    sequences: Sequences
    vocabulary: Vocabulary
    max_active: int = _MAX_ACTIVE
    speculation: Speculation | None = None
    ngrams: Ngrams | None = None
    persistence: Persistence | None = None

    def cache(self) -> BlockCache | None:
        """What outlives the server; None while, or where, there is none."""
        return self.persistence.cache(self.context, self.sequences, self.info.fim) if self.persistence else None

    def close(self) -> None:
        """Save what is to be kept and free everything native."""
        if self.persistence is not None:
            self.persistence.close()
        self.context.close()
        self.model.close()


def load(config: LlamaConfig, on_progress: Callable[[float], bool]) -> Loaded:
    """Load a model and make its context.

    Args:
        config: see LlamaConfig.
        on_progress: called with fractions from 0 to 1; loading stops when it returns False.

    Raises:
        ModelError: the file is none, is damaged, or is no model that produces text.
    """
    check_model_file(config.path)
    # Imported here: it loads the native libraries, which the event loop's thread should not wait for.
    from pylot_ls.engine.llama_cpp_binding import LlamaModel  # noqa: PLC0415

    model = LlamaModel(config.path, n_gpu_layers=config.n_gpu_layers, on_progress=on_progress)
    try:
        return _open_context(config, model)
    except BaseException:
        model.close()
        raise


def cells_for(n_ctx: int) -> int:
    """How many tokens' KV a context for prompts of this length holds."""
    return n_ctx + min(n_ctx, _N_FURTHER_CELLS)


def _open_context(config: LlamaConfig, model: LlamaModel) -> Loaded:
    from pylot_ls.engine.llama_context import ContextShape, LlamaContext  # noqa: PLC0415 - see load

    if not model.generates():
        raise ModelUnsupportedError(
            f"{config.path} encodes or embeds text and produces none; choose another model to complete with",
        )
    manifest = manifest_for(config.path, config.manifest_folders)
    markers = model.markers(manifest.fim_texts)
    n_ctx = min(config.n_ctx, model.n_ctx_train or config.n_ctx)
    n_cells = cells_for(n_ctx)
    shape = ContextShape(
        n_ctx=n_cells,
        n_batch=min(_N_BATCH, n_ctx),
        n_threads=config.n_threads or automatic_threads(model.size_bytes, machine.physical_cores()),
        flash_attention=config.flash_attention,
        n_sequences=_N_SEQUENCES,
    )
    context = LlamaContext(model, shape)
    partial = model.removes_partially()
    # Of a model with nothing but a state every sequence may be as long as it likes.
    n_resident = n_cells if model.has_cells() else _N_SEQUENCES * n_ctx
    return Loaded(
        info=_describe(config, model, n_ctx, manifest, partial=partial),
        model=model,
        context=context,
        renderer=PromptRenderer(model.tokenize, markers),
        sequences=Sequences(context, n_resident, _N_SEQUENCES, partial=partial),
        vocabulary=Vocabulary(model.pieces()),
        # What was drafted wrongly has to be cut off again.
        speculation=Speculation() if config.speculation and partial else None,
        ngrams=Ngrams() if _mixes(config, model) else None,
        persistence=_persistence(config, model, shape),
    )


def _mixes(config: LlamaConfig, model: LlamaModel) -> bool:
    return config.ngrams == "on" or (config.ngrams == "auto" and model.n_params <= _MOST_PARAMETERS_TO_MIX)


def _persistence(config: LlamaConfig, model: LlamaModel, shape: ContextShape) -> Persistence | None:
    if config.persistence is None:
        return None
    parts: dict[str, str | int | float] = {
        "llama.cpp": model.build(),
        "flash attention": shape.flash_attention,
        "KV type": "f16",
        "GPU layers": config.n_gpu_layers,
    }
    return Persistence(config.persistence, config.path, parts)


def _describe(config: LlamaConfig, model: LlamaModel, n_ctx: int, manifest: Manifest, *, partial: bool) -> ModelInfo:
    return ModelInfo(
        name=model.metadata("general.name") or config.path.stem,
        path=str(config.path.absolute()),
        architecture=model.metadata("general.architecture") or "unknown",
        n_params=model.n_params,
        size_bytes=model.size_bytes,
        n_vocab=model.n_vocab,
        n_ctx_train=model.n_ctx_train,
        n_ctx=n_ctx,
        fim=model.fim_tokens(manifest.fim_texts),
        fim_orders=manifest.fim_orders,
        removes_partially=partial,
    )

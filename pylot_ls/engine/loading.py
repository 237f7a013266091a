"""From a model file to everything the worker needs."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from pylot_ls import machine
from pylot_ls.engine.adapters import check_adapter
from pylot_ls.engine.dimensions import dimensions_of_header
from pylot_ls.engine.gguf_header import read_header
from pylot_ls.engine.identity import known_identity
from pylot_ls.engine.known_models import largest_that_fits, largest_that_is_here
from pylot_ls.engine.manifest import Role, manifest_for
from pylot_ls.engine.memory import WholeMachine
from pylot_ls.engine.memory_plan import Wishes
from pylot_ls.engine.persistence import Persistence
from pylot_ls.engine.pins import check_pin
from pylot_ls.engine.probe import try_out
from pylot_ls.engine.rendering import PromptRenderer
from pylot_ls.engine.sequences import Sequences
from pylot_ls.engine.speculation import Speculation
from pylot_ls.engine.threads import automatic_threads
from pylot_ls.engine.types import ModelInfo
from pylot_ls.engine.vocabulary import Vocabulary
from pylot_ls.errors import ModelTooLargeError, ModelUnsupportedError
from pylot_ls.language import Message, text_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pylot_ls.engine.adapters import Adapter
    from pylot_ls.engine.block_cache import BlockCache
    from pylot_ls.engine.dimensions import Dimensions
    from pylot_ls.engine.embedding import LoadedEmbedder
    from pylot_ls.engine.llama_context import LlamaContext
    from pylot_ls.engine.llama_cpp_binding import LlamaModel
    from pylot_ls.engine.manifest import Manifest
    from pylot_ls.engine.memory import Memory
    from pylot_ls.engine.memory_plan import MemoryPlan
    from pylot_ls.engine.ngrams import Ngrams
    from pylot_ls.engine.persistence import PersistenceConfig
    from pylot_ls.engine.speeds import SpeedBook

_log = logging.getLogger(__name__)
_Made = TypeVar("_Made")

# Of the sequences of a context so many at most are in work.
_MAX_ACTIVE = 12
# With how much larger models the n-gram cache helps was not measured: they know more, and see more of the text.
_MOST_PARAMETERS_TO_MIX = 200_000_000
# Libraries, the stacks of threads and malloc's arenas reserve far more than they use.
_FEWEST_ADDRESSES = 512 * 2**20


@dataclass(frozen=True, slots=True)
class LlamaConfig:
    """How to run a model.

    Attributes:
        path: a GGUF file.
        n_threads: processor threads, 0 to choose by the model's size and the machine's cores.
        n_ctx: tokens of context, never more than the model was trained on; None to choose by the memory.
        kv_type: of keys and values, see ContextShape; None as above.
        cache_bytes: the most that is kept of evaluated prompts in memory, 0 where none are; None as above.
        n_gpu_layers: layers on a GPU, negative for as many as it holds.
        flash_attention: "auto", "on" or "off".
        manifest_folders: where to look for a manifest after the model's own folder.
        speculation: whether tokens are drafted from the prompt where that makes decoding faster.
        ngrams: whether what is known of other texts is mixed with what the model says: "on", "off", or "auto" for
            models as small as it was measured with.
        persistence: where evaluated prompts are kept; None for nowhere.
        adapters: what is applied to the model.
        speeds: where it is remembered how fast it is; None for nowhere.
        embeds: whether it is to turn texts into vectors, and not to produce text.
        is_vouched_for: whether the file is known to be sound; another one is tried out by a child process first.
    """

    path: Path
    n_threads: int = 0
    n_ctx: int | None = None
    kv_type: str | None = None
    cache_bytes: int | None = 0
    n_gpu_layers: int = -1
    flash_attention: str = "on"
    manifest_folders: tuple[Path, ...] = ()
    speculation: bool = True
    ngrams: str = "auto"
    persistence: PersistenceConfig | None = None
    adapters: tuple[Adapter, ...] = ()
    speeds: SpeedBook | None = None
    embeds: bool = False
    is_vouched_for: bool = True


@dataclass(slots=True)
class Loaded:
    """What the worker holds once the model is there.

    Attributes:
        vocabulary: the tokens by their bytes.
        max_active: how many requests may be in work at once.
        speculation: what is learnt of drafts; None where none are made.
        ngrams: the texts of the sessions; None where they do not count.
        plan: what it was given of the memory; None where nobody asked.
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
    plan: MemoryPlan | None = None

    def cache(self) -> BlockCache | None:
        """What outlives the server; None while, or where, there is none."""
        return self.persistence.cache(self.context, self.sequences, self.info.fim) if self.persistence else None

    def close(self) -> None:
        """Save what is to be kept and free everything native."""
        if self.persistence is not None:
            self.persistence.close()
        self.context.close()
        self.model.close()


def load(config: LlamaConfig, on_progress: Callable[[float], bool], memory: Memory | None = None) -> Loaded:
    """Load a model and make its context.

    Args:
        config: see LlamaConfig.
        on_progress: called with fractions from 0 to 1; loading stops when it returns False.
        memory: gives the model its share; without it as much as the machine has.

    Raises:
        ModelError: the file is none, is damaged, has no room, or is no model that produces text.
    """
    return _load(config, on_progress, memory, _open_context)


def load_embedder(
    config: LlamaConfig, on_progress: Callable[[float], bool], memory: Memory | None = None
) -> LoadedEmbedder:
    """As ``load``, for a model that turns texts into vectors.

    Raises:
        ModelError: as ``load``; the model produces text.
    """
    return _load(config, on_progress, memory, _open_embedder)


def _load(
    config: LlamaConfig,
    on_progress: Callable[[float], bool],
    memory: Memory | None,
    make: Callable[[LlamaConfig, LlamaModel, MemoryPlan], _Made],
) -> _Made:
    header = read_header(config.path)
    _check_addresses(config.path)
    adapters_bytes = sum(check_adapter(each, header) for each in config.adapters)
    dimensions = replace(dimensions_of_header(header), adapters_bytes=adapters_bytes)
    plan = _plan(config, dimensions, memory or WholeMachine(), lambda: on_progress(0.0))
    _log.info("memory plan of %s: %s", config.path.name, plan)
    remembered = config.persistence.identities if config.persistence else None
    check_pin(config.path, config.manifest_folders, remembered, lambda: on_progress(0.0))
    if not _is_vouched_for(config):
        try_out(config.path)
    # Imported here: it loads the native libraries, which the event loop's thread should not wait for.
    from pylot_ls.engine.llama_cpp_binding import LlamaModel  # noqa: PLC0415

    model = LlamaModel(config.path, n_gpu_layers=plan.n_gpu_layers, on_progress=on_progress)
    try:
        model.load_adapters(config.adapters)
        return make(config, model, plan)
    except BaseException:
        model.close()
        raise


def _check_addresses(path: Path) -> None:
    """Refuse to load libraries that would end the process for want of addresses; some do, instead of failing."""
    left = machine.addresses_left_bytes()
    if left is not None and left < _FEWEST_ADDRESSES:
        reason = Message(
            "this process may reserve {left} MiB more, and llama.cpp takes up to {needed} before there is a model; "
            "raise the limit (ulimit -v)",
            left=left // 2**20,
            needed=_FEWEST_ADDRESSES // 2**20,
        )
        raise ModelTooLargeError(Message("there is no room for {path}: {reason}", path=path, reason=reason))


def _is_vouched_for(config: LlamaConfig) -> bool:
    """Whether a file has been loaded before as it is now: only then is its hash remembered."""
    if config.is_vouched_for:
        return True
    kept = config.persistence
    return kept is not None and known_identity(config.path, kept.identities) is not None


def _plan(config: LlamaConfig, dimensions: Dimensions, memory: Memory, is_wanted: Callable[[], bool]) -> MemoryPlan:
    try:
        return memory.plan(config.path, dimensions, _wishes(config, dimensions), is_wanted)
    except ModelTooLargeError as error:
        role = Role.EMBED if config.embeds else Role.COMPLETE
        refusal = Message("there is no room for {path}: {reason}", path=config.path, reason=text_of(error))
        if other := largest_that_fits(config.manifest_folders, role, memory.room()):
            refusal = Message(
                "{refusal}; or take one that fits: pylot-ls models pull {name}", refusal=refusal, name=other
            )
        elif other := largest_that_is_here(config.manifest_folders, role, memory.room()):
            refusal = Message(
                "{refusal}; or take one that fits: pylot-ls models use {name}", refusal=refusal, name=other
            )
        raise ModelTooLargeError(refusal) from error


def _wishes(config: LlamaConfig, dimensions: Dimensions) -> Wishes:
    return Wishes(
        n_ctx=config.n_ctx,
        kv_type=config.kv_type,
        cache_bytes=config.cache_bytes,
        n_gpu_layers=config.n_gpu_layers,
        flash_attention=config.flash_attention,
        embeds=config.embeds,
        n_threads=config.n_threads or automatic_threads(dimensions.weights_bytes, machine.physical_cores()),
    )


def _open_embedder(config: LlamaConfig, model: LlamaModel, plan: MemoryPlan) -> LoadedEmbedder:
    from pylot_ls.engine.embedding import EmbeddingContext, LoadedEmbedder  # noqa: PLC0415 - see load

    if model.generates():
        raise ModelUnsupportedError(
            Message("{path} produces text and no vectors; choose another model to embed with", path=config.path)
        )
    context = EmbeddingContext(model, plan.shape)
    context.apply_adapters(model.adapters)
    manifest = manifest_for(config.path, config.manifest_folders)
    info = replace(_describe(config, model, plan.n_ctx, manifest), n_embd=model.n_embd)
    renderer = PromptRenderer(
        model.tokenize,
        model.markers(),
        special=model.tokenize_special,
        opening=model.tokenize_opening,
        n_vocab=model.n_vocab,
    )
    return LoadedEmbedder(info, model, context, renderer, plan)


def _open_context(config: LlamaConfig, model: LlamaModel, plan: MemoryPlan) -> Loaded:
    from pylot_ls.engine.llama_context import LlamaContext  # noqa: PLC0415 - see load
    from pylot_ls.engine.ngrams import Ngrams  # noqa: PLC0415 - it takes numpy, as that does

    if not model.generates():
        raise ModelUnsupportedError(
            Message(
                "{path} encodes or embeds text and produces none; choose another model to complete with",
                path=config.path,
            )
        )
    manifest = manifest_for(config.path, config.manifest_folders)
    markers = model.markers(manifest.fim_texts)
    chat = model.chat_form(manifest.chat_format)
    shape = plan.shape
    context = LlamaContext(model, shape)
    context.apply_adapters(model.adapters)
    partial = model.removes_partially()
    # Of a model with nothing but a state every sequence may be as long as it likes.
    n_resident = shape.n_ctx if model.has_cells() else shape.n_sequences * plan.n_ctx
    max_active = min(_MAX_ACTIVE, shape.n_sequences // 2)
    return Loaded(
        info=replace(
            _describe(config, model, plan.n_ctx, manifest),
            removes_partially=partial,
            chats=chat.is_known,
            n_parallel=max_active,
        ),
        model=model,
        context=context,
        renderer=PromptRenderer(
            model.tokenize,
            markers,
            chat,
            special=model.tokenize_special,
            opening=model.tokenize_opening,
            n_vocab=model.n_vocab,
        ),
        sequences=Sequences(context, n_resident, shape.n_sequences, partial=partial),
        vocabulary=Vocabulary(model.pieces()),
        max_active=max_active,
        # What was drafted wrongly has to be cut off again.
        speculation=Speculation() if config.speculation and partial else None,
        ngrams=Ngrams() if _mixes(config, model) else None,
        persistence=_persistence(config, model, plan),
        plan=plan,
    )


def _mixes(config: LlamaConfig, model: LlamaModel) -> bool:
    return config.ngrams == "on" or (config.ngrams == "auto" and model.n_params <= _MOST_PARAMETERS_TO_MIX)


def _persistence(config: LlamaConfig, model: LlamaModel, plan: MemoryPlan) -> Persistence | None:
    if config.persistence is None:
        return None
    if plan.cache_bytes:
        config.persistence.store.limit_memory(plan.cache_bytes)
    parts: dict[str, str | int | float] = {
        "llama.cpp": model.build(),
        "flash attention": plan.shape.flash_attention,
        "KV type": plan.shape.kv_type,
        "GPU layers": plan.n_gpu_layers,
        **_rope_parts(model, plan.n_ctx),
    }
    return Persistence(config.persistence, config.path, parts, config.adapters)


def _rope_parts(model: LlamaModel, n_ctx: int) -> dict[str, int]:
    """What the context's size changes of KV: some models (as Phi-3) rotate otherwise in a context beyond their first.

    llama.cpp chooses between their two sets of factors by the size of the context, not by how much of it is in use.
    """
    first = model.metadata(f"{model.metadata('general.architecture')}.rope.scaling.original_context_length") or ""
    return {"beyond the original context": int(n_ctx > int(first))} if first.isascii() and first.isdigit() else {}


def _describe(config: LlamaConfig, model: LlamaModel, n_ctx: int, manifest: Manifest) -> ModelInfo:
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
        bos=model.bos(),
        eos=model.eos(),
        adds_bos=model.begins_texts(),
        chat_template=model.chat_template(),
        adapters=tuple((str(each.path), each.scale) for each in config.adapters),
    )

"""What a model gets of the machine's memory: its context, the type of its KV, its sequences, the prompt cache. Pure.

The machine is never taken to swap: what does not fit beside everything else that runs is not begun. What the user has
set stands; of the rest the largest is taken that fits, in steps that cost the least first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pylot_ls.engine.context_shape import N_OUTPUTS, ContextShape, cells_for
from pylot_ls.engine.footprint import Footprint, device_bytes, footprint
from pylot_ls.errors import ModelTooLargeError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylot_ls.engine.dimensions import Dimensions

MIB, GIB = 2**20, 2**30

DEFAULT_N_CTX = 4096
_SMALLER_N_CTX = (2048, 1024)
# Prefill comes in chunks, and llama.cpp computes a batch of this size about as efficiently as any larger one.
_N_BATCH = 512
# Sequences the context can hold: requests in work, and places in files to which the user may return. Each costs its
# results, and of a model with states its state.
_N_SEQUENCES = (24, 16, 8)
# Tokens that a model that embeds sees at once. Each has results as large as the vocabulary, of which nothing is used.
_EMBED_BATCHES = (512, 256)
# With one more than can be used, a divisor of these: llama.cpp ends the process where a batch is no multiple of it.
_EMBED_SEQUENCES = 8
# What is kept of evaluated prompts: at most so much, and so much of the machine.
_CACHE_BYTES = (256 * MIB, 64 * MIB, 32 * MIB, 16 * MIB)
_CACHE_SHARE = 1 / 16
# All models together take no more, and what is free now is not used up.
_SHARE_OF_MEMORY = 0.75
_LEFT_SHARE, _LEAST_LEFT, _MOST_LEFT = 1 / 16, 128 * MIB, GIB
# Drivers and other programs take some of what a device says is free.
_SHARE_OF_DEVICE = 0.9


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU that llama.cpp can use.

    Attributes:
        name: as its driver calls it.
        free_bytes: of its memory.
        is_shared: whether that is the machine's own memory.
    """

    name: str
    free_bytes: int
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """What there is.

    Attributes:
        total_bytes: of the machine's memory, or of what a container allows.
        free_bytes: of it now, without swapping.
        limit_bytes: what the user allows all models together; None where he leaves it to us.
        taken_bytes: what other models of ours have, or will have once they are used.
        devices: the GPUs.
    """

    total_bytes: int
    free_bytes: int
    limit_bytes: int | None = None
    taken_bytes: int = 0
    devices: tuple[Device, ...] = ()

    @property
    def budget_bytes(self) -> int:
        """What a model may take."""
        if self.limit_bytes is not None:
            return max(0, self.limit_bytes - self.taken_bytes)
        left = min(max(int(self.total_bytes * _LEFT_SHARE), _LEAST_LEFT), _MOST_LEFT)
        return max(0, min(int(self.total_bytes * _SHARE_OF_MEMORY) - self.taken_bytes, self.free_bytes - left))

    @property
    def at_best(self) -> Room:
        """The same machine with nothing else running on it."""
        return replace(self, free_bytes=self.total_bytes, taken_bytes=0)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user has set; None is left to the plan.

    Attributes:
        n_ctx: tokens of context.
        kv_type: of keys and values.
        cache_bytes: the most that is kept of evaluated prompts in memory; 0 for nothing.
        n_gpu_layers: layers on a GPU, negative for as many as it holds.
        flash_attention: as ContextShape has it.
        n_threads: as ContextShape has it.
        embeds: whether vectors are wanted; then nothing is kept from one text to the next.
    """

    n_ctx: int | None = None
    kv_type: str | None = None
    cache_bytes: int | None = None
    n_gpu_layers: int = -1
    flash_attention: str = "on"
    n_threads: int = 1
    embeds: bool = False


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """What was chosen.

    Attributes:
        n_ctx: tokens of a prompt and what is decoded behind it.
        shape: of the context.
        n_gpu_layers: layers on a GPU, the output counted as one.
        cache_bytes: the most that is kept of evaluated prompts in memory.
        footprint: what the model takes.
        budget_bytes: what it might have taken.
        reasons: why it is less than usual, in words; empty where it is not.
    """

    n_ctx: int
    shape: ContextShape
    n_gpu_layers: int
    cache_bytes: int
    footprint: Footprint
    budget_bytes: int
    reasons: tuple[str, ...] = ()

    @property
    def needed_bytes(self) -> int:
        """What the model and the cache take of the machine's memory."""
        return self.footprint.needed_bytes + self.cache_bytes

    def __str__(self) -> str:
        """In a line."""
        shape = self.shape
        chosen = (
            f"context {self.n_ctx} tokens, {shape.n_ctx} cells of {shape.kv_type} for {shape.n_sequences} sequences, "
            f"prompt cache {size(self.cache_bytes)}"
        )
        if self.n_gpu_layers:
            chosen += f", {self.n_gpu_layers} layers on the GPU"
        found = f"{chosen}; takes {size(self.needed_bytes)} of {size(self.budget_bytes)} that it may"
        return "; ".join((found, *self.reasons))


def plan_memory(
    dimensions: Dimensions, wishes: Wishes, room: Room, features: frozenset[str] = frozenset()
) -> MemoryPlan:
    """Choose the largest that fits.

    Args:
        dimensions: of the model.
        wishes: what is not to be chosen.
        room: what there is.
        features: of the processor; see ``footprint``.

    Raises:
        ModelTooLargeError: nothing fits, or not what the user has set.
    """
    usual: MemoryPlan | None = None
    for plan in _steps(dimensions, wishes, room, features):
        usual = usual or plan
        if plan.needed_bytes <= room.budget_bytes and _fits_device(dimensions, plan, room):
            return replace(plan, reasons=_reasons(plan, usual))
    raise ModelTooLargeError(_refusal(dimensions, wishes, room))


def least_bytes(dimensions: Dimensions, wishes: Wishes) -> int:
    """What the model takes of the machine's memory with the least of everything that is not set."""
    return min(plan.needed_bytes for plan in _steps(dimensions, wishes, Room(0, 0), frozenset()))


def size(n_bytes: int) -> str:
    """A size with a unit that suits it."""
    return f"{n_bytes / GIB:.1f} GiB" if n_bytes >= GIB else f"{n_bytes / MIB:.0f} MiB"


def _steps(dimensions: Dimensions, wishes: Wishes, room: Room, features: frozenset[str]) -> Iterator[MemoryPlan]:
    """From what is best to what takes least: less cache, fewer other places, less precision, a shorter context."""
    if wishes.embeds:
        for n_batch in _EMBED_BATCHES:
            n_each = min(n_batch, dimensions.n_ctx_train or n_batch) // _EMBED_SEQUENCES
            n_ctx = n_each * _EMBED_SEQUENCES
            yield _plan(dimensions, wishes, room, features, (n_ctx, n_ctx, "f16", _EMBED_SEQUENCES - 1, 0))
        return
    n_most = dimensions.n_ctx_train or wishes.n_ctx or DEFAULT_N_CTX
    chosen = (DEFAULT_N_CTX, *_SMALLER_N_CTX) if wishes.n_ctx is None else (wishes.n_ctx,)
    caches = _caches(wishes, room)
    halves = ((1, 0), (1, 1), (2, 1), (4, 2))
    for n_ctx in dict.fromkeys(min(each, n_most) for each in chosen):
        for kv_type in _kv_types(dimensions, wishes):
            for divisor, n_smaller in halves:
                cache_bytes = caches[min(n_smaller, len(caches) - 1)]
                n_cells = n_ctx + (cells_for(n_ctx) - n_ctx) // divisor
                yield _plan(dimensions, wishes, room, features, (n_ctx, n_cells, kv_type, _N_SEQUENCES[0], cache_bytes))
        # All that is left to give up before the context becomes shorter.
        kv_type = _kv_types(dimensions, wishes)[-1]
        for n_sequences in _N_SEQUENCES[1:]:
            yield _plan(dimensions, wishes, room, features, (n_ctx, n_ctx, kv_type, n_sequences, caches[-1]))


def _caches(wishes: Wishes, room: Room) -> tuple[int, ...]:
    if wishes.cache_bytes is not None:
        return (wishes.cache_bytes,)
    most = int(room.total_bytes * _CACHE_SHARE)
    return tuple(dict.fromkeys(max(_CACHE_BYTES[-1], min(each, most)) for each in _CACHE_BYTES))


def _kv_types(dimensions: Dimensions, wishes: Wishes) -> tuple[str, ...]:
    if wishes.kv_type is not None:
        return (wishes.kv_type,)
    # llama.cpp quantises values only for flash attention.
    can_quantise = wishes.flash_attention != "off" and dimensions.quantises and dimensions.key_size > 0
    return ("f16", "q8_0") if can_quantise else ("f16",)


def _plan(
    dimensions: Dimensions,
    wishes: Wishes,
    room: Room,
    features: frozenset[str],
    chosen: tuple[int, int, str, int, int],
) -> MemoryPlan:
    n_ctx, n_cells, kv_type, n_sequences, cache_bytes = chosen
    shape = ContextShape(
        n_ctx=n_cells,
        n_batch=min(_N_BATCH, n_ctx),
        n_threads=wishes.n_threads,
        flash_attention=wishes.flash_attention,
        n_sequences=n_sequences,
        kv_type=kv_type,
        n_outputs=n_cells if wishes.embeds else N_OUTPUTS,
        embeds=wishes.embeds,
    )
    n_gpu_layers = _n_gpu_layers(dimensions, wishes, room, shape)
    made = footprint(dimensions, shape, features, 0 if _shares_memory(room) else n_gpu_layers)
    return MemoryPlan(n_ctx, shape, n_gpu_layers, cache_bytes, made, room.budget_bytes)


def _n_gpu_layers(dimensions: Dimensions, wishes: Wishes, room: Room, shape: ContextShape) -> int:
    """As many as the devices hold, where the user has not said."""
    if not room.devices:
        return 0
    n_most = dimensions.n_layers + 1
    if wishes.n_gpu_layers >= 0:
        return min(wishes.n_gpu_layers, n_most)
    counts = range(n_most, 0, -1)
    return next((n_each for n_each in counts if device_bytes(dimensions, shape, n_each) <= _device_budget(room)), 0)


def _device_budget(room: Room) -> int:
    return int(sum(device.free_bytes for device in room.devices) * _SHARE_OF_DEVICE)


def _shares_memory(room: Room) -> bool:
    return any(device.is_shared for device in room.devices)


def _fits_device(dimensions: Dimensions, plan: MemoryPlan, room: Room) -> bool:
    return not room.devices or device_bytes(dimensions, plan.shape, plan.n_gpu_layers) <= _device_budget(room)


def _reasons(plan: MemoryPlan, usual: MemoryPlan) -> tuple[str, ...]:
    """What is less than it would be with memory enough."""
    less = []
    if plan.n_ctx < usual.n_ctx:
        less.append(f"a context of {plan.n_ctx} tokens and not {usual.n_ctx}")
    if plan.shape.kv_type != usual.shape.kv_type:
        less.append(f"KV as {plan.shape.kv_type}")
    if plan.shape.n_ctx - plan.n_ctx < usual.shape.n_ctx - usual.n_ctx and plan.n_ctx == usual.n_ctx:
        less.append("fewer other places resident")
    if plan.cache_bytes < usual.cache_bytes:
        less.append("a smaller prompt cache")
    return (f"to fit: {', '.join(less)}",) if less else ()


def _refusal(dimensions: Dimensions, wishes: Wishes, room: Room) -> Message:
    """Why nothing fits, and what would."""
    is_limited = room.limit_bytes is not None
    budget, free, total = map(size, (room.budget_bytes, room.free_bytes, room.total_bytes))
    allowed = (
        Message("model.memory_limit_mb allows {budget}", budget=budget)
        if is_limited
        else Message("{budget} may be used ({free} of {total} is free)", budget=budget, free=free, total=total)
    )
    if room.taken_bytes:
        allowed = Message("{allowed} beside the {taken} of other models", allowed=allowed, taken=size(room.taken_bytes))
    least = size(least_bytes(dimensions, wishes))
    needed = Message("it needs at least {least}, and {allowed}", least=least, allowed=allowed)
    for name, without in (
        ("model.n_ctx", replace(wishes, n_ctx=None)),
        ("model.kv_type", replace(wishes, kv_type=None)),
        ("cache.memory_limit_mb", replace(wishes, cache_bytes=None)),
        ("model.n_gpu_layers", replace(wishes, n_gpu_layers=-1)),
    ):
        found = _first_that_fits(dimensions, without, room) if without != wishes else None
        if found is not None:
            return Message(
                "{needed}; it fits, with a context of {n_ctx} tokens, where you do not set {setting}",
                needed=needed,
                n_ctx=found.n_ctx,
                setting=name,
            )
    if is_limited:
        return Message("{needed}; raise that", needed=needed)
    return Message("{needed}; close other programs", needed=needed)


def _first_that_fits(dimensions: Dimensions, wishes: Wishes, room: Room) -> MemoryPlan | None:
    plans = _steps(dimensions, wishes, room, frozenset())
    return next((plan for plan in plans if plan.needed_bytes <= room.budget_bytes), None)

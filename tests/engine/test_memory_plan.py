"""The plan takes what fits, keeps to what the user has set, and says what it did."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pylot_ls.engine.dimensions import Dimensions
from pylot_ls.engine.footprint import device_bytes, footprint, kv_bytes_per_cell, repacked_kinds
from pylot_ls.engine.memory_plan import DEFAULT_N_CTX, GIB, MIB, Device, Room, Wishes, least_bytes, plan_memory
from pylot_ls.errors import ModelTooLargeError

# As Qwen2.5-Coder-1.5B in Q8_0.
MODEL = Dimensions(
    weights_bytes=1640 * MIB,
    n_layers=28,
    n_embd=1536,
    n_ff=8960,
    n_heads=12,
    n_vocab=151_936,
    n_merges=151_387,
    n_ctx_train=32_768,
    key_size=28 * 256,
    value_size=28 * 256,
)
PLENTY = Room(64 * GIB, 60 * GIB)


def room(gib, free=None):
    return Room(int(gib * GIB), int((gib if free is None else free) * GIB))


def test_where_there_is_plenty_nothing_is_less_than_usual():
    plan = plan_memory(MODEL, Wishes(), PLENTY)
    assert (plan.n_ctx, plan.shape.n_ctx, plan.shape.kv_type) == (DEFAULT_N_CTX, 8192, "f16")
    assert (plan.shape.n_sequences, plan.cache_bytes, plan.reasons) == (24, 256 * MIB, ())
    assert str(plan).startswith("context 4096 tokens, 8192 cells of f16 for 24 sequences, prompt cache 256 MiB; takes ")


def test_the_context_is_never_longer_than_the_model_was_trained_on():
    plan = plan_memory(replace(MODEL, n_ctx_train=512), Wishes(), PLENTY)
    assert (plan.n_ctx, plan.shape.n_ctx, plan.shape.n_batch) == (512, 1024, 512)
    assert plan.reasons == ()


def test_what_costs_least_goes_first():
    """The cache, then cells of other places, then precision, then context."""
    usual = plan_memory(MODEL, Wishes(), PLENTY)
    steps = []
    for limit in range(usual.needed_bytes, 0, -8 * MIB):
        try:
            plan = plan_memory(MODEL, Wishes(), replace(PLENTY, limit_bytes=limit))
        except ModelTooLargeError:
            break
        step = (plan.n_ctx, plan.shape.kv_type, plan.shape.n_ctx, plan.shape.n_sequences, plan.cache_bytes)
        if step not in steps:
            steps.append(step)
    assert [step[0] for step in steps] == sorted((step[0] for step in steps), reverse=True)
    assert steps[0] == (4096, "f16", 8192, 24, 256 * MIB)
    assert steps[1] == (4096, "f16", 8192, 24, 64 * MIB)
    assert steps[2] == (4096, "f16", 6144, 24, 64 * MIB)
    assert {step[0] for step in steps} == {4096, 2048, 1024}
    assert any(step[1] == "q8_0" and step[0] == 4096 for step in steps)


def test_a_small_machine_keeps_a_small_cache():
    tiny = replace(MODEL, weights_bytes=40 * MIB)
    assert plan_memory(tiny, Wishes(), room(2)).cache_bytes == 128 * MIB
    assert plan_memory(tiny, Wishes(), room(4)).cache_bytes == 256 * MIB
    assert plan_memory(tiny, Wishes(cache_bytes=999 * MIB), room(4)).cache_bytes == 999 * MIB
    assert plan_memory(tiny, Wishes(cache_bytes=0), room(4)).cache_bytes == 0


def test_something_is_left_to_everything_else():
    assert room(4, free=4).budget_bytes == 3 * GIB
    assert room(4, free=2).budget_bytes == 2 * GIB - GIB // 4
    assert room(64, free=2).budget_bytes == GIB
    assert room(1, free=0.05).budget_bytes == 0
    assert replace(room(4, free=4), taken_bytes=GIB).budget_bytes == 2 * GIB


@given(
    total=st.integers(GIB // 2, 64 * GIB),
    share=st.floats(0.05, 1.0),
    weights=st.integers(MIB, 40 * GIB),
    n_ctx=st.none() | st.integers(256, 40_000),
    kv_type=st.sampled_from([None, "f16", "q8_0"]),
    cache=st.none() | st.integers(0, 2 * GIB),
)
def test_no_plan_takes_more_than_it_may_or_forgets_what_was_set(total, share, weights, n_ctx, kv_type, cache):
    made, wishes = Room(total, int(total * share)), Wishes(n_ctx, kv_type, cache)
    model = replace(MODEL, weights_bytes=weights)
    if least_bytes(model, wishes) > made.budget_bytes:
        with pytest.raises(ModelTooLargeError, match="it needs at least"):
            plan_memory(model, wishes, made)
        return
    plan = plan_memory(model, wishes, made)
    assert plan.needed_bytes <= made.budget_bytes < made.free_bytes
    assert n_ctx is None or plan.n_ctx == min(n_ctx, MODEL.n_ctx_train)
    assert kv_type in {None, plan.shape.kv_type}
    assert cache in {None, plan.cache_bytes}
    assert plan.shape.n_ctx >= plan.n_ctx


@given(less=st.integers(0, 4 * GIB), more=st.integers(0, 4 * GIB))
def test_more_memory_never_makes_a_smaller_context(less, more):
    assume(less <= more)

    def n_ctx(limit):
        try:
            return plan_memory(MODEL, Wishes(), replace(PLENTY, limit_bytes=limit)).n_ctx
        except ModelTooLargeError:
            return 0

    assert n_ctx(less) <= n_ctx(more)


def test_what_was_set_and_does_not_fit_is_said_by_name():
    with pytest.raises(ModelTooLargeError) as caught:
        plan_memory(MODEL, Wishes(n_ctx=32_768), room(4, free=2.25))
    message = str(caught.value)
    assert "it needs at least 2.2 GiB" in message
    assert "2.0 GiB may be used (2.2 GiB of 4.0 GiB is free)" in message
    assert message.endswith("it fits, with a context of 4096 tokens, where you do not set model.n_ctx")


def test_what_never_fits_says_how_much_it_needs():
    with pytest.raises(ModelTooLargeError, match=r"it needs at least 1\.8 GiB, and .* close other programs$"):
        plan_memory(MODEL, Wishes(), room(4, free=1))
    limited = replace(room(4), limit_bytes=512 * MIB)
    with pytest.raises(ModelTooLargeError, match=r"model\.memory_limit_mb allows 512 MiB; raise that$"):
        plan_memory(MODEL, Wishes(), limited)


def test_the_users_limit_stands_whatever_is_free():
    assert plan_memory(MODEL, Wishes(), replace(room(4, free=0.1), limit_bytes=3 * GIB)).n_ctx == 4096


def test_values_are_quantised_only_where_that_is_possible():
    tight = replace(PLENTY, limit_bytes=least_bytes(MODEL, Wishes()))
    assert plan_memory(MODEL, Wishes(), tight).shape.kv_type == "q8_0"
    for model, wishes in ((MODEL, Wishes(flash_attention="off")), (replace(MODEL, quantises=False), Wishes())):
        plan = plan_memory(model, wishes, replace(PLENTY, limit_bytes=least_bytes(model, wishes)))
        assert plan.shape.kv_type == "f16"


def test_a_state_for_each_sequence_makes_fewer_sequences():
    recurrent = replace(MODEL, key_size=0, value_size=0, state_size=5_000_000)
    plan = plan_memory(recurrent, Wishes(), replace(PLENTY, limit_bytes=least_bytes(recurrent, Wishes())))
    assert plan.shape.n_sequences == 8


def test_a_gpu_gets_as_many_layers_as_it_holds():
    def n_layers(gib, **wishes):
        return plan_memory(MODEL, Wishes(**wishes), replace(PLENTY, devices=(Device("GPU0", int(gib * GIB)),)))

    assert n_layers(8).n_gpu_layers == 29
    assert 0 < n_layers(1.5).n_gpu_layers < 29
    assert n_layers(0.1).n_gpu_layers == 0
    assert n_layers(8, n_gpu_layers=3).n_gpu_layers == 3
    assert n_layers(8).needed_bytes < n_layers(0.1).needed_bytes - GIB
    with pytest.raises(ModelTooLargeError, match=r"you do not set model\.n_gpu_layers"):
        n_layers(1, n_gpu_layers=29)


def test_a_gpu_that_shares_the_memory_saves_none_of_it():
    shared = replace(PLENTY, devices=(Device("GPU", 32 * GIB, is_shared=True),))
    plan = plan_memory(MODEL, Wishes(), shared)
    assert plan.n_gpu_layers == 29
    assert plan.needed_bytes == plan_memory(MODEL, Wishes(), PLENTY).needed_bytes


def test_a_cell_in_q8_0_takes_a_little_more_than_half():
    assert kv_bytes_per_cell(MODEL, "f16") == 28 * 512 * 2
    assert kv_bytes_per_cell(MODEL, "q8_0") == 28 * 512 * 34 // 32


def test_weights_that_are_copied_count_as_resident_and_not_as_needed():
    shape = plan_memory(MODEL, Wishes(), PLENTY).shape
    model = replace(MODEL, kinds={12: 900 * MIB, 8: 50 * MIB})
    plain, copied = (footprint(model, shape, frozenset(features)) for features in ((), ("AVX2", "REPACK")))
    assert copied.resident_bytes - plain.resident_bytes == 900 * MIB
    assert copied.needed_bytes == plain.needed_bytes
    assert repacked_kinds(frozenset({"AVX2"})) == frozenset()  # not built in
    assert 8 in repacked_kinds(frozenset({"DOTPROD", "REPACK"}))
    assert device_bytes(model, shape, 0) == 0

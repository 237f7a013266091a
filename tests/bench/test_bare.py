from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pylot_ls.bench.bare import BareProcess
from pylot_ls.errors import ClientError


def steps(run, *asked):
    async def conversation():
        async with BareProcess(run) as bare:
            return bare.n_ctx, [await bare.steps_ms(depth, n_steps) for depth, n_steps in asked]

    return asyncio.run(conversation())


def test_steps_are_timed_at_any_depth_in_any_order(bundled_run):
    n_ctx, taken = steps(bundled_run, (300, 3), (20, 2), (500, 12))
    assert n_ctx == 512
    assert [len(each) for each in taken] == [3, 2, 12]
    assert all(ms > 0 for each in taken for ms in each)


def test_a_depth_that_does_not_fit_is_an_error(bundled_run):
    with pytest.raises(ClientError, match="13 steps behind 500 tokens do not fit a context of 512"):
        steps(bundled_run, (500, 13))


def test_a_model_that_cannot_be_loaded_is_an_error(bundled_run, tmp_path):
    with pytest.raises(ClientError, match="no model at"):
        steps(replace(bundled_run, model=tmp_path / "none.gguf"))

"""What doctor says of what it finds."""

from __future__ import annotations

from dataclasses import replace

from pylot_ls.cli.checks import Status, check_kv
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL


def test_a_model_whose_kv_can_be_cut_is_in_order():
    assert check_kv(SCRIPTED_MODEL).status is Status.OK


def test_of_a_model_whose_kv_cannot_be_cut_it_is_said_what_that_costs():
    check = check_kv(replace(SCRIPTED_MODEL, architecture="mamba", removes_partially=False))
    assert check.status is Status.NOTE
    for part in ("mamba", "recurrent", "sliding window", "checkpoints", "outlives a restart"):
        assert part in check.found

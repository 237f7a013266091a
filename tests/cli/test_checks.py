"""What doctor says of what it finds."""

from __future__ import annotations

from dataclasses import replace

from pylot_ls.cli.checks import Status, check_kv, check_plan, check_roles
from pylot_ls.config.settings import RolesSettings, Settings
from pylot_ls.engine.dimensions import Dimensions
from pylot_ls.engine.memory_plan import GIB, MIB, Room, Wishes, plan_memory
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL


def test_a_model_whose_kv_can_be_cut_is_in_order():
    assert check_kv(SCRIPTED_MODEL).status is Status.OK


def test_of_a_model_whose_kv_cannot_be_cut_it_is_said_what_that_costs():
    check = check_kv(replace(SCRIPTED_MODEL, architecture="mamba", removes_partially=False))
    assert check.status is Status.NOTE
    for part in ("mamba", "recurrent", "sliding window", "checkpoints", "outlives a restart"):
        assert part in check.found


def test_what_was_chosen_of_the_memory_is_said_and_where_it_is_less_than_usual_why():
    model = Dimensions(GIB, n_layers=16, key_size=8192, value_size=8192, n_ctx_train=32_768)
    usual = check_plan(plan_memory(model, Wishes(), Room(64 * GIB, 60 * GIB)))
    assert usual.status is Status.OK
    assert usual.found.startswith("context 4096 tokens, 8192 cells of f16")
    less = check_plan(plan_memory(model, Wishes(), Room(64 * GIB, 60 * GIB, limit_bytes=GIB + 360 * MIB)))
    assert less.status is Status.NOTE
    assert "to fit: KV as q8_0, fewer other places resident, a smaller prompt cache" in less.found


def test_models_of_other_roles_are_looked_at(model_path, tmp_path):
    assert check_roles(Settings()) == []
    (tmp_path / "chat.gguf").write_bytes(model_path.read_bytes())
    (tmp_path / "chat.toml").write_text('[fim]\norders = ["psm"]\n[chat]\nformat = "chatml"\n')
    roles = RolesSettings(chat=tmp_path / "chat.gguf", embed=tmp_path / "none.gguf")
    chat, embed = check_roles(Settings(roles=roles))
    assert (chat.name, chat.status) == ("role chat", Status.OK)
    assert "loaded when it is first needed; by itself: context 2048 tokens" in chat.found
    assert (embed.name, embed.status) == ("role embed", Status.BROKEN)
    assert "no model at " in embed.found

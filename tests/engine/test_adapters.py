"""LoRA adapters change what a model says and what is kept of it; a wrong one is refused before llama.cpp sees it."""

from __future__ import annotations

from dataclasses import replace

import gguf
import numpy as np
import pytest
from shelf import Shelf
from tiny_lora import write_tiny_lora

from pylot_ls.engine.adapters import Adapter, check_adapter
from pylot_ls.engine.gguf_header import read_header
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.persistence import PersistenceConfig
from pylot_ls.engine.prompt_types import Marker, MarkerSegment, TextSegment
from pylot_ls.engine.types import Failed, LoadFailed

PROMPT = (
    MarkerSegment(Marker.FIM_PREFIX),
    TextSegment("def add(a, b):\n    return "),
    MarkerSegment(Marker.FIM_SUFFIX),
    TextSegment("\n\nprint(add(1, 2))\n"),
    MarkerSegment(Marker.FIM_MIDDLE),
)


@pytest.fixture(scope="module")
def lora(tmp_path_factory, model_path):
    path = tmp_path_factory.mktemp("lora") / "tiny.gguf"
    write_tiny_lora(path, model_path)
    return path


@pytest.fixture
def ask(drive, bundled_config):
    """What a backend with adapters says: tokens with the logarithms of their probabilities."""

    def run(*adapters, **changes):
        driven = drive(LlamaBackend(replace(bundled_config, adapters=adapters, **changes)))
        assert not isinstance(driven.state(), LoadFailed), driven.state()
        answer = driven.ask(PROMPT, max_tokens=4)
        driven.backend.close()
        return [(token.token_id, token.logprob) for token in answer.tokens]

    return run


def test_an_adapter_changes_what_the_model_says_as_much_as_its_scale(ask, lora):
    plain, none, some, more = ask(), ask(Adapter(lora, 0.0)), ask(Adapter(lora, 0.05)), ask(Adapter(lora, 1.0))
    assert none == plain
    assert some[0] != plain[0]
    assert more[0] not in {plain[0], some[0]}


def test_several_adapters_add_up(ask, lora):
    (once, *_), (halves, *_) = ask(Adapter(lora, 0.1)), ask(Adapter(lora, 0.05), Adapter(lora, 0.05))
    assert halves[0] == once[0]
    assert halves[1] == pytest.approx(once[1], abs=1e-2)


def test_the_model_says_which_adapters_it_has(drive, bundled_config, lora):
    state = drive(LlamaBackend(replace(bundled_config, adapters=(Adapter(lora, 0.5),)))).state()
    assert state.info.adapters == ((str(lora), 0.5),)
    assert state.plan.footprint.other > drive(LlamaBackend(bundled_config)).state().plan.footprint.other


def test_what_is_kept_belongs_to_the_adapters_and_their_scales(drive, bundled_config, lora, tmp_path, model_path):
    shelf, other = Shelf(), tmp_path / "other.gguf"
    write_tiny_lora(other, model_path, seed=2)

    def evaluated(*adapters):
        persistence = PersistenceConfig(shelf, tmp_path / "models.json")
        driven = drive(LlamaBackend(replace(bundled_config, persistence=persistence, adapters=adapters)))
        driven.state()
        driven.backend._loaded.persistence._thread.join()
        answer = driven.ask((TextSegment("def add(a, b):\n    return a + b\n" * 60, 400),), max_tokens=8)
        driven.backend.close()
        return answer.end.usage.tokens_evaluated

    assert evaluated(Adapter(lora)) > 16
    assert evaluated(Adapter(lora)) == 1
    for adapters in ((), (Adapter(lora, 0.5),), (Adapter(other),), (Adapter(lora), Adapter(lora))):
        assert evaluated(*adapters) > 16
        assert evaluated(*adapters) == 1


def missing(path, _model):
    path.unlink(missing_ok=True)


def no_gguf(path, _model):
    path.write_bytes(b"not a GGUF file at all, but long enough to be one")


def cut_short(path, model):
    write_tiny_lora(path, model)
    path.write_bytes(path.read_bytes()[:100])


def a_model(path, model):
    path.write_bytes(model.read_bytes())


def other_architecture(path, model):
    write_tiny_lora(path, model, architecture="qwen2")


def control_vector(path, model):
    write_tiny_lora(path, model, way="cvec")


def other_shape(path, model):
    write_tiny_lora(path, model, change=lambda all_: {name: np.ascontiguousarray(a[:, :1]) for name, a in all_.items()})


def other_names(path, model):
    write_tiny_lora(path, model, change=lambda all_: {f"x{name}": each for name, each in all_.items()})


def halves(path, model):
    write_tiny_lora(path, model, change=lambda all_: {n: each for n, each in all_.items() if n.endswith("_a")})


def odd_tensor(path, model):
    write_tiny_lora(path, model, change=lambda all_: {**all_, "blk.0.odd": np.zeros((2, 2), np.float32)})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (missing, "no model at "),
        (no_gguf, "the adapter cannot be used: .* is not a GGUF file"),
        (cut_short, "the adapter cannot be used: .* is damaged: "),
        (a_model, r"is no LoRA adapter \(general\.type model, adapter\.type none\); take it out of the adapters"),
        (control_vector, r"is no LoRA adapter \(general\.type adapter, adapter\.type cvec\)"),
        (other_architecture, "is for a qwen2 model, and this one is llama; take the adapter of this model"),
        (other_shape, r"was made for another model: its blk\.\d+\.\w+\.weight does not fit"),
        (other_names, r"was made for another model: its xblk\.\d+\.\w+\.weight does not fit"),
        (halves, "was made for another model"),
        (odd_tensor, r"has a tensor blk\.0\.odd that llama\.cpp cannot apply"),
    ],
)
def test_a_wrong_adapter_is_a_clear_message_and_no_crash(drive, bundled_config, tmp_path, model_path, make, message):
    path = tmp_path / "wrong.gguf"
    make(path, model_path)
    driven = drive(LlamaBackend(replace(bundled_config, adapters=(Adapter(path),))))
    state = driven.state()
    assert isinstance(state, LoadFailed)
    assert state.kind.startswith("Model")
    with pytest.raises(Exception, match=message):
        check_adapter(Adapter(path), read_header(model_path))
    assert isinstance(driven.ask(PROMPT).end, Failed)


def test_values_of_a_kind_that_would_end_the_process_are_refused(tmp_path, model_path):
    path = tmp_path / "alpha.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_uint32("adapter.lora.alpha", 4)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(Exception, match=r"adapter\.lora\.alpha is no number"):
        check_adapter(Adapter(path), read_header(model_path))


def test_adapters_that_wait_for_certain_tokens_are_refused(tmp_path, model_path):
    path = tmp_path / "on_call.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_array("adapter.alora.invocation_tokens", [1, 2])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(Exception, match="counts only behind certain tokens"):
        check_adapter(Adapter(path), read_header(model_path))

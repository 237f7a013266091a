"""What a manifest adds to a model, and that a bad one does no harm."""

import pytest

from pylot_ls.engine.manifest import HeldOut, Manifest, manifest_for
from pylot_ls.engine.types import FimOrder

SPM_FIRST = '[fim]\norders = ["spm", "psm"]\n'
NAMES_BY_REMAINDER = ("code", "_decimal", "_multibytecodec")


def test_without_a_manifest_the_order_is_psm(tmp_path):
    assert manifest_for(tmp_path / "model.gguf", ()) == Manifest((FimOrder.PSM,))


def test_a_manifest_beside_the_model_goes_before_one_in_a_folder(tmp_path):
    (tmp_path / "model.toml").write_text(SPM_FIRST)
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "model.toml").write_text('[fim]\norders = ["psm"]\n')
    (folder / "other.toml").write_text(SPM_FIRST)
    assert manifest_for(tmp_path / "model.gguf", (folder,)).fim_orders == (FimOrder.SPM, FimOrder.PSM)
    assert manifest_for(tmp_path / "other.gguf", (folder,)).fim_orders == (FimOrder.SPM, FimOrder.PSM)


@pytest.mark.parametrize(
    "content",
    [b"not toml", b"", b"fim = 1", b"[fim]\norders = []", b'[fim]\norders = ["mps"]', b"[fim]\norders = [[]]", b"\xff"],
)
def test_a_bad_manifest_is_logged_and_passed_over(tmp_path, caplog, content):
    (tmp_path / "model.toml").write_bytes(content)
    assert manifest_for(tmp_path / "model.gguf", ()) == Manifest()
    assert "model.toml is not used" in caplog.text


def test_a_manifest_tells_what_was_kept_out_of_the_training(tmp_path):
    (tmp_path / "model.toml").write_text(SPM_FIRST + "[training]\nheld_out_modulus = 25\nheld_out_remainders = [0, 2]")
    held_out = manifest_for(tmp_path / "model.gguf", ()).held_out
    assert held_out == HeldOut(25, (0, 2))
    # MD5 of these leaves 0, 2 and 1.
    assert [held_out.holds_out(name) for name in NAMES_BY_REMAINDER] == [True, True, False]


@pytest.mark.parametrize(
    "training",
    [
        "training = 1",
        "[training]",
        "[training]\nheld_out_modulus = 0\nheld_out_remainders = []",
        "[training]\nheld_out_modulus = true\nheld_out_remainders = [0]",
        "[training]\nheld_out_modulus = 25\nheld_out_remainders = 0",
        "[training]\nheld_out_modulus = 25\nheld_out_remainders = [25]",
        '[training]\nheld_out_modulus = 25\nheld_out_remainders = ["0"]',
    ],
)
def test_a_bad_rule_of_what_was_kept_out_makes_a_manifest_unusable(tmp_path, caplog, training):
    content = f"{training}\n{SPM_FIRST}" if training.startswith("training") else SPM_FIRST + training
    (tmp_path / "model.toml").write_text(content)
    assert manifest_for(tmp_path / "model.gguf", ()) == Manifest()
    assert "model.toml is not used: training" in caplog.text

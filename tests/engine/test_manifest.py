"""What a manifest adds to a model, and that a bad one does no harm."""

import pytest

from pylot_ls.engine.manifest import Manifest, manifest_for
from pylot_ls.engine.types import FimOrder

SPM_FIRST = '[fim]\norders = ["spm", "psm"]\n'


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

import pytest

from pylot_ls import bundled
from pylot_ls.errors import ModelNotFoundError


@pytest.fixture
def package(monkeypatch, tmp_path):
    folder = tmp_path / "pylot_ls"
    folder.mkdir()
    monkeypatch.setattr(bundled, "_PACKAGE", folder)
    return folder


def test_the_model_and_the_sample_that_come_with_pylot_are_there():
    with bundled.bundled_model_path().open("rb") as model:
        assert model.read(4) == b"GGUF"
    assert bundled.sample_path().is_file()


def test_a_checkout_has_the_models_beside_the_package(package):
    assert bundled.models_dir() == package.parent / "models"


def test_an_installation_has_them_inside_and_those_count_first(package):
    (package.parent / "models").mkdir()
    (package / "_models").mkdir()
    assert bundled.models_dir() == package / "_models"


def test_so_it_is_with_what_editors_need(package):
    assert bundled.editors_dir() == package.parent / "editors"
    (package / "_editors").mkdir()
    assert bundled.editors_dir() == package / "_editors"


def test_the_bundled_model_is_found(package):
    (package / "_models").mkdir()
    model = package / "_models" / bundled.MODEL_FILE_NAME
    model.touch()
    assert bundled.bundled_model_path() == model


def test_a_missing_model_says_that_the_installation_is_incomplete(package):
    with pytest.raises(ModelNotFoundError, match="installation is incomplete"):
        bundled.bundled_model_path()

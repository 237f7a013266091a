"""What a manifest adds to a model, and that a bad one does no harm."""

import pytest

from pylot_ls.engine.manifest import (
    FimTexts,
    HeldOut,
    KvShape,
    Manifest,
    ModelFile,
    Role,
    manifest_for,
    read_manifest,
)
from pylot_ls.engine.prompt_types import FimOrder
from pylot_ls.errors import ManifestError

SPM_FIRST = '[fim]\norders = ["spm", "psm"]\n'
NAMES_BY_REMAINDER = ("code", "_decimal", "_multibytecodec")
FULL = """
name = "some"
source = "https://example.org/some"
license = "MIT"
license_note = "read it"
roles = ["complete", "chat"]
n_params = 1_000
n_ctx_train = 2048

[[files]]
quantization = "Q8_0"
repository = "owner/some-GGUF"
file = "some.gguf"
size_bytes = 1_100

[[files]]
quantization = "Q4_K_M"
repository = "owner/some-GGUF"
file = "some-q4.gguf"

[fim]
orders = ["psm"]
prefix = "<P>"
suffix = "<S>"
middle = "<M>"
file_form = "{path}: {content}"

[chat]
format = "chatml"

[kv]
n_layers = 2
n_kv_heads = 3
key_size = 64
"""


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


@pytest.mark.parametrize("file", ["some-coder-1.5b-Q8_0", "Some-Coder-1.5B.Q4_K_M", "some-coder-1.5b.iq4_xs"])
def test_a_file_finds_the_manifest_of_its_model_whatever_its_quantisation(tmp_path, file):
    (tmp_path / "some-coder-1.5b.toml").write_text(SPM_FIRST)
    assert manifest_for(tmp_path / f"{file}.gguf", ()).fim_orders[0] is FimOrder.SPM


@pytest.mark.parametrize("file", ["some-coder-7b-Q8_0", "some-coder-1.5b-instruct-Q8_0", "some-coder-1.5b-Q8_0-mine"])
def test_a_file_of_another_model_does_not_find_it(tmp_path, file):
    (tmp_path / "some-coder-1.5b.toml").write_text(SPM_FIRST)
    assert manifest_for(tmp_path / f"{file}.gguf", ()) == Manifest()


@pytest.mark.parametrize(
    "content",
    [b"not toml", b"", b"fim = 1", b"[fim]\norders = []", b'[fim]\norders = ["mps"]', b"[fim]\norders = [[]]", b"\xff"],
)
def test_a_bad_manifest_is_logged_and_passed_over(tmp_path, caplog, content):
    (tmp_path / "model.toml").write_bytes(content)
    assert manifest_for(tmp_path / "model.gguf", ()) == Manifest()
    assert "model.toml is not used" in caplog.text


def test_all_that_a_manifest_can_say_is_read(tmp_path):
    path = tmp_path / "some.toml"
    path.write_text(FULL)
    assert read_manifest(path) == Manifest(
        name="some",
        source="https://example.org/some",
        license="MIT",
        license_note="read it",
        roles=(Role.COMPLETE, Role.CHAT),
        n_params=1000,
        n_ctx_train=2048,
        files=(
            ModelFile("Q8_0", "owner/some-GGUF", "some.gguf", 1100),
            ModelFile("Q4_K_M", "owner/some-GGUF", "some-q4.gguf"),
        ),
        fim_orders=(FimOrder.PSM,),
        fim_texts=FimTexts("<P>", "<S>", "<M>"),
        file_form="{path}: {content}",
        chat_format="chatml",
        kv=KvShape(n_layers=2, n_kv_heads=3, key_size=64, value_size=64),
    )


def test_a_token_takes_two_bytes_for_each_element_of_its_keys_and_values():
    assert KvShape(n_layers=2, n_kv_heads=3, key_size=64, value_size=16).bytes_per_token == 2 * 3 * (64 + 16) * 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("license =", "licence ="), r"unknown key licence; did you mean license\?"),
        (("prefix =", "prefx ="), "fim.prefix and fim.suffix must be given together"),
        (("middle =", "midle ="), r"unknown key fim\.midle; did you mean fim\.middle\?"),
        (("size_bytes", "size"), r"unknown key files\[1\]\.size; known: quantization"),
        (("n_layers", "layers"), r"unknown key kv\.layers; did you mean kv\.n_layers\?"),
        (("key_size = 64", ""), "kv must have: n_layers, n_kv_heads, key_size"),
        (("format =", "template ="), r"unknown key chat\.template; known: format"),
        (('file = "some.gguf"', ""), "each of files must have"),
        (("n_params = 1_000", "n_params = 0"), "n_params must be a whole number from 1 up"),
        (("n_ctx_train = 2048", "n_ctx_train = true"), "n_ctx_train must be a whole number"),
        (('"chat"]', '"talk"]'), "roles must be a list of: complete, chat, embed"),
        (('license = "MIT"', "license = 1"), "license must be a text"),
        (('license = "MIT"', 'sha256 = "ABC"'), "sha256 must be a SHA-256: 64 digits"),
        (('file = "some.gguf"', 'file = "some.gguf"\nsha256 = "1"'), r"files\[1\]\.sha256 must be a SHA-256"),
        (("[chat]", "[[chat]]"), "chat must be a table"),
        (("[[files]]", "[files]"), "not used: "),
    ],
)
def test_a_manifest_with_a_mistake_is_refused_by_its_key(tmp_path, change, message):
    path = tmp_path / "some.toml"
    path.write_text(FULL.replace(*change, 1))
    with pytest.raises(ManifestError, match=message) as raised:
        read_manifest(path)
    assert str(path) in str(raised.value)


def test_a_manifest_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ManifestError, match="No such file"):
        read_manifest(tmp_path / "none.toml")


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

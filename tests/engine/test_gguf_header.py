"""What a file says before its weights, read without llama.cpp, and what of it is not believed."""

from __future__ import annotations

import contextlib
import struct

import gguf
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pylot_ls.engine.gguf_header import read_header
from pylot_ls.engine.probe import probe
from pylot_ls.errors import ModelUnreadableError


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


@pytest.fixture
def written(tmp_path):
    """Write a file of some entries and tensors, each given as its bytes."""

    def write(*entries, tensors=(), rest=b""):
        path = tmp_path / "made.gguf"
        path.write_bytes(
            struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(entries)) + b"".join((*entries, *tensors)) + rest
        )
        return path

    return write


def test_it_says_what_llama_cpp_says(model_path):
    header, probed = read_header(model_path), probe(model_path)
    for key in ("general.architecture", "llama.block_count", "tokenizer.ggml.add_bos_token", "llama.context_length"):
        assert header.metadata[key] == probed.metadata[key]
    assert header.lengths["tokenizer.ggml.tokens"] == probed.n_vocab


def test_tensors_are_as_the_gguf_library_lists_them(model_path):
    header = read_header(model_path)
    listed = gguf.GGUFReader(model_path).tensors
    assert set(header.tensors) == {tensor.name for tensor in listed}
    for tensor in listed:
        info = header.tensors[tensor.name]
        assert (info.shape, info.kind) == (tuple(int(each) for each in tensor.shape), int(tensor.tensor_type))
        assert tensor.n_bytes <= info.n_bytes < tensor.n_bytes + 32
    assert header.n_bytes == sum(info.n_bytes for info in header.tensors.values())


def test_values_of_all_kinds_are_text_as_llama_cpp_writes_it(tmp_path):
    path = tmp_path / "kinds.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_bool("a.true", True)
    writer.add_int32("a.negative", -5)
    writer.add_uint64("a.large", 2**40)
    writer.add_string("a.text", "\u00fcber")
    writer.add_array("a.list", [0, 2, 0, 2])
    writer.add_array("a.texts", ["x", "y"])
    writer.add_tensor("t", np.zeros((3, 4), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    header = read_header(path)
    wanted = {
        "a.true": "true",
        "a.negative": "-5",
        "a.large": str(2**40),
        "a.text": "\u00fcber",
        "a.list": "[0, 2, 0, 2]",
    }
    assert wanted.items() <= header.metadata.items()
    assert header.lengths["a.texts"] == 2
    assert header.tensors["t"].shape == (4, 3)
    assert header.tensors["t"].n_bytes >= 48


def test_of_a_model_in_several_files_all_weights_count(tmp_path):
    for part in (1, 2):
        path = tmp_path / f"m-{part:05}-of-00002.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_uint16("split.count", 2)
        writer.add_tensor("t", np.zeros((64, 64), np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    second = (tmp_path / "m-00002-of-00002.gguf").stat().st_size
    assert read_header(tmp_path / "m-00001-of-00002.gguf").n_bytes == 64 * 64 * 4 + second


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(struct.pack("<Q", 2**62), id="a key longer than the file"),
        pytest.param(text("a") + struct.pack("<I", 99), id="an unknown kind"),
        pytest.param(text("a") + struct.pack("<IIQ", 9, 4, 2**60), id="an array longer than the file"),
        pytest.param(text("a") + struct.pack("<IIQ", 9, 8, 2**27), id="more texts than the file holds"),
        pytest.param(text("a") + struct.pack("<IIQ", 9, 9, 1), id="an array of arrays"),
    ],
)
def test_lengths_that_no_file_has_are_refused(written, entry):
    with pytest.raises(ModelUnreadableError, match=r"is damaged: .*; fetch it again"):
        read_header(written(entry))


def test_tensors_that_no_file_has_are_refused(written):
    tensor = text("t") + struct.pack("<I", 5)
    with pytest.raises(ModelUnreadableError, match="5 dimensions"):
        read_header(written(tensors=[tensor], rest=bytes(64)))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(8, 3000), value=st.integers(0, 255))
def test_no_changed_byte_does_anything_but_read_or_refuse(tmp_path, model_path, place, value):
    data = bytearray(model_path.read_bytes()[:200_000])
    data[place] = value
    path = tmp_path / "changed.gguf"
    path.write_bytes(data)
    with contextlib.suppress(ModelUnreadableError):
        read_header(path)


def test_a_long_vocabulary_is_read_in_pieces(written):
    tokens = b"".join(text("token" * 20) for _ in range(40_000))  # more than is read at once
    entry = text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 40_000) + tokens
    after = text("general.name") + struct.pack("<I", 8) + text("long")
    header = read_header(written(entry, after))
    assert header.lengths["tokenizer.ggml.tokens"] == 40_000
    assert header.metadata["general.name"] == "long"

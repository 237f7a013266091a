from __future__ import annotations

from pylot_ls.bundled import models_dir
from pylot_ls.engine.manifest import KvShape, Manifest, ModelFile, read_manifest
from pylot_ls.library.forecast import Forecast, forecast, weights_bytes

GIB = 2**30


def test_a_model_takes_its_weights_its_context_and_something_more():
    made = forecast(5 * GIB, KvShape(32, 8, 128, 128), n_cells=8192)
    assert made.kv_bytes == 32 * 8 * 256 * 2 * 8192 == GIB
    assert made.needed_bytes == 5 * GIB + GIB + made.overhead_bytes
    assert forecast(GIB, None, 8192).kv_bytes == 0


def test_it_fits_where_a_quarter_of_the_memory_is_left_to_everything_else():
    made = Forecast(5 * GIB, GIB, 0)
    assert made.fits(8 * GIB)
    assert not made.fits(8 * GIB - 10)


def test_the_size_of_a_file_is_what_the_manifest_says_or_follows_from_the_parameters():
    manifest = Manifest(n_params=1_000_000_000)
    assert weights_bytes(manifest, ModelFile("Q8_0", "a/b", "c.gguf", 123)) == 123
    assert weights_bytes(manifest, ModelFile("Q8_0", "a/b", "c.gguf")) == 1_062_500_000
    assert weights_bytes(manifest, ModelFile("TQ2_0", "a/b", "c.gguf")) > 0


def test_sizes_reckoned_from_the_parameters_are_near_those_that_are_known():
    for path in models_dir().glob("*.toml"):
        manifest = read_manifest(path)
        for file in manifest.files:
            if file.size_bytes:
                reckoned = weights_bytes(manifest, ModelFile(file.quantization, "", ""))
                assert 0.8 < reckoned / file.size_bytes < 1.25, (path.name, file.quantization)

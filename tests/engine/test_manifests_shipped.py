"""The manifests that ship: each says what it must, and its fill-in-the-middle form is that of the model's card."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from pylot_ls.bundled import bundled_model_path, models_dir
from pylot_ls.engine.footprint import kv_bytes_per_cell
from pylot_ls.engine.manifest import Role, read_manifest
from pylot_ls.engine.memory import dimensions_of
from pylot_ls.engine.probe import probe
from pylot_ls.engine.prompt_types import Marker, MarkerSegment
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL
from pylot_ls.prompts.fim import FimOptions, fim_prompt
from pylot_ls.text.rope import Text

PATHS = sorted(models_dir().glob("*.toml"))
# Of the repository: it is not in a wheel.
TOKENIZER = Path(__file__).parents[2] / "models" / "pylot-tiny" / "tokenizer.json"
PERMISSIVE = {"Apache-2.0", "MIT"}

QUICKSORT_BEFORE = """def quicksort(arr):
    if len(arr) <= 1:
        return arr
    pivot = arr[len(arr) // 2]
    """
QUICKSORT_AFTER = """
    middle = [x for x in arr if x == pivot]
    right = [x for x in arr if x > pivot]
    return quicksort(left) + middle + quicksort(right)"""
# README of https://github.com/QwenLM/Qwen3-Coder, "Fill in the middle".
QWEN = f"<|fim_prefix|>{QUICKSORT_BEFORE}<|fim_suffix|>{QUICKSORT_AFTER}<|fim_middle|>"

DEEPSEEK_BEFORE = """def quick_sort(arr):
    if len(arr) <= 1:
        return arr
    pivot = arr[0]
    left = []
    right = []
"""
DEEPSEEK_AFTER = """
        if arr[i] < pivot:
            left.append(arr[i])
        else:
            right.append(arr[i])
    return quick_sort(left) + [pivot] + quick_sort(right)"""
# READMEs of https://github.com/deepseek-ai/DeepSeek-Coder and DeepSeek-Coder-V2, "Code Insertion".
DEEPSEEK = f"<｜fim▁begin｜>{DEEPSEEK_BEFORE}<｜fim▁hole｜>{DEEPSEEK_AFTER}<｜fim▁end｜>"  # noqa: RUF001 - as they are

CODEGEMMA_BEFORE = '''import datetime
def calculate_age(birth_year):
    """Calculates a person's age based on their birth year."""
    current_year = datetime.date.today().year
    '''
# https://huggingface.co/google/codegemma-2b
CODEGEMMA = f"<|fim_prefix|>{CODEGEMMA_BEFORE}<|fim_suffix|>\n    return age<|fim_middle|>"

# https://huggingface.co/bigcode/tiny_starcoder_py, the family's card that shows it.
STARCODER_BEFORE = "def print_one_two_three():\n    print('one')\n    "
STARCODER_AFTER = "\n    print('three')"
STARCODER = f"<fim_prefix>{STARCODER_BEFORE}<fim_suffix>{STARCODER_AFTER}<fim_middle>"

CARDS = {
    **{f"qwen2.5-coder-{size}": (QUICKSORT_BEFORE, QUICKSORT_AFTER, QWEN) for size in ("0.5b", "1.5b", "3b", "7b")},
    "qwen3-coder-30b-a3b-instruct": (QUICKSORT_BEFORE, QUICKSORT_AFTER, QWEN),
    "deepseek-coder-1.3b-base": (DEEPSEEK_BEFORE, DEEPSEEK_AFTER, DEEPSEEK),
    "deepseek-coder-v2-lite-base": (DEEPSEEK_BEFORE, DEEPSEEK_AFTER, DEEPSEEK),
    "codegemma-2b": (CODEGEMMA_BEFORE, "\n    return age", CODEGEMMA),
    "starcoder2-3b": (STARCODER_BEFORE, STARCODER_AFTER, STARCODER),
    # https://github.com/ibm-granite/granite-code-models: "the same tokenizer as StarCoder".
    "granite-3b-code-base": (STARCODER_BEFORE, STARCODER_AFTER, STARCODER),
    # tests/test_tokenize_fim.py of https://github.com/mistralai/mistral-common; the spaces that SentencePiece adds
    # to a text's beginning are left out, as the engine does.
    "codestral-22b": ("def f(", "return a + b", "[SUFFIX]return a + b[PREFIX]def f("),
    # arXiv 2510.05788: suffix, prefix, middle; the tokens are those of its tokenizer.
    "mellum-4b-base": ("PREFIX", "SUFFIX", "<fim_suffix>SUFFIX<fim_prefix>PREFIX<fim_middle>"),
    # arXiv 2506.03524, section 3.
    "seed-coder-8b-base": ("PREFIX", "SUFFIX", "<[fim-suffix]>SUFFIX<[fim-prefix]>PREFIX<[fim-middle]>"),
}


def as_text(manifest, before, after):
    """The prompt of a manifest's first order, with its tokens spelt out."""
    model = dataclasses.replace(SCRIPTED_MODEL, fim_orders=manifest.fim_orders)
    prompt = fim_prompt(Text.from_str(before + after), len(before), model, FimOptions(anchored=False), 64)
    tokens = {
        Marker.BOS: "",
        Marker.FIM_PREFIX: manifest.fim_texts.prefix,
        Marker.FIM_SUFFIX: manifest.fim_texts.suffix,
        Marker.FIM_MIDDLE: manifest.fim_texts.middle,
    }
    return "".join(tokens[part.marker] if isinstance(part, MarkerSegment) else part.text for part in prompt)


def manifest_of(name):
    return read_manifest(models_dir() / f"{name}.toml")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_manifest_is_named_after_its_file_and_says_where_its_facts_are_from(path):
    manifest = read_manifest(path)
    assert manifest.name == path.stem
    assert manifest.license
    if manifest.files:
        assert manifest.source.startswith("https://huggingface.co/")
        assert manifest.n_params > 0
        assert manifest.n_ctx_train > 0
        assert manifest.license in PERMISSIVE or manifest.license_note


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_files_of_a_model_are_of_different_quantisations_and_of_a_sensible_size(path):
    manifest = read_manifest(path)
    assert len({file.quantization for file in manifest.files}) == len(manifest.files)
    for file in manifest.files:
        assert file.repository.count("/") == 1
        assert file.file.endswith(".gguf")
        assert file.quantization.lower() in file.file.lower()
        # From 4 bits a weight to 16, with what is beside the weights.
        assert not file.size_bytes or 0.5 < file.size_bytes / manifest.n_params < 2.2


def test_every_model_that_completes_has_a_form_that_is_checked_against_its_card():
    fetched = {path.stem: manifest for path in PATHS if (manifest := read_manifest(path)).files}
    assert {name for name, manifest in fetched.items() if Role.COMPLETE in manifest.roles} == set(CARDS)


@pytest.mark.parametrize("name", CARDS)
def test_the_fill_in_the_middle_form_is_that_of_the_card(name):
    before, after, expected = CARDS[name]
    assert as_text(manifest_of(name), before, after) == expected


def test_other_files_are_given_as_the_reports_say():
    # arXiv 2409.12186, figure 4.
    assert manifest_of("qwen2.5-coder-7b").file_form.format(path="a.py", content="x = 1") == "<|file_sep|>a.py\nx = 1\n"
    # README of https://github.com/deepseek-ai/DeepSeek-Coder, "Repository Level Code Completion".
    assert manifest_of("deepseek-coder-1.3b-base").file_form.format(path="utils.py", content="x = 1") == (
        "#utils.py\nx = 1\n"
    )


def test_what_is_said_of_the_bundled_model_is_what_its_file_says():
    manifest, path = manifest_of("pylot-tiny"), bundled_model_path()
    probed = probe(path)
    assert (manifest.name, manifest.license) == (
        probed.metadata["general.name"],
        probed.metadata["general.license"],
    )
    assert (manifest.n_params, manifest.n_ctx_train) == (probed.n_params, probed.n_ctx_train)
    assert manifest.kv.bytes_per_token == kv_bytes_per_cell(dimensions_of(path), "f16")
    texts = manifest.fim_texts
    tokenizer = json.loads(TOKENIZER.read_text(encoding="utf-8"))
    ids = {token["content"]: str(token["id"]) for token in tokenizer["added_tokens"] if token["special"]}
    assert [ids[text] for text in (texts.prefix, texts.middle, texts.suffix)] == [
        probed.metadata[f"tokenizer.ggml.fim_{part}_token_id"] for part in ("pre", "mid", "suf")
    ]


# Bytes a token takes, reckoned from the cards by hand.
@pytest.mark.parametrize(
    ("name", "bytes_per_token"),
    [("qwen2.5-coder-0.5b", 12_288), ("qwen2.5-coder-7b", 57_344), ("mellum-4b-base", 368_640)],
)
def test_what_a_token_takes_in_memory_follows_from_the_shape(name, bytes_per_token):
    assert manifest_of(name).kv.bytes_per_token == bytes_per_token


def test_models_for_chat_alone_name_their_chat_format_and_those_for_retrieval_are_no_others():
    for path in PATHS:
        manifest = read_manifest(path)
        assert manifest.chat_format or Role.CHAT not in manifest.roles
        assert Role.EMBED not in manifest.roles or manifest.roles == (Role.EMBED,)

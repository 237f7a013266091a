"""The whole recipe at its smallest size: it learns, stops, goes on, and llama.cpp agrees with torch on what came out.

Needs the extra ``train``.
"""

from __future__ import annotations

import json
import signal
import sysconfig
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

_REASON = "the extra `train` is not installed: pip install 'pylot-ls[train]'"
torch = pytest.importorskip("torch", reason=_REASON)
pytest.importorskip("tokenizers", reason=_REASON)

import llama_cpp  # noqa: E402 - not needed where the tests are skipped
from rich.console import Console  # noqa: E402

from pylot_tiny import checkpoint, corpus, train  # noqa: E402
from pylot_tiny.model import IGNORED  # noqa: E402
from pylot_tiny.reading import Corpus  # noqa: E402
from pylot_tiny.sizes import SIZES  # noqa: E402
from pylot_tiny.special import END, FIM_MIDDLE, FIM_PREFIX  # noqa: E402
from pylot_tiny.vocabulary import load_tokenizer, train_tokenizer  # noqa: E402

# Training takes half a minute of processor time, which is some minutes where others compute, too.
pytestmark = pytest.mark.timeout(1200)

# Enough of the standard library to learn from; some of it is held out.
PACKAGES = {"asyncio", "collections", "email", "http", "importlib", "json", "logging", "pathlib", "unittest", "xml"}
SAMPLE = "def size_of(path):\n    return os.stat(path).st_size\n\n\nclass Path:\n    def __init__(self, *parts):\n"
MINUTES = 0.5


@pytest.fixture(scope="module")
def corpus_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    files = corpus.standard_library(Path(sysconfig.get_path("stdlib")))
    chosen = [file for file in files if file.top_level in PACKAGES]
    corpus.write(folder, *corpus.clean(chosen, Counter()))
    trained = Corpus(folder, "train")
    texts = (trained.text(entry) for group in trained.groups for entry in group)
    train_tokenizer(texts, SIZES["nano"].n_vocab).save(str(folder / "tokenizer.json"))
    return folder


def options(corpus_folder, folder, *more):
    minutes = ("--minutes", str(MINUTES), "--batch", "1024", "--row", "256", "--threads", "1")
    return train.parse([str(corpus_folder), str(folder), "--size", "nano", *minutes, *more])


@pytest.fixture(scope="module")
def trained(corpus_folder, tmp_path_factory):
    """A run's folder; half-way the run was stopped and started again."""
    folder = tmp_path_factory.mktemp("run")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)}
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    first = train.Training(options(corpus_folder, folder), Console(quiet=True))
    step = first._step

    def step_and_stop():
        step()
        if first.progress.minutes > MINUTES / 2:
            signal.raise_signal(signal.SIGTERM)

    first._step = step_and_stop
    first.run()
    train.Training(options(corpus_folder, folder), Console(quiet=True)).run()
    torch.set_num_threads(n_threads)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    return folder


def lines(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_it_learns_goes_on_where_it_was_stopped_and_ends_with_its_time(trained):
    logged = lines(trained)
    steps = [line["step"] for line in logged]
    assert steps == sorted(steps)
    evaluated = [line for line in logged if "held_out" in line]
    # A guess among all tokens costs ln(1024) = 6.9 nats.
    assert evaluated[-1]["held_out"] < 5.5
    assert evaluated[-1]["bits_per_byte"] < 4
    _, _, progress = checkpoint.load(trained / "last.pt")
    assert progress.is_over
    assert progress.minutes >= MINUTES
    _, _, before = checkpoint.load(trained / "stable.pt")
    assert before.anneal_from is None
    assert before.n_steps < progress.n_steps


def test_what_is_over_goes_on_from_before_the_rates_fell(trained, corpus_folder):
    training = train.Training(options(corpus_folder, trained), Console(quiet=True))
    _, _, before = checkpoint.load(trained / "stable.pt")
    assert training.progress == before


def test_training_goes_on_from_a_released_file_too(trained, corpus_folder, tmp_path):
    released = trained / "pylot-tiny-f16.gguf"
    training = train.Training(options(corpus_folder, tmp_path, "--from", str(released)), Console(quiet=True))
    network, _, _ = checkpoint.load(trained / "last.pt")
    for name, values in network.as_arrays().items():
        np.testing.assert_allclose(training.network.as_arrays()[name], values, atol=2e-3)


def test_asked_to_anneal_it_lets_the_rates_fall_at_once(corpus_folder, tmp_path):
    training = train.Training(options(corpus_folder, tmp_path), Console(quiet=True))
    training.progress.minutes = MINUTES / 4
    assert training._factor() == 1
    training._on_anneal(0, None)
    training._begin_to_anneal()
    training.progress.minutes += training.progress.anneal_minutes / 2
    assert training._factor() == pytest.approx(0.5)
    assert (tmp_path / "stable.pt").is_file()


def test_llama_cpp_cuts_texts_and_reckons_as_torch_does(trained, corpus_folder):
    tokenizer = load_tokenizer(corpus_folder / "tokenizer.json")
    tokens = [FIM_PREFIX, *tokenizer.encode(SAMPLE).ids, FIM_MIDDLE, *tokenizer.encode("    ").ids]
    network, _, _ = checkpoint.load(trained / "last.pt")
    with torch.no_grad():
        ours = network(torch.tensor([tokens]))[0].float().numpy()
    model = llama_cpp.Llama(
        str(trained / "pylot-tiny-f16.gguf"), n_ctx=512, n_threads=1, logits_all=True, verbose=False
    )
    assert model.tokenize(SAMPLE.encode(), add_bos=False, special=False) == tokenizer.encode(SAMPLE).ids
    model.eval(tokens)
    theirs = np.array(model.scores[: len(tokens)])
    model.close()
    assert np.abs(ours - theirs).max() < 0.05
    assert ours.argmax(axis=1).tolist() == theirs.argmax(axis=1).tolist()


def test_special_tokens_are_not_to_be_predicted_but_the_end():
    rows = torch.tensor([[10, FIM_PREFIX, 11, END, 12]])
    tokens, targets = train.inputs_and_targets(rows)
    assert tokens.tolist() == [[10, FIM_PREFIX, 11, END]]
    assert targets.tolist() == [[IGNORED, 11, END, 12]]


def test_a_tokenizer_for_another_size_is_refused_with_what_to_do(corpus_folder, tmp_path):
    with pytest.raises(SystemExit, match="--tokens 4096"):
        train.Training(train.parse([str(corpus_folder), str(tmp_path), "--size", "cpu"]), Console(quiet=True))

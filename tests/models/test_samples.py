"""Training samples: the server's own prompts, with what is missing behind them."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter

import pytest

from pylot_ls.engine.prompt_types import FimOrder, Marker
from pylot_ls.engine.rendering import PromptRenderer
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL
from pylot_ls.prompts.layout import FimOptions
from pylot_ls.prompts.plan import make_plan
from pylot_ls.text.rope import Text
from pylot_tiny import corpus, samples
from pylot_tiny.holes import choose_hole
from pylot_tiny.reading import Corpus
from pylot_tiny.special import END, FILE_SEPARATOR, FIM_MIDDLE, FIM_PREFIX, FIM_SUFFIX, REPOSITORY, SPECIAL

SHORT = '''import os


def size_of(path):
    """The size of a file."""
    if not os.path.isfile(path):
        raise ValueError(path)
    return os.stat(path).st_size


def sizes_of(paths):
    return [
        size_of(path)
        for path in paths
    ]
'''
LONG = "import os\nimport sys\n\n\n" + "".join(
    f"def function_{number}(value):\n    total = value + {number}\n    return total\n\n\n" for number in range(300)
)


def tokenize(text):
    """Each byte a token."""
    return tuple(len(SPECIAL) + byte for byte in text.encode())


def text_of(tokens):
    return bytes(token - len(SPECIAL) for token in tokens).decode()


@pytest.fixture
def texts(tmp_path):
    """A corpus of two files."""
    named = {"short": SHORT, "long": LONG}
    files = [corpus.SourceFile("some", "1.0", "MIT", f"some/{name}.py", text) for name, text in named.items()]
    corpus.write(tmp_path, files, files)
    return Corpus(tmp_path, "train")


def parts_of(sample):
    """The order, and prefix, suffix and middle as texts."""
    prefix, suffix, middle = map(sample.index, (FIM_PREFIX, FIM_SUFFIX, FIM_MIDDLE))
    first, second = sorted((prefix, suffix))
    halves = {first: sample[first + 1 : second], second: sample[second + 1 : middle]}
    order = FimOrder.PSM if prefix < suffix else FimOrder.SPM
    return order, text_of(halves[prefix]), text_of(halves[suffix]), text_of(sample[middle + 1 : -1])


def test_prefix_middle_and_suffix_are_the_file_in_both_orders_and_then_it_ends(texts):
    supply = samples.Samples(texts, tokenize, "seed")
    orders = Counter()
    made = [sample for _ in range(300) if (sample := supply._with_hole(SHORT, 4000))]
    assert len(made) > 200
    for sample in made:
        order, prefix, suffix, middle = parts_of(sample)
        assert prefix + middle + suffix == SHORT
        assert sample[-1] == END
        assert Counter(token for token in sample if token < len(SPECIAL)).most_common(1)[0][1] == 1
        orders[order] += 1
    assert min(orders[FimOrder.PSM], orders[FimOrder.SPM]) > 30


@pytest.mark.parametrize("order", FimOrder)
@pytest.mark.parametrize("text", [SHORT, LONG], ids=["short", "long"])
def test_a_sample_begins_with_the_prompt_that_the_server_asks_with_at_the_same_place(texts, monkeypatch, order, text):
    n_tokens = 900
    cursor = text.index("path.isfile") if text is SHORT else text.index("value + 250")
    end = text.index("\n", cursor)
    monkeypatch.setattr(samples, "choose_hole", lambda *_: (cursor, end))
    monkeypatch.setattr(samples, "_LINES_ABOVE", (3,))
    monkeypatch.setattr(samples, "_AT_CURSOR_SHARE", 0)
    monkeypatch.setattr(samples, "_SPM_SHARE", int(order is FimOrder.SPM))
    monkeypatch.setattr(samples, "_PREFIX_SHARES", (0.7,))
    sample = samples.Samples(texts, tokenize, "seed")._with_hole(text, n_tokens)

    seen = Text.from_str(text[:cursor] + text[end:])
    model = dataclasses.replace(SCRIPTED_MODEL, n_ctx=n_tokens + 64)
    prompt = make_plan(seen, cursor, model, FimOptions(order=order), 64).prompt
    markers = dict(zip(Marker, (None, FIM_PREFIX, FIM_SUFFIX, FIM_MIDDLE), strict=True))
    asked = PromptRenderer(tokenize, markers).render(prompt)
    assert sample == (*asked, *tokenize(text[cursor:end]), END)


def test_a_row_is_full_and_special_tokens_stand_where_they_may(texts):
    supply = samples.Samples(texts, tokenize, "seed")
    seen = Counter()
    for _ in range(40):
        row = supply.row(1500)
        assert len(row) == 1500
        seen.update(token for token in row if token < len(SPECIAL))
    assert set(seen) == {END, FIM_PREFIX, FIM_SUFFIX, FIM_MIDDLE, FILE_SEPARATOR, REPOSITORY}
    assert seen[FIM_PREFIX] == seen[FIM_SUFFIX] == seen[FIM_MIDDLE]


def test_the_same_seed_makes_the_same_samples(texts):
    first, second, other = (samples.Samples(texts, tokenize, seed).row(800) for seed in ("a", "a", "b"))
    assert first == second != other


def test_special_tokens_spelt_out_in_a_file_stay_text(texts):
    source = SHORT.replace("The size", "<|fim_middle|> The size")
    sample = samples.Samples(texts, tokenize, "seed")._with_hole(source, 2000)
    assert sample.count(FIM_MIDDLE) == 1


def test_holes_are_of_many_kinds_and_lie_within_the_text():
    chooser = random.Random(0)
    seen = Counter()
    for _ in range(500):
        start, end = choose_hole(SHORT, chooser)
        hole = SHORT[start:end]
        assert hole.strip()
        seen["several lines"] += "\n" in hole
        seen["to a line's end"] += SHORT[end] == "\n"
        seen["within a line"] += SHORT[end] != "\n"
        seen["within a word"] += SHORT[start - 1].isalnum() and SHORT[start].isalnum()
        seen["docstring"] += hole == 'The size of a file."""'
    assert min(seen[kind] for kind in ("several lines", "to a line's end", "within a line", "within a word")) > 25
    assert seen["docstring"] > 5


def test_a_text_with_no_place_to_type_has_no_hole():
    assert choose_hole("\n\n\n", random.Random(0)) is None
    assert choose_hole("x" * 1000, random.Random(0)) is None

"""Explanations made before come back as they were, or not at all."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelf import Shelf

from pylot_ls.features.hover.explanations import Explanations, explanation_key
from pylot_ls.kvcache.disk import DiskTier
from pylot_ls.kvcache.memory import MemoryTier
from pylot_ls.kvcache.store import PrefixStore

KEY = explanation_key({"model": "a", "content": "def f(): pass"})


def read(explanations, key=KEY, *, kept=True):
    return asyncio.run(explanations.read(key, kept=kept))


@given(text=st.text(st.characters(exclude_categories=()), max_size=100))
def test_what_is_written_comes_back_after_a_restart(text):
    shelf = Shelf()
    Explanations(shelf).write(KEY, text, kept=True)
    assert read(Explanations(shelf.restarted())) == text


@pytest.fixture
def open_store(tmp_path):
    """A store on one folder, as each process opens it."""
    stores = []

    def make():
        stores.append(PrefixStore(MemoryTier(2**20), DiskTier(tmp_path / "kv", 2**24, 2**24)))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def test_what_is_kept_is_in_the_prefix_cache_and_goes_when_that_is_cleared(open_store):
    first = open_store()
    Explanations(first).write(KEY, "It adds.", kept=True)
    assert first.flush(60)
    first.close()
    second = open_store()
    assert read(Explanations(second)) == "It adds."
    second.clear()
    assert read(Explanations(second)) is None


def test_that_there_is_nothing_worth_showing_is_remembered_too():
    explanations = Explanations()
    assert read(explanations) is None
    explanations.write(KEY, "", kept=False)
    assert read(explanations) == ""


@pytest.mark.parametrize(
    "value", [b"", b"null", b'{"text": 1}', b'{"text": "a", "more": 2}', b'{"text":"a"}', b"\xff", b"[" * 100_000]
)
def test_what_is_not_as_it_would_be_written_does_not_count(value):
    shelf = Shelf()
    shelf.replace(KEY, value)
    assert read(Explanations(shelf.restarted())) is None


def test_what_is_cleared_is_forgotten():
    explanations = Explanations()
    explanations.write(KEY, "It adds.", kept=False)
    explanations.clear()
    assert read(explanations) is None


def test_in_memory_the_least_recently_used_goes():
    explanations = Explanations(most=2)
    keys = [explanation_key({"content": str(n)}) for n in range(3)]
    explanations.write(keys[0], "0", kept=False)
    explanations.write(keys[1], "1", kept=False)
    assert read(explanations, keys[0]) == "0"
    explanations.write(keys[2], "2", kept=False)
    assert [read(explanations, key) for key in keys] == ["0", None, "2"]


def test_all_that_an_explanation_follows_from_is_in_its_key():
    parts = {"model": "a", "language": "en", "content": "b"}
    others = [{**parts, name: "c"} for name in parts]
    assert len({explanation_key(each) for each in (parts, *others)}) == 4

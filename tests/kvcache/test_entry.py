from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.kvcache.entry import CorruptEntryError, EntryError, ForeignEntryError, entry_bytes, pack, unpack

keys = st.binary(min_size=1, max_size=40)


@given(keys, st.binary(max_size=200))
def test_what_was_packed_comes_back(key, value):
    assert unpack(key, pack(key, value)) == value
    assert len(pack(key, value)) == entry_bytes(key, value)


@given(keys, st.binary(max_size=60), st.data())
def test_any_changed_byte_is_noticed(key, value, data):
    entry = bytearray(pack(key, value))
    entry[data.draw(st.integers(0, len(entry) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptEntryError):
        unpack(key, bytes(entry))


@given(keys, st.binary(max_size=60), st.data())
def test_any_other_length_is_noticed(key, value, data):
    entry = pack(key, value)
    with pytest.raises(CorruptEntryError):
        unpack(key, entry[: data.draw(st.integers(0, len(entry) - 1))])
    with pytest.raises(CorruptEntryError):
        unpack(key, entry + data.draw(st.binary(min_size=1, max_size=5)))


@given(st.binary(max_size=200))
def test_anything_else_is_noticed(content):
    with pytest.raises(EntryError):
        unpack(b"key", content)


def test_the_value_of_another_key_is_foreign():
    with pytest.raises(ForeignEntryError):
        unpack(b"other", pack(b"key", b"value"))

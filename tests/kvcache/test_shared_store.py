"""What sessions of one process remember of the same file: each its own while it lives, and afterwards the next."""

from __future__ import annotations

from pylot_ls.kvcache.memory import MemoryTier
from pylot_ls.kvcache.shared_store import SharedStore
from pylot_ls.kvcache.store import PrefixStore


def test_a_session_does_not_read_what_another_living_one_has_written():
    store = PrefixStore(MemoryTier(2**20), None)
    shared = SharedStore(store)
    one, two = shared.of_session(), shared.of_session()
    one.replace(b"record", b"of one")
    two.replace(b"record", b"of two")
    assert (one.get(b"record"), two.get(b"record")) == (b"of one", None)
    one.close()
    assert two.get(b"record") == b"of one", "as after a restart"
    two.replace(b"record", b"of two")
    assert store.get(b"record") == b"of two"
    two.close()
    assert store.get(b"record") == b"of two", "the store is not closed"
    store.close()


def test_what_was_there_before_is_there_for_all():
    store = PrefixStore(MemoryTier(2**20), None)
    store.replace(b"record", b"earlier")
    shared = SharedStore(store)
    one, two = shared.of_session(), shared.of_session()
    assert one.get(b"record") == two.get(b"record") == b"earlier"
    read = []
    one.prefetch([b"record"], read.append)
    assert store.flush(60)
    assert read == [1]
    assert one.stats()["hits"] == 2
    assert one.problem is None
    two.clear()
    assert one.get(b"record") is None
    store.close()

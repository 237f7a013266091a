from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pylot_ls.kvcache.disk import DiskTier
from pylot_ls.kvcache.memory import MemoryTier
from pylot_ls.kvcache.store import PrefixStore

MB = 2**20
_HANG_S = 60
CHAIN = [b"0", b"1", b"2", b"3", b"4"]


class HeldDisk(DiskTier):
    """A disk whose operations wait until the test lets them; it records them."""

    def __init__(self, folder):
        super().__init__(folder, 64 * MB, 1024 * MB)
        self.may_go = threading.Event()
        self.may_go.set()
        self.entered = threading.Event()
        self.calls = []

    def get(self, key):
        self._wait("get", key)
        return super().get(key)

    def put(self, key, value):
        self._wait("put", key)
        return super().put(key, value)

    def _wait(self, *call):
        self.calls.append(call)
        self.entered.set()
        assert self.may_go.wait(_HANG_S)


@pytest.fixture
def disk(folder):
    return HeldDisk(folder)


@pytest.fixture
def make_store(folder):
    stores = []

    def make(disk=None, memory_bytes=MB, **options):
        stores.append(PrefixStore(MemoryTier(memory_bytes), disk, **options))
        return stores[-1]

    yield make
    for store in stores:
        if store._disk and isinstance(store._disk, HeldDisk):
            store._disk.may_go.set()
        store.close()
        assert not store._thread.is_alive()


def prefetched(store, keys):
    """Prefetch and wait; how many leading keys there were."""
    answers, done = [], threading.Event()

    def answer(n):
        answers.append(n)
        done.set()

    store.prefetch(keys, answer)
    assert done.wait(_HANG_S)
    (n,) = answers
    return n


def restarted(make_store, store, **options):
    """A new store on the same folder, with an empty memory."""
    assert store.flush(_HANG_S)
    store.close()
    return make_store(HeldDisk(store._disk.folder), **options)


def test_a_value_is_in_memory_at_once(make_store, disk):
    store = make_store(disk)
    disk.may_go.clear()
    store.put(b"a", b"value")
    assert store.get(b"a") == b"value"
    assert store.get(b"b") is None


def test_get_never_asks_the_disk(make_store, disk):
    store = make_store(disk)
    store.put(b"a", b"value")
    later = restarted(make_store, store)
    assert later.get(b"a") is None
    assert later.flush(_HANG_S)
    assert later._disk.calls == []


def test_a_chain_comes_back_after_a_restart(make_store, disk):
    store = make_store(disk)
    for key in CHAIN:
        store.put(key, key * 100)
    later = restarted(make_store, store)
    assert prefetched(later, CHAIN) == 5
    assert [later.get(key) for key in CHAIN] == [key * 100 for key in CHAIN]


def test_nothing_is_read_past_a_gap(make_store, disk):
    store = make_store(disk)
    for key in (b"0", b"1", b"3", b"4"):
        store.put(key, key)
    later = restarted(make_store, store)
    assert prefetched(later, CHAIN) == 2
    assert later._disk.calls == [("get", b"0"), ("get", b"1"), ("get", b"2")]
    assert later.get(b"3") is None


def test_only_what_memory_lacks_is_read(make_store, disk):
    store = make_store(disk)
    for key in CHAIN:
        store.put(key, key)
    later = restarted(make_store, store)
    later.put(b"1", b"1")
    assert later.flush(_HANG_S)
    later._disk.calls.clear()
    assert prefetched(later, CHAIN[:3]) == 3
    assert later._disk.calls == [("get", b"0"), ("get", b"2")]


def test_a_chain_longer_than_the_memory_keeps_its_beginning(make_store, disk):
    store = make_store(disk)
    for key in CHAIN:
        store.put(key, key * 100)
    later = restarted(make_store, store, memory_bytes=350)
    later.put(b"old", b"x" * 300)
    assert prefetched(later, CHAIN) == 3
    assert [key for key in CHAIN if later.get(key)] == CHAIN[:3]


def test_a_value_that_waits_to_be_written_is_found(make_store, disk):
    store = make_store(disk, memory_bytes=100)
    disk.may_go.clear()
    store.put(b"first", b"x")
    assert disk.entered.wait(_HANG_S)
    store.put(b"a", b"a" * 90)
    store.put(b"b", b"b" * 90)
    assert store.get(b"a") is None
    answers = []
    store.prefetch([b"a"], answers.append)
    disk.may_go.set()
    assert store.flush(_HANG_S)
    assert answers == [1]
    assert ("get", b"a") not in disk.calls


def test_somebody_who_waits_goes_before_the_writes(make_store, disk):
    store = make_store(disk)
    disk.may_go.clear()
    store.put(b"first", b"x")
    assert disk.entered.wait(_HANG_S)
    store.put(b"second", b"x")
    store.prefetch([b"nowhere"], lambda _: None)
    disk.may_go.set()
    assert store.flush(_HANG_S)
    assert disk.calls == [("put", b"first"), ("get", b"nowhere"), ("put", b"second")]


def test_the_queue_is_bounded_in_bytes_and_counts_what_it_drops(make_store, disk):
    store = make_store(disk, queue_limit_bytes=100)
    disk.may_go.clear()
    store.put(b"first", b"x")
    assert disk.entered.wait(_HANG_S)  # it is being written and no longer waits
    store.put(b"a", bytes(60))
    store.put(b"b", bytes(60))
    store.put(b"c", bytes(40))
    assert store.stats()["queue_dropped"] == 1
    assert store.stats()["queued_bytes"] == 100
    assert store.get(b"b") == bytes(60)
    disk.may_go.set()
    assert store.flush(_HANG_S)
    assert [key for _, key in disk.calls] == [b"first", b"a", b"c"]
    assert store.stats()["queued_bytes"] == 0


def test_a_value_larger_than_the_queue_may_wait_alone(make_store, disk):
    store = make_store(disk, queue_limit_bytes=10)
    store.put(b"a", bytes(1000))
    assert store.flush(_HANG_S)
    assert store.stats()["disk_stored"] == 1


def test_a_key_that_waits_already_does_not_wait_twice(make_store, disk):
    store = make_store(disk)
    disk.may_go.clear()
    store.put(b"first", b"x")
    assert disk.entered.wait(_HANG_S)
    store.put(b"a", b"value")
    store.put(b"a", b"value")
    disk.may_go.set()
    assert store.flush(_HANG_S)
    assert disk.calls == [("put", b"first"), ("put", b"a")]


def test_flush_says_when_it_was_not_in_time(make_store, disk):
    store = make_store(disk)
    assert store.flush(_HANG_S)
    disk.may_go.clear()
    store.put(b"a", b"value")
    assert not store.flush(0)
    disk.may_go.set()
    assert store.flush(_HANG_S)


def test_without_a_disk_it_is_memory(make_store):
    store = make_store()
    store.put(b"0", b"value")
    assert prefetched(store, CHAIN) == 1
    store.clear()
    assert store.get(b"0") is None
    assert store.problem is None
    assert not any(name.startswith("disk_") for name in store.stats())


def test_a_broken_disk_leaves_memory_working(make_store, folder):
    folder.write_bytes(b"in the way")
    store = make_store(DiskTier(folder, MB, MB))
    store.put(b"0", b"value")
    assert store.flush(_HANG_S)
    assert store.get(b"0") == b"value"
    assert prefetched(store, CHAIN) == 1
    assert "is off" in store.problem


def test_clear_leaves_nothing_anywhere(make_store, disk, folder):
    store = make_store(disk)
    disk.may_go.clear()
    for key in CHAIN:
        store.put(key, key * 1000)
    disk.may_go.set()
    store.clear()
    assert not folder.exists()
    assert prefetched(store, CHAIN) == 0
    assert store.stats()["memory_bytes"] == store.stats()["queued_bytes"] == 0
    store.put(b"0", b"value")
    later = restarted(make_store, store)
    assert prefetched(later, CHAIN) == 1


def test_clear_from_a_callback_and_after_close(make_store, disk, folder):
    store = make_store(disk)
    store.put(b"0", b"value")
    store.prefetch([b"0"], lambda _: store.clear())
    assert store.flush(_HANG_S)
    assert not folder.exists() or not list(folder.glob("??/*"))
    assert store.get(b"0") is None
    store.put(b"0", b"value")
    assert store.flush(_HANG_S)
    store.close()
    store.clear()
    assert not folder.exists()


def test_a_callback_that_raises_is_logged_and_the_thread_goes_on(make_store, disk, caplog):
    store = make_store(disk)

    def broken(_n):
        raise RuntimeError("a caller's fault")

    store.prefetch([b"0"], broken)
    store.put(b"0", b"value")
    assert prefetched(store, CHAIN) == 1
    assert "a caller's fault" in caplog.text


def test_close_ends_at_once_and_may_be_called_again(make_store, disk):
    store = make_store(disk)
    disk.may_go.clear()
    store.put(b"first", b"x")
    assert disk.entered.wait(_HANG_S)
    store.put(b"a", b"value")
    answers = []
    store.prefetch([b"a", b"b"], answers.append)
    closing = threading.Thread(target=store.close)
    closing.start()
    with store._changed:
        assert store._changed.wait_for(lambda: store._closed, _HANG_S)
    disk.may_go.set()
    closing.join(_HANG_S)
    store.close()
    assert answers == [1]
    assert disk.calls == [("put", b"first")]
    assert store.stats()["queue_dropped"] == 1
    store.put(b"b", b"value")
    assert store.get(b"b") == b"value"
    assert prefetched(store, [b"a", b"b", b"c"]) == 2
    assert store.flush(0)


def test_many_threads_see_only_what_was_put(make_store, disk):
    store = make_store(disk, memory_bytes=2000)
    wrong = []

    def work(seed):
        for n in range(60):
            key = bytes([(n * seed) % 23])
            store.put(key, key * 100)
            other = bytes([(n + seed) % 23])
            if store.get(other) not in {None, other * 100}:
                wrong.append(other)
            store.prefetch([other], lambda _: None)
            if n % 30 == seed:
                store.clear()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(1, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.flush(_HANG_S)
    assert not wrong
    assert store.problem is None
    assert store.stats()["disk_corrupt"] == store.stats()["disk_foreign"] == 0


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.just("put"), st.integers(0, 5)) | st.tuples(st.sampled_from(["prefetch", "restart"]), st.just(6)),
        max_size=20,
    )
)
def test_prefetch_finds_exactly_what_was_ever_put(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("chain") / "kv"
    keys = [bytes([n]) for n in range(6)]

    def start():
        return PrefixStore(MemoryTier(MB), DiskTier(folder, MB, MB))

    store, known = start(), set()
    for action, n in steps:
        if action == "put":
            store.put(keys[n], keys[n] * 10)
            known.add(keys[n])
        elif action == "restart":
            assert store.flush(_HANG_S)
            store.close()
            store = start()
        else:
            n_leading = next((n for n, key in enumerate(keys) if key not in known), len(keys))
            assert prefetched(store, keys) == n_leading
            assert [store.get(key) for key in keys[:n_leading]] == [key * 10 for key in keys[:n_leading]]
    store.close()


def test_of_replaced_values_the_last_one_counts(make_store, disk):
    store = make_store(disk)
    store.replace(b"a", b"first")
    assert store.flush(_HANG_S)
    disk.may_go.clear()
    disk.entered.clear()
    store.put(b"held", b"up")
    assert disk.entered.wait(_HANG_S)
    store.replace(b"a", b"second")
    store.replace(b"a", b"the third")
    assert store.get(b"a") == b"the third"
    disk.may_go.set()
    later = restarted(make_store, store)
    assert prefetched(later, [b"a"]) == 1
    assert later.get(b"a") == b"the third"
    assert later.stats()["queued_bytes"] == store.stats()["queued_bytes"] == 0


def test_a_replaced_value_waits_in_the_queue_at_its_own_size(make_store, disk):
    disk.may_go.clear()
    store = make_store(disk, queue_limit_bytes=100)
    store.put(b"held", b"up")
    assert disk.entered.wait(_HANG_S)
    for size in (40, 60, 50):
        store.replace(b"a", bytes(size))
    store.put(b"b", bytes(50))
    assert (store.stats()["queued_bytes"], store.stats()["queue_dropped"]) == (100, 0)

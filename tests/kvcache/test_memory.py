from __future__ import annotations

import threading
from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.kvcache.memory import MemoryTier

LIMIT = 10
keys = st.sampled_from([b"a", b"b", b"c", b"d"])
steps = st.lists(
    st.tuples(st.just("put"), keys, st.binary(max_size=LIMIT + 2))
    | st.tuples(st.sampled_from(["get", "contains", "clear"]), keys, st.just(b"")),
    max_size=40,
)


@given(steps)
def test_it_is_a_dict_that_forgets_the_least_recently_used_past_its_limit(steps):
    tier, oracle = MemoryTier(LIMIT), OrderedDict()
    for action, key, value in steps:
        if action == "put":
            fits = len(value) <= LIMIT
            assert tier.put(key, value) is fits
            if fits:
                oracle.pop(key, None)
                oracle[key] = value
                while sum(map(len, oracle.values())) > LIMIT:
                    oracle.popitem(last=False)
        elif action == "get":
            assert tier.get(key) == oracle.get(key)
            if key in oracle:
                oracle.move_to_end(key)
        elif action == "contains":
            assert (key in tier) == (key in oracle)
        else:
            tier.clear()
            oracle.clear()
        assert tier.n_bytes == sum(map(len, oracle.values())) <= LIMIT
        assert len(tier) == len(oracle)


def test_a_value_over_the_limit_is_refused_and_costs_the_others_nothing():
    tier = MemoryTier(4)
    tier.put(b"a", b"1234")
    assert not tier.put(b"b", b"12345")
    assert tier.get(b"a") == b"1234"


def test_many_threads_leave_exact_sums():
    tier = MemoryTier(100)

    def work(seed):
        for n in range(300):
            key = bytes([(n * seed) % 17])
            tier.put(key, bytes((n + seed) % 30))
            tier.get(bytes([(n + seed) % 17]))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = [tier.get(bytes([n])) for n in range(17)]
    assert tier.n_bytes == sum(len(value) for value in held if value is not None) <= 100


def test_a_lower_limit_counts_at_once():
    tier = MemoryTier(30)
    for key in (b"a", b"b", b"c"):
        tier.put(key, bytes(10))
    tier.limit(20)
    assert (b"a" in tier, b"b" in tier, tier.n_bytes) == (False, True, 20)
    assert not tier.put(b"large", bytes(21))

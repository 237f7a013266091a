from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pylot_ls.kvcache.keys import KEY_BYTES, block_keys, fingerprint, record_key, run_key, salted

FINGERPRINT = fingerprint({"model": "a"})

token_ids = st.lists(st.integers(-(2**31), 2**31 - 1), max_size=40)
parts = st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.floats(), max_size=4)


@given(parts)
def test_the_order_of_the_parts_does_not_matter(given_parts):
    turned = dict(reversed(given_parts.items()))
    assert fingerprint(turned) == fingerprint(given_parts)
    assert len(fingerprint(given_parts)) == 32


@given(parts, parts)
def test_other_parts_give_another_fingerprint(one, other):
    assume(repr(sorted(one.items())) != repr(sorted(other.items())))
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1}, {"a": True}),
        ({"ab": "c"}, {"a": "bc"}),
        ({"a": "b", "c": "d"}, {"a": "d", "c": "b"}),
        ({}, {"": ""}),
    ],
)
def test_types_and_borders_of_parts_count(one, other):
    assert fingerprint(one) != fingerprint(other)


def test_a_fingerprint_is_the_same_in_every_version_of_the_program():
    made = fingerprint({"model": "sha256:00", "n_rope": 1.5, "layers": 24}).hex()
    assert made == "90b6ccda1e50fe4202326bd37114657543e19c4790128c02b5233b858d7f6ec6"
    keys = block_keys(bytes(32), range(512))
    assert [key.hex()[:16] for key in keys] == ["acff858f0c5685b6", "b949efdf3bb0774b"]


@given(token_ids, st.integers(1, 9))
def test_there_is_a_key_for_each_full_block_and_none_for_the_tail(tokens, block_tokens):
    assert len(block_keys(FINGERPRINT, tokens, block_tokens)) == len(tokens) // block_tokens


@given(token_ids, token_ids, token_ids, st.integers(1, 9))
def test_keys_are_equal_exactly_as_far_as_the_tokens_are(common, one, other, block_tokens):
    one, other = common + one, common + other
    n_equal = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    keys, other_keys = (block_keys(FINGERPRINT, tokens, block_tokens) for tokens in (one, other))
    n_blocks = n_equal // block_tokens
    assert keys[:n_blocks] == other_keys[:n_blocks]
    assert not set(keys[n_blocks:]) & set(other_keys[n_blocks:])


@given(st.lists(st.integers(0, 9), min_size=8, max_size=30), st.binary(max_size=20), st.integers(1, 4))
def test_another_fingerprint_or_block_size_gives_other_keys(tokens, salt, block_tokens):
    keys = set(block_keys(FINGERPRINT, tokens, block_tokens))
    assert not keys & set(block_keys(FINGERPRINT + salt + b"x", tokens, block_tokens))
    assert not keys & set(block_keys(FINGERPRINT, tokens, block_tokens + 1))


@given(token_ids, token_ids)
def test_a_run_has_a_key_of_its_own(one, other):
    assert (run_key(FINGERPRINT, one) == run_key(FINGERPRINT, other)) == (one == other)
    assert run_key(FINGERPRINT, one) != run_key(FINGERPRINT + b"x", one)
    assert run_key(FINGERPRINT, one) not in block_keys(FINGERPRINT, one, 1)


@given(token_ids)
def test_any_sequence_of_tokens_will_do(tokens):
    assert block_keys(FINGERPRINT, tuple(tokens), 3) == block_keys(FINGERPRINT, tokens, 3)


def test_what_is_no_token_and_no_block_is_said():
    with pytest.raises(ValueError, match="32 bits"):
        run_key(FINGERPRINT, [2**31])
    with pytest.raises(ValueError, match="at least one token"):
        block_keys(FINGERPRINT, [1], 0)


def test_the_key_of_a_record_is_that_of_its_kind_and_name():
    key = record_key("anchors 1", "file:///a.py")
    assert key == record_key("anchors 1", "file:///a.py")
    assert len(key) == KEY_BYTES
    assert key not in {record_key("anchors 2", "file:///a.py"), record_key("anchors 1f", "ile:///a.py")}
    assert record_key("anchors 1", "file:///\ud800")


@given(st.text(), st.text())
def test_each_salt_has_keys_of_its_own_and_none_has_those_there_were(one, other):
    keys = [block_keys(salted(FINGERPRINT, salt), range(256)) for salt in (one, other, "")]
    assert (keys[0] == keys[1]) == (one == other)
    assert (keys[0] == keys[2]) == (one == "")
    assert keys[2] == block_keys(FINGERPRINT, range(256))

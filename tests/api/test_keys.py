"""The book of keys: what is in the file, and what is not."""

from __future__ import annotations

import hashlib
import hmac
import stat
import sys

import pytest

from pylot_ls.api.keys import KeyBook
from pylot_ls.errors import KeyBookError


@pytest.fixture
def book(tmp_path):
    return KeyBook(tmp_path / "own" / "keys.json")


def test_a_key_is_found_by_itself_alone(book):
    ann, bob = book.create("ann"), book.create("bob")
    assert ann != bob
    assert book.find(ann).name == "ann"
    assert book.find(bob).name == "bob"
    assert book.find(ann + "x") is None
    assert book.find("") is None
    assert book.find("\ud800") is None


def test_a_key_is_compared_in_the_same_time_whatever_it_is(book, monkeypatch):
    keys = [book.create(name) for name in ("ann", "bob", "carl")]
    compared = []
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: compared.append((one, other)) or one == other)
    for key in (*keys, "none"):
        book.find(key)
        digest = hashlib.sha256(key.encode()).hexdigest()
        # With all that there are, also once it is found.
        assert compared == [(entry.sha256, digest) for entry in book.entries()]
        compared.clear()


def test_no_key_is_written_down_and_the_file_is_its_owners(book):
    key = book.create("ann")
    assert key not in book.path.read_text()
    assert key.removeprefix("pylot-") not in book.path.read_text()
    assert [path.name for path in book.path.parent.iterdir()] == ["keys.json"]
    if sys.platform != "win32":
        assert stat.S_IMODE(book.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(book.path.parent.stat().st_mode) == 0o700


def test_each_user_has_a_salt_of_his_own_but_who_shares_with_the_editors(book):
    ann, bob = book.find(book.create("ann")), book.find(book.create("bob"))
    assert ann.salt
    assert bob.salt not in {"", ann.salt}
    assert book.find(book.create("owner", shares_editors=True)).salt == ""


def test_a_user_who_comes_back_under_an_old_name_finds_nothing_of_it(book):
    before = book.find(book.create("ann")).salt
    book.revoke("ann")
    assert book.find(book.create("ann")).salt != before


def test_other_processes_see_what_is_made_and_revoked(book):
    other = KeyBook(book.path)
    key = book.create("ann", most_running=2, tokens_per_minute=500)
    user = other.find(key)
    assert (user.most_running, user.tokens_per_minute) == (2, 500)
    other.revoke("ann")
    assert book.entries() == ()


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x" * 65, "ä"])
def test_a_name_is_plain(book, name):
    with pytest.raises(KeyBookError, match="no name for a key"):
        book.create(name)


def test_names_are_unique_and_unknown_ones_are_told_which_there_are(book):
    book.create("ann")
    with pytest.raises(KeyBookError, match="named ann already"):
        book.create("ann")
    with pytest.raises(KeyBookError, match="no key named bob; there are: ann"):
        book.revoke("bob")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": [1]}', '{"keys": [{"name": "a"}]}', "\0", '{"keys": 1}'])
def test_a_file_that_is_no_book_lets_nobody_in_and_says_so(book, text):
    book.path.parent.mkdir()
    book.path.write_text(text)
    with pytest.raises(KeyBookError, match="no book of API keys"):
        book.find("x")

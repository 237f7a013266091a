"""A private file is there as a whole, for the user alone, or as it was before."""

from __future__ import annotations

import os
import stat
import sys

import pytest

from pylot_ls.private_file import write_private


def test_it_takes_the_place_of_the_old_one_and_is_for_its_owner_alone(tmp_path):
    path = tmp_path / "file.json"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "новый")
    assert path.read_text(encoding="utf-8") == "новый"
    assert list(tmp_path.iterdir()) == [path]
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_is_replaced_and_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("untouched")
    (tmp_path / "link").symlink_to(outside)
    write_private(tmp_path / "link", "new")
    assert (outside.read_text(), (tmp_path / "link").read_text()) == ("untouched", "new")


def test_where_it_fails_the_old_one_stays_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    path.write_text("old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_private(path, "new")
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])

import os
import stat

import pytest

from pylot_ls.config.folders import cache_folder, make_private
from pylot_ls.errors import SettingsError

posix_only = pytest.mark.skipif(os.name != "posix", reason="owners and modes are POSIX's")


def mode(folder):
    return stat.S_IMODE(folder.stat().st_mode)


def test_the_cache_folder_is_ours_alone_by_name():
    assert cache_folder().is_absolute()
    assert "pylot-ls" in cache_folder().parts


def test_a_folder_is_made_with_its_parents(tmp_path):
    make_private(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


@posix_only
def test_a_new_folder_is_closed_to_others(tmp_path):
    make_private(tmp_path / "a")
    assert mode(tmp_path / "a") == 0o700


@posix_only
@pytest.mark.parametrize("before", [0o755, 0o770, 0o701])
def test_a_folder_that_was_open_to_others_is_closed_and_keeps_what_is_in_it(tmp_path, before):
    (tmp_path / "kept").touch()
    tmp_path.chmod(before)
    make_private(tmp_path)
    assert mode(tmp_path) == 0o700
    assert (tmp_path / "kept").exists()


@posix_only
def test_a_folder_of_another_user_is_refused_and_left_as_it_is(tmp_path, monkeypatch):
    tmp_path.chmod(0o755)
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(SettingsError, match="belongs to another user"):
        make_private(tmp_path)
    assert mode(tmp_path) == 0o755


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SettingsError, match="change its permissions"):
        make_private(tmp_path)


@pytest.mark.parametrize("name", ["plain", "plain/below", "nul\0"])
def test_where_no_folder_can_be_the_error_says_so(tmp_path, name):
    (tmp_path / "plain").touch()
    with pytest.raises(SettingsError, match="cannot be made") as caught:
        make_private(tmp_path / name)
    assert str(caught.value).isprintable()

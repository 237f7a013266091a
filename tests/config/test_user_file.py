"""One setting is written into the user's file; every other byte of it stays."""

from __future__ import annotations

import stat
import sys
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.config.sources import from_file
from pylot_ls.config.user_file import set_in_file, unset_in_file
from pylot_ls.errors import SettingsError

MINE = """# My settings.
[completion]   # what is shown
max_lines = 4

[model]
n_ctx = 8192  # enough
path = '~/old.gguf'  # the old one
# end
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and links")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config" / "config.toml"


def written(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(path):
    options = from_file({"PYLOT_LS_CONFIG": str(path)})
    assert not options.problems
    return {key: raw.value for key, raw in options.values.items()}


def test_where_there_is_no_file_one_is_made(path):
    set_in_file(path, "model", "path", "/a.gguf")
    assert read(path) == {"model.path": "/a.gguf"}


def test_comments_and_all_other_lines_stay(path):
    set_in_file(written(path, MINE), "model", "path", "/new.gguf")
    assert path.read_text() == MINE.replace("'~/old.gguf'", '"/new.gguf"')


def test_a_group_that_is_missing_is_added(path):
    before = MINE.partition("[model]")[0]
    set_in_file(written(path, before), "model", "path", "/new.gguf")
    assert path.read_text().startswith(before)
    assert read(path) == {"completion.max_lines": 4, "model.path": "/new.gguf"}


def test_a_setting_is_taken_out_and_the_rest_stays(path):
    unset_in_file(written(path, MINE), "model", "path")
    assert path.read_text() == MINE.replace("path = '~/old.gguf'  # the old one\n", "")


@pytest.mark.parametrize("content", ["", "[completion]\nmax_lines = 4\n"])
def test_taking_out_what_is_not_there_changes_nothing(path, content):
    unset_in_file(written(path, content), "model", "path")
    assert path.read_text() == content
    path.unlink()
    unset_in_file(path, "model", "path")
    assert not path.exists()


@pytest.mark.parametrize(
    "before",
    [
        'model.path = "old"\nmodel.n_ctx = 512\n',
        'model = { path = "old", n_ctx = 512 }\n',
        '["pylot-ls".model]\npath = "old"\nn_ctx = 512\n',
        '[model]\r\npath = "old"\r\nn_ctx = 512\r\n',
        b'\xef\xbb\xbf[model]\npath = "old"\nn_ctx = 512\n',
    ],
)
def test_however_the_file_is_written_the_new_value_counts(path, before):
    set_in_file(written(path, before), "model", "path", "new")
    assert read(path) == {"model.path": "new", "model.n_ctx": 512}
    old = before if isinstance(before, bytes) else before.encode()
    assert path.read_bytes() == old.replace(b'"old"', b'"new"')


@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_path_is_read_back_as_it_was_written(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("config") / "config.toml"
    set_in_file(path, "model", "path", value)
    assert tomllib.loads(path.read_bytes().decode()) == {"model": {"path": value}}


@pytest.mark.parametrize("content", ["[model\n", "model = 1\n", b"\xff\xfe", "[[model]]\n"])
def test_a_file_that_cannot_be_changed_stays_as_it_is(path, content):
    before = written(path, content).read_bytes()
    with pytest.raises(SettingsError, match=r"the settings file .* cannot be changed: .*; mend it first"):
        set_in_file(path, "model", "path", "/new.gguf")
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_folder_in_its_place_is_said(path):
    path.mkdir(parents=True)
    with pytest.raises(SettingsError, match="cannot be written"):
        set_in_file(path, "model", "path", "/new.gguf")


@posix
def test_a_link_stays_a_link_and_the_mode_stays_too(path, tmp_path):
    target = written(tmp_path / "dotfiles" / "pylot.toml", MINE)
    target.chmod(0o600)
    path.parent.mkdir()
    path.symlink_to(target)
    set_in_file(path, "model", "path", "/new.gguf")
    assert path.is_symlink()
    assert "/new.gguf" in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600

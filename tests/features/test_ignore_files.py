"""Which ignore files count for a document, and what comes of those that cannot be read."""

from __future__ import annotations

import os

import pytest

from pylot_ls.features import ignore_files
from pylot_ls.features.ignore_files import MAX_FILE_BYTES, is_ignored_on_disk


@pytest.fixture
def project(monkeypatch, tmp_path):
    """A repository without rules, where the user has none either."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    root = tmp_path / "project"
    (root / ".git" / "info").mkdir(parents=True)
    (root / "a" / "b").mkdir(parents=True)
    return root


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_without_rules_nothing_is_left_out(project):
    assert not is_ignored_on_disk(project / "a" / "x.py")


@pytest.mark.parametrize(
    "file",
    [
        ".gitignore",
        "a/.gitignore",
        "a/b/.gitignore",
        ".git/info/exclude",
        ".ignore",
        "a/.ignore",
        ".pylotignore",
        "a/b/.pylotignore",
        "../.ignore",
        "../.pylotignore",
        "../config/git/ignore",
    ],
)
def test_each_ignore_file_above_a_document_counts(project, file):
    write(project / file, "*.sql\n")
    assert is_ignored_on_disk(project / "a" / "b" / "x.sql")
    assert not is_ignored_on_disk(project / "a" / "b" / "x.py")


@pytest.mark.parametrize("file", ["../.gitignore", "c/.gitignore", "a/b/c/.gitignore"])
def test_a_gitignore_above_the_repository_or_beside_the_document_does_not_count(project, file):
    write(project / file, "*\n")
    assert not is_ignored_on_disk(project / "a" / "b" / "x.py")


def test_outside_a_repository_every_gitignore_above_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    write(tmp_path / ".gitignore", "*.sql\n")
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert is_ignored_on_disk(tmp_path / "a" / "b" / "x.sql")


def test_a_lower_gitignore_takes_in_again_and_the_excludes_weigh_least(project):
    write(project / ".git" / "info" / "exclude", "*.py\n")
    write(project.parent / "config" / "git" / "ignore", "*.py\n")
    write(project / "a" / ".gitignore", "!x.py\n")
    assert not is_ignored_on_disk(project / "a" / "x.py")
    assert is_ignored_on_disk(project / "a" / "y.py")


@pytest.mark.parametrize("other", [".ignore", ".pylotignore"])
def test_what_one_kind_leaves_out_another_does_not_take_in_again(project, other):
    write(project / ".gitignore", "*.py\n")
    write(project / other, "!*.py\n")
    assert is_ignored_on_disk(project / "x.py")


def test_what_lies_in_gits_own_folder_is_left_out(project):
    assert is_ignored_on_disk(project / ".git" / "COMMIT_EDITMSG")


def test_of_a_worktree_the_excludes_of_its_repository_count(project):
    (project / ".git" / "worktrees" / "w").mkdir(parents=True)
    write(project / ".git" / "worktrees" / "w" / "commondir", "../..\n")
    write(project / ".git" / "info" / "exclude", "*.sql\n")
    worktree = project.parent / "w"
    write(worktree / ".git", f"gitdir: {project}/.git/worktrees/w\n")
    assert is_ignored_on_disk(worktree / "x.sql")
    assert not is_ignored_on_disk(worktree / "x.py")


def test_of_a_submodule_its_own_excludes_count(project):
    write(project / ".git" / "modules" / "m" / "info" / "exclude", "*.sql\n")
    write(project / "m" / ".git", "gitdir: ../.git/modules/m\n")
    assert is_ignored_on_disk(project / "m" / "x.sql")


@pytest.mark.parametrize("text", ["", "nonsense", "gitdir:", "gitdir: //host/share", "gitdir: \\\\host\\share", b"\0"])
def test_a_git_file_that_names_no_folder_of_this_machine_is_a_doubt(project, text):
    write(project / "m" / ".git", text)
    with pytest.raises(ValueError, match="git"):
        is_ignored_on_disk(project / "m" / "x.py")


@pytest.mark.parametrize(
    "content",
    [
        b"#" * (MAX_FILE_BYTES + 1),
        b"\x7fELF\0\0",
        "*.sql\n".encode("utf-16"),
        b"[\n",
        b"**/a/**/b/**/c\n",
        b"x\n" * 10_000,
    ],
    ids=["huge", "binary", "utf-16", "broken", "unclear", "many"],
)
@pytest.mark.parametrize("name", [".gitignore", ".ignore", ".pylotignore"])
def test_a_file_that_is_not_understood_is_a_doubt(project, name, content):
    write(project / name, content)
    with pytest.raises(ValueError, match=r"line|no text"):
        is_ignored_on_disk(project / "x.py")


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf*.sql\n", b"*.sql\r\n", b"# \xff\xfe\n*.sql", b"\n\n*.sql   \n"])
def test_marks_and_ends_of_lines_are_no_part_of_a_pattern(project, content):
    write(project / ".gitignore", content)
    assert is_ignored_on_disk(project / "x.sql")


def test_a_file_that_cannot_be_read_is_a_doubt(project, monkeypatch):
    write(project / ".gitignore", "")

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ignore_files.os, "open", refuse)
    with pytest.raises(PermissionError):
        is_ignored_on_disk(project / "x.py")


@pytest.mark.parametrize("target", [".gitignore", "nowhere"])
def test_a_link_in_a_circle_or_to_nothing_is_a_doubt(project, target):
    (project / ".gitignore").symlink_to(target)
    with pytest.raises(OSError, match=r"\.gitignore"):
        is_ignored_on_disk(project / "x.py")


def test_a_folder_in_place_of_a_file_is_a_doubt(project):
    (project / ".ignore").mkdir()
    with pytest.raises(ValueError, match="no regular file"):
        is_ignored_on_disk(project / "x.py")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_is_a_doubt_and_does_not_hang(project):
    os.mkfifo(project / ".gitignore")
    with pytest.raises(ValueError, match="no regular file"):
        is_ignored_on_disk(project / "x.py")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_file_that_becomes_a_fifo_between_two_looks_is_a_doubt_and_does_not_hang(project, monkeypatch):
    os.mkfifo(project / ".gitignore")
    looks = iter((True, False))
    monkeypatch.setattr(ignore_files.stat, "S_ISREG", lambda _mode: next(looks))
    with pytest.raises(ValueError, match="no regular file"):
        is_ignored_on_disk(project / "x.py")


@pytest.mark.parametrize("name", [".gitignore", ".ignore", ".pylotignore"])
def test_a_link_counts_unless_it_leads_out_of_its_folder(project, tmp_path, name):
    (project / "rules").mkdir()
    write(project / "rules" / "all", "*.py\n")
    (project / name).symlink_to(project / "rules" / "all")
    assert is_ignored_on_disk(project / "x.py")
    write(tmp_path / "outside", "*.py\n")
    (project / name).unlink()
    (project / name).symlink_to(tmp_path / "outside")
    with pytest.raises(ValueError, match="leads out"):
        is_ignored_on_disk(project / "x.py")


def test_a_document_whose_folder_is_not_there_is_a_doubt(project):
    with pytest.raises(OSError, match="gone"):
        is_ignored_on_disk(project / "gone" / "x.py")


def test_a_document_in_very_many_folders_is_a_doubt(project):
    deep = project.joinpath(*["d"] * 70)
    deep.mkdir(parents=True)
    with pytest.raises(ValueError, match="deeply"):
        is_ignored_on_disk(deep / "x.py")


def test_without_a_home_there_are_no_excludes_of_the_user(project, monkeypatch):
    monkeypatch.delenv("XDG_CONFIG_HOME")

    def homeless():
        raise RuntimeError("no home")

    monkeypatch.setattr("pathlib.Path.home", homeless)
    assert not is_ignored_on_disk(project / "x.py")

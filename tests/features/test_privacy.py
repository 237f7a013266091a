"""Which documents may leave KV on disk."""

from __future__ import annotations

import asyncio
import threading
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features import privacy
from pylot_ls.features.privacy import Kind, Privacy, file_path


@pytest.fixture(autouse=True)
def no_rules_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def found_out(uri):
    """What there is to ask of a document once it was found out."""
    known = Privacy()
    asyncio.run(known.learn(uri))
    return known


def answer(uri):
    return found_out(uri).may_be_kept(uri)


@pytest.mark.parametrize("name", ["app.py", "environment.py", "key.go", "größe.py", "a b%23.py"])
def test_ordinary_files_may_be_kept_also_before_they_are_there(tmp_path, name):
    uri = (tmp_path / name).as_uri()
    assert answer(uri)
    (tmp_path / name).touch()
    assert answer(uri)


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.local",
        ".env-prod",
        ".env~",
        ".envrc",
        "deploy.env",
        "%2Eenv",
        "server.PEM",
        "putty.ppk",
        ".ssh/id_rsa",
        "credentials.json",
        "a/client_secret.json",
    ],
)
def test_files_with_a_secrets_name_leave_no_trace(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    assert not answer(f"{tmp_path.as_uri()}/{name}")


def test_a_link_to_a_secret_or_to_what_is_ignored_leaves_no_trace(tmp_path):
    project = tmp_path / "project"
    (project / "private").mkdir(parents=True)
    (project / ".ignore").write_text("private/\n", encoding="utf-8")
    (project / ".env").touch()
    (project / "private" / "a.py").touch()
    for name, target in [("settings.py", project / ".env"), ("b.py", project / "private" / "a.py")]:
        (tmp_path / name).symlink_to(target)
        assert not answer((tmp_path / name).as_uri())
    (tmp_path / "folder").symlink_to(project / "private")
    assert not answer((tmp_path / "folder" / "a.py").as_uri())


@pytest.mark.parametrize("target", ["a.py", "gone.py"])
def test_a_link_in_a_circle_or_to_nothing_leaves_no_trace(tmp_path, target):
    (tmp_path / "a.py").symlink_to(target)
    assert not answer((tmp_path / "a.py").as_uri())


@pytest.mark.parametrize(
    "uri",
    [
        "untitled:Untitled-1",
        "vscode-notebook-cell:/a.ipynb#x",
        "",
        "file://",
        "file:///",
        "file:///gone-folder/a.py",
        "file://host/share/a.py",
        "file:////host/share/a.py",
        "file://[",
        "file:a.py",
        "file:///../a.py",
        "file:///%2e%2e/a.py",
        "file:///a%00.py",
        "file:///a%0A.py",
        "file:///a.py?x",
        "file:///a.py#x",
        "file:///" + "a/" * 5000 + "b",
        "file:///C%3A/gone/a.py",
        "file:///\ud800.py",
    ],
)
def test_what_is_no_file_of_this_machine_leaves_no_trace_and_is_no_error(uri):
    assert not answer(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "{}/.env",
        "{}/server.pem",
        "{}/private/a.py",
        "{}/unreadable/a.py",
        "untitled:.env",
        "vscode-notebook-cell:/project/credentials.ipynb#x",
        "vscode-remote://host/project/.env.local",
        "file://host/share/a.py",
        "file:///../a.py",
        "file://[",
    ],
)
def test_secrets_and_what_may_be_one_are_not_drawn_on(tmp_path, uri):
    for folder in ("private", "unreadable"):
        (tmp_path / folder).mkdir()
    (tmp_path / ".gitignore").write_text("private/\n", encoding="utf-8")
    (tmp_path / "unreadable" / ".gitignore").write_bytes(b"\0")
    uri = uri.format(tmp_path.as_uri())
    assert not found_out(uri).may_be_drawn_on(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "{}/a.py",
        "{}/not yet there/a.py",
        "untitled:Untitled-1",
        "vscode-notebook-cell:/project/a.ipynb#x",
        "vscode-remote://host/project/a.py",
    ],
)
def test_other_texts_are_drawn_on_whether_they_are_files_or_not(tmp_path, uri):
    uri = uri.format(tmp_path.as_uri())
    assert found_out(uri).may_be_drawn_on(uri)


@given(st.text(max_size=30).map("file:///".__add__) | st.text(max_size=30))
def test_any_uri_has_an_answer(uri):
    assert privacy._find_out(uri) in set(Kind)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("file:///C:/a/b.py", "C:/a/b.py"),
        ("file:///c%3A/a/b%20c.py", "c:/a/b c.py"),
        ("file:///a/b.py", None),
        ("file:///C:/a/.env::$DATA", None),
        ("file:///C:", None),
        ("file://host/share/b.py", None),
    ],
)
def test_on_windows_a_path_begins_with_its_drive(uri, expected):
    path = file_path(uri, windows=True)
    assert (path and PurePath(path).as_posix()) == expected


@pytest.mark.asyncio
async def test_the_answer_is_no_until_it_is_known(tmp_path, monkeypatch):
    uri = (tmp_path / "a.py").as_uri()
    known = Privacy()
    assert not known.may_be_kept(uri)
    begun, go_on = threading.Event(), threading.Event()

    def find_out(_uri):
        begun.set()
        go_on.wait()
        return Kind.FILE

    monkeypatch.setattr(privacy, "_find_out", find_out)
    learning = asyncio.ensure_future(known.learn(uri))
    await asyncio.to_thread(begun.wait)
    assert not known.may_be_kept(uri)
    assert not known.may_be_drawn_on(uri)
    go_on.set()
    await learning
    assert known.may_be_kept(uri)
    assert known.may_be_drawn_on(uri)
    known.forget(uri)
    assert not known.may_be_kept(uri)
    assert not known.may_be_drawn_on(uri)


@pytest.mark.asyncio
async def test_an_answer_that_comes_after_the_document_was_closed_or_opened_again_does_not_count(monkeypatch):
    known = Privacy()
    begun, first, second = threading.Semaphore(0), threading.Event(), threading.Event()
    answers = iter([(first, Kind.FILE), (second, Kind.SECRET)])

    def find_out(_uri):
        event, found = next(answers)
        begun.release()
        event.wait()
        return found

    monkeypatch.setattr(privacy, "_find_out", find_out)
    older = asyncio.ensure_future(known.learn("file:///a"))
    await asyncio.to_thread(begun.acquire)
    newer = asyncio.ensure_future(known.learn("file:///a"))
    await asyncio.to_thread(begun.acquire)
    first.set()
    await older
    assert not known.may_be_kept("file:///a")
    known.forget("file:///a")
    second.set()
    await newer
    assert not known.may_be_kept("file:///a")


@pytest.mark.asyncio
async def test_rules_that_are_saved_count_for_what_is_open(tmp_path):
    known = Privacy()
    kept, ignored = ((tmp_path / name).as_uri() for name in ("a.py", "b.py"))
    await known.learn(kept)
    await known.learn(ignored)
    assert known.may_be_kept(ignored)
    rules = tmp_path / ".pylotignore"
    rules.write_text("b.py\n", encoding="utf-8")
    await known.saved(kept)
    assert known.may_be_kept(ignored)  # that was no file of rules
    await known.saved(rules.as_uri())
    assert known.may_be_kept(kept)
    assert not known.may_be_kept(ignored)

"""The shared server: who may meet it where, one at a time, and when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import socket
import sys

import pytest
from lsp_process import message

from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.serving import place
from pylot_ls.serving.listener import AlreadyRunningError
from pylot_ls.serving.place import NotRunningError, PlaceError, make_folder, runtime_folder, socket_path

pytestmark = pytest.mark.asyncio


def heard(prompt):
    """The names in what the model was told."""
    text = "".join(segment.text for segment in prompt if isinstance(segment, TextSegment))
    return "heard_" + "_".join(re.findall(r"canary_\w+?_", text))


async def test_no_byte_of_one_editors_text_reaches_another(serve, join):
    daemon = await serve(ScriptedBackend(heard))
    editors = [(await join(daemon))[0] for _ in range(16)]
    canaries = [f"canary_{number:02}_" for number in range(16)]
    shown = await asyncio.gather(
        *(each.suggestion(f"{canary}x = ") for each, canary in zip(editors, canaries, strict=True))
    )
    assert shown == [f"heard_{canary}" for canary in canaries]
    for editor, own in zip(editors, canaries, strict=True):
        assert set(re.findall(rb"canary_\d\d_", editor.received)) == {own.encode()}


async def test_what_its_process_is_to_exit_with_is_known_after_an_editor_has_ended(serve, join, asked):
    daemon = await serve()
    clean, name = await join(daemon)
    await clean.ask(1, "initialize", {"capabilities": {}})
    await clean.ask(2, "shutdown", None)
    await asyncio.get_running_loop().sock_sendall(clean.connection, message(method="exit"))
    assert (await asked(daemon.folder, "ended", client=name))[1]["exit_code"] == 0
    rude, name = await join(daemon)
    rude.connection.close()
    assert (await asked(daemon.folder, "ended", client=name))[1]["exit_code"] == 1
    assert (await asked(daemon.folder, "ended", client="nobody"))[1]["exit_code"] is None


async def test_status_tells_of_editors_and_models(serve, join, asked):
    daemon = await serve()
    before = (await asked(daemon.folder, "status"))[1]["status"]
    assert (before["editors"], before["models"][0]["state"]) == ([], "unused")
    editor, _ = await join(daemon, pid=77)
    assert await editor.suggestion("x = ") == "answered"
    after = (await asked(daemon.folder, "status"))[1]["status"]
    assert [(each["pid"], each["n_documents"]) for each in after["editors"]] == [(77, 1)]
    (model,) = after["models"]
    assert model["state"] == "ready"
    assert model["counts"]["n_requests"] > 0
    assert model["counts"]["tokens_decoded"] > 0


async def test_it_ends_when_nobody_has_been_there_for_some_time(serve, join):
    daemon = await serve(idle_exit_s=0.01)
    await daemon.task
    assert not socket_path(daemon.folder).exists()
    with pytest.raises(NotRunningError):
        place.ask(daemon.folder, "1", "hello")


async def test_it_does_not_end_while_an_editor_is_there(serve, join):
    daemon = await serve(idle_exit_s=0.2)
    editor, _ = await join(daemon)
    assert await editor.suggestion("x = ") == "answered"
    assert daemon._idle_timer is None
    editor.connection.close()
    await daemon.task


async def test_it_ends_when_it_is_told_to(serve, asked, join):
    daemon = await serve()
    editor, _ = await join(daemon)
    assert (await asked(daemon.folder, "stop"))[1]["pid"] == os.getpid()
    await daemon.task
    assert await asyncio.get_running_loop().sock_recv(editor.connection, 1) == b""


async def test_there_is_one_server_at_a_time(serve):
    await serve()
    with pytest.raises(AlreadyRunningError, match="--status"):
        await serve()


async def test_a_socket_that_a_killed_server_left_is_replaced(serve, asked):
    folder = runtime_folder({"XDG_RUNTIME_DIR": "/nowhere", "TMPDIR": "/nowhere"})
    assert folder.name.startswith("pylot-ls-"), "where there is no folder of the login"
    daemon = await serve()
    path = socket_path(daemon.folder)
    daemon.stop("to be replaced")
    await daemon.task
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    again = await serve()
    assert (await asked(again.folder, "hello"))[1]["ok"]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="modes say nothing there")
async def test_a_folder_that_others_may_enter_is_refused(home):
    open_to_all = home / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o711)
    with pytest.raises(PlaceError, match="chmod 700"):
        make_folder(open_to_all)
    link = home / "link"
    link.symlink_to(home)
    with pytest.raises(PlaceError, match="is no folder"):
        make_folder(link)
    file = home / "file"
    file.write_text("")
    with pytest.raises(PlaceError, match="is no folder"):
        make_folder(file)
    lock = home / "lock"
    lock.symlink_to(home / "elsewhere")
    with pytest.raises(PlaceError, match="remove it"), place.locked(lock):
        pass
    assert not (home / "elsewhere").exists()
    made = home / "deep" / "made"
    make_folder(made)
    assert made.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(sys.platform == "win32", reason="owners have no numbers there")
async def test_a_folder_of_another_user_is_refused(home, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: home.stat().st_uid + 1)
    with pytest.raises(PlaceError, match="belongs to another user"):
        make_folder(home)


async def test_who_does_not_say_rightly_what_he_wants_is_shown_the_door(serve, asked):
    daemon = await serve()
    for first in (b"nonsense\n", b"[]\n", b"[" * 100_000 + b"\n", b"x" * (place.MAX_LINE_BYTES + 1)):
        reader, writer = await asyncio.open_unix_connection(socket_path(daemon.folder))
        writer.write(first)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
    assert not (await asked(daemon.folder, "make coffee"))[1]["ok"]
    assert (await asked(daemon.folder, "hello"))[1]["ok"]


async def test_an_editor_of_another_version_is_told_so(serve, asked):
    daemon = await serve()
    answer = (await asked(daemon.folder, "lsp", version="0.0.1"))[1]
    assert not answer["ok"]
    assert "--stop" in answer["error"]


async def test_where_sockets_have_no_names_a_token_opens_the_door(serve, asked, monkeypatch):
    for module in ("place", "listener"):
        monkeypatch.setattr(f"pylot_ls.serving.{module}.socket_path", lambda _folder: None)
    daemon = await serve()
    address = place.address_path(daemon.folder)
    assert address.stat().st_mode & 0o777 == 0o600
    assert (await asked(daemon.folder, "hello"))[1]["ok"]
    stranger = {**json.loads(address.read_text()), "token": "guessed"}
    address.write_text(json.dumps(stranger))
    with pytest.raises(NotRunningError, match="does not answer"):
        await asked(daemon.folder, "hello")


async def test_a_thousand_connections_that_say_nothing_leave_those_who_are_served_alone(serve, join):
    daemon = await serve()
    editor, _ = await join(daemon)
    idle = [socket.socket(socket.AF_UNIX) for _ in range(600)]
    for each in idle:
        await asyncio.to_thread(each.connect, str(socket_path(daemon.folder)))
    assert await editor.suggestion("x = ") == "answered"
    for each in idle:
        each.close()


async def test_what_concerns_all_editors_is_told_to_each(serve, join):
    daemon = await serve()
    editors = [(await join(daemon))[0] for _ in range(2)]
    for editor in editors:
        await editor.suggestion("x = ")
    daemon.editors.warn("the model's file was rewritten")
    for editor in editors:
        await editor.ask("after", "shutdown", None)
        assert b"pylot-ls: the model's file was rewritten" in editor.received

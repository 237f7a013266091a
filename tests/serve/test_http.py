"""HTTP beside the socket: the API and LSP over a WebSocket, on the same models, for who has the key."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import socket
import ssl
import subprocess

import httpx2
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pylot_ls.api.server import Tls
from pylot_ls.serving import http
from pylot_ls.serving.http import HttpError, HttpOptions, bind, is_loopback, key_book, own_key_path

pytestmark = pytest.mark.asyncio

PROMPT = {"model": "scripted", "prompt": "x = ", "max_tokens": 8}


@pytest.fixture(autouse=True)
def _own_state(home, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("PYLOT_LS_COMPLETION_ANSWER_AFTER_MS", "0")
    monkeypatch.setenv("PYLOT_LS_MODEL_BACKEND", "scripted")


@pytest_asyncio.fixture
async def url(serve):
    """The address of a server that asks for keys."""
    return (await serve(http=HttpOptions()))._url


def own_key():
    return {"Authorization": f"Bearer {own_key_path().read_text().strip()}"}


class Editor:
    """Speaks LSP over a WebSocket."""

    def __init__(self, websocket):
        self.websocket, self._ids = websocket, itertools.count(1)

    async def request(self, method, params=None):
        msg_id = next(self._ids)
        await self.websocket.send(json.dumps({"jsonrpc": "2.0", "id": msg_id, "method": method, "params": params}))
        while True:
            message = json.loads(await self.websocket.recv())
            if message.get("id") == msg_id and "method" not in message:
                return message

    async def notify(self, method, params=None):
        await self.websocket.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}))

    async def suggestion(self, text, after=""):
        await self.request("initialize", {"capabilities": {"textDocument": {"inlineCompletion": {}}}})
        item = {"uri": "file:///a.py", "languageId": "plaintext", "version": 1, "text": f"{text}\n{after}"}
        await self.notify("textDocument/didOpen", {"textDocument": item})
        position = {"line": 0, "character": len(text)}
        params = {"textDocument": {"uri": "file:///a.py"}, "position": position, "context": {"triggerKind": 2}}
        answer = await self.request("textDocument/inlineCompletion", params)
        return answer["result"]["items"][0]["insertText"]


async def test_the_users_own_key_is_made_at_the_first_start_and_opens_the_api(url):
    assert own_key_path().stat().st_mode & 0o777 == 0o600
    async with httpx2.AsyncClient(base_url=url) as client:
        assert (await client.post("/v1/completions", json=PROMPT)).status_code == 401
        answer = await client.post("/v1/completions", json=PROMPT, headers=own_key())
        assert answer.json()["choices"][0]["text"] == "answered"
        assert (await client.get("/health")).json() == {"status": "ok"}


async def test_a_key_that_is_there_is_kept(serve):
    daemon = await serve(http=HttpOptions())
    before = own_key_path().read_text()
    daemon.stop("to be started again")
    await daemon.task
    await serve(http=HttpOptions())
    assert own_key_path().read_text() == before


async def test_an_editor_is_served_over_a_websocket(url):
    async with connect(url.replace("http", "ws") + "/lsp", additional_headers=own_key()) as websocket:
        editor = Editor(websocket)
        assert await editor.suggestion("x = ") == "answered"
        await websocket.send("no json")
        assert json.loads(await websocket.recv())["error"]["code"] == -32700
        assert (await editor.request("shutdown"))["result"] is None
        await editor.notify("exit")
        await websocket.wait_closed()
        assert websocket.close_code == 1000


async def test_an_editor_over_a_websocket_that_goes_leaves_the_others(url, serve):
    async with connect(url.replace("http", "ws") + "/lsp", additional_headers=own_key()) as staying:
        async with connect(url.replace("http", "ws") + "/lsp", additional_headers=own_key()) as going:
            assert await Editor(going).suggestion("a = ") == "answered"
        assert await Editor(staying).suggestion("b = ") == "answered"


async def test_editors_over_websockets_get_their_own_answers(url):
    """Both use the same ids."""
    place = url.replace("http", "ws") + "/lsp"
    async with connect(place, additional_headers=own_key()) as one, connect(place, additional_headers=own_key()) as two:
        editors = Editor(one), Editor(two)
        await asyncio.gather(*(each.request("initialize", {"capabilities": {}}) for each in editors))
        answers = await asyncio.gather(*(each.request(f"none/{n}") for n, each in enumerate(editors)))
        assert [answer["id"] for answer in answers] == [2, 2]
        assert [f"none/{n}" in answer["error"]["message"] for n, answer in enumerate(answers)] == [True, True]
        await editors[0].request("shutdown")
        await editors[0].notify("exit")
        await one.wait_closed()
        assert (await editors[1].request("none/more"))["error"]["code"] == -32601


async def test_a_document_of_more_than_a_mebibyte_comes_in_one_message(url):
    async with connect(url.replace("http", "ws") + "/lsp", additional_headers=own_key()) as websocket:
        assert await Editor(websocket).suggestion("x = ", after="y = 1\n" * 500_000) == "answered"


async def test_a_message_over_the_limit_ends_its_own_connection_alone(serve, monkeypatch):
    monkeypatch.setattr(http, "_MOST_FRAME_BYTES", 10_000)
    place = (await serve(http=HttpOptions()))._url.replace("http", "ws") + "/lsp"
    async with connect(place, additional_headers=own_key()) as staying:
        async with connect(place, additional_headers=own_key()) as going:
            await going.send("x" * 10_001)
            with pytest.raises(ConnectionClosed):
                await going.recv()
        assert await Editor(staying).suggestion("b = ") == "answered"


async def test_no_page_gets_in_that_lets_its_own_name_resolve_to_this_machine(url):
    port = int(url.rpartition(":")[2])
    page = f"ws://evil.example:{port}/lsp"
    with pytest.raises(InvalidStatus, match="403"):
        async with connect(page, host="127.0.0.1", port=port, additional_headers=own_key()):
            pass


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
async def test_no_editor_gets_in_without_the_key(url, headers):
    with pytest.raises(InvalidStatus):
        async with connect(url.replace("http", "ws") + "/lsp", additional_headers=headers):
            pass


async def test_no_web_page_gets_in(url):
    with pytest.raises(InvalidStatus):
        async with connect(
            url.replace("http", "ws") + "/lsp", additional_headers=own_key(), origin="https://evil.example"
        ):
            pass


async def test_a_key_for_the_api_alone_is_none_for_editors(url):
    key = key_book().create("colleague")
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers) as client:
        assert (await client.post("/v1/completions", json=PROMPT)).status_code == 200
    with pytest.raises(InvalidStatus):
        async with connect(url.replace("http", "ws") + "/lsp", additional_headers=headers):
            pass


async def test_it_does_not_end_while_somebody_is_asking(serve, watched_backend):
    backend = watched_backend("answered")
    daemon = await serve(backend, idle_exit_s=0.2, http=HttpOptions(needs_key=False))
    backend.pause()
    async with httpx2.AsyncClient(base_url=daemon._url) as client:
        asking = asyncio.ensure_future(client.post("/v1/completions", json=PROMPT))
        await backend.asked.get()
        assert daemon._idle_timer is None
        backend.resume()
        assert (await asking).status_code == 200
    await daemon.task


async def test_the_status_says_where_http_is(serve, asked):
    daemon = await serve(http=HttpOptions(needs_key=False))
    status = (await asked(daemon.folder, "status"))[1]["status"]
    assert status["url"].startswith("http://127.0.0.1:")


async def test_others_are_not_let_in_without_keys():
    with pytest.raises(HttpError, match="leave --no-keys out"):
        HttpOptions(host="0.0.0.0", needs_key=False).check()
    HttpOptions(host="::1", needs_key=False).check()
    HttpOptions(host="0.0.0.0").check()
    assert [is_loopback(host) for host in ("127.1.2.3", "localhost", "localhost.example", "10.0.0.1")] == [
        True,
        True,
        False,
        False,
    ]


async def test_a_port_that_is_taken_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(HttpError, match=f"port {port} cannot be had"):
            bind(HttpOptions(port=port))


async def test_the_command_refuses_what_would_let_others_in(user):
    code, said = await asyncio.to_thread(user.run, "serve", "--port", "0", "--host", "0.0.0.0", "--no-keys")
    assert code == 1
    assert "others on the network" in said
    code, said = await asyncio.to_thread(user.run, "serve", "--no-keys")
    assert code == 2


@pytest.fixture
def certificate(tmp_path):
    """A certificate for this machine, its key, and what trusts it."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("there is no openssl to make a certificate")
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    name = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    command = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-out", files[0], "-keyout", files[1], *name]
    subprocess.run(command, check=True, capture_output=True)
    return Tls(*files), ssl.create_default_context(cafile=files[0])


async def test_it_speaks_https_with_a_certificate(serve, certificate):
    tls, trust = certificate
    url = (await serve(http=HttpOptions(tls=tls)))._url
    assert url.startswith("https://127.0.0.1:")
    async with httpx2.AsyncClient(verify=trust) as client:
        answer = await client.post(f"{url}/v1/completions", json=PROMPT, headers=own_key())
    assert answer.json()["choices"][0]["text"] == "answered"


async def test_files_that_are_no_certificate_and_key_are_refused_before_anything_is_served(tmp_path):
    (tmp_path / "text.pem").write_text("no certificate")
    for name in ("text.pem", "none.pem"):
        with pytest.raises(HttpError, match=f"{name} .*give a certificate and its own key"):
            HttpOptions(tls=Tls(tmp_path / "text.pem", tmp_path / name)).check()

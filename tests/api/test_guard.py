"""Who may ask: hosts, origins, keys; WebSockets and further routes, too."""

from __future__ import annotations

import asyncio

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from pylot_ls.api.keys import KeyBook
from pylot_ls.api.options import ApiOptions


async def who(request):
    return PlainTextResponse(request.user.name)


async def greet(websocket):
    await websocket.accept()
    await websocket.send_text(websocket.user.name)
    await websocket.close()


ROUTES = (Route("/who", who), WebSocketRoute("/lsp", greet))


@pytest.fixture
def book(tmp_path):
    return KeyBook(tmp_path / "keys.json")


async def spoken(client, path, headers):
    """What a WebSocket is answered with, as ASGI has it."""
    sent = []
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "ws",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
        "state": {},
    }
    received = asyncio.Queue()
    received.put_nowait({"type": "websocket.connect"})

    async def send(message):
        sent.append(message)

    await client.app(scope, received.get, send)
    return sent


@pytest.mark.asyncio
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:1234", "LOCALHOST:1"])
async def test_names_of_this_machine_are_taken(serve, host):
    client = await serve(routes=ROUTES)
    assert (await client.get("/who", headers={"Host": host})).text == "local"


@pytest.mark.asyncio
@pytest.mark.parametrize("host", [
    "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1", "a@b:c", "a@localhost",
    "localhost#a", "localhost?a", "localhost/a", "localhost:1:2", "local\thost",
])  # fmt: skip
async def test_a_page_cannot_let_its_own_name_resolve_to_this_machine(serve, host):
    client = await serve(routes=ROUTES)
    answer = await client.get("/who", headers={"Host": host})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "host_not_allowed"


@pytest.mark.asyncio
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000", "http://localhost.evil"])
async def test_pages_of_other_origins_are_refused_and_get_no_cors(serve, origin):
    client = await serve(routes=ROUTES)
    answer = await client.get("/who", headers={"Origin": origin})
    before = await client.options("/who", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
    assert answer.status_code == 403
    for each in (answer, before):
        assert not any(name.startswith("access-control") for name in each.headers)


@pytest.mark.asyncio
async def test_pages_of_the_server_itself_and_of_origins_in_the_settings_may_ask(serve):
    page = "https://page.example"
    client = await serve(routes=ROUTES, options=ApiOptions(origins=(page,)))
    assert (await client.get("/who", headers={"Origin": "http://localhost"})).status_code == 200
    answer = await client.get("/who", headers={"Origin": page})
    assert answer.headers["access-control-allow-origin"] == page
    asked = {"Origin": page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "Authorization"}
    before = await client.options("/v1/completions", headers=asked)
    assert before.status_code == 200
    assert before.headers["access-control-allow-methods"] == "GET, POST, DELETE, OPTIONS"


@pytest.mark.asyncio
async def test_where_any_page_may_ask_it_does_so_without_what_the_browser_has_of_the_user(serve):
    page, other = "https://page.example", "https://other.example"
    client = await serve(routes=ROUTES, options=ApiOptions(origins=("*", page)))
    answers = {origin: (await client.get("/who", headers={"Origin": origin})).headers for origin in (page, other)}
    assert answers[page]["access-control-allow-origin"] == page
    assert answers[page]["access-control-allow-credentials"] == "true"
    assert answers[other]["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answers[other]


@pytest.mark.asyncio
async def test_pages_of_this_machine_may_be_allowed_at_any_port(serve):
    client = await serve(routes=ROUTES, options=ApiOptions(origins=("localhost",)))
    for origin in ("http://localhost:3000", "http://127.0.0.1", "https://[::1]:1"):
        assert (await client.get("/who", headers={"Origin": origin})).status_code == 200
    for origin in ("http://localhost.evil.example", "file://localhost", "http://evil.example:80"):
        assert (await client.get("/who", headers={"Origin": origin})).status_code == 403


@pytest.mark.asyncio
async def test_a_key_says_who_asks_and_without_one_nothing_is_answered_but_health(serve, book):
    key = book.create("ann")
    client = await serve(routes=ROUTES, options=ApiOptions(keys=book))
    assert (await client.get("/health")).status_code == 200
    assert (await client.get("/who", headers={"Authorization": f"Bearer {key}"})).text == "ann"
    assert (await client.get("/who", headers={"X-Api-Key": key})).text == "ann"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": key}, {"X-Api-Key": key[:-1]}):
        answer = await client.get("/who", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "authentication_error"
        assert key not in answer.text


@pytest.mark.asyncio
async def test_a_revoked_key_is_worth_nothing_from_the_next_request_on(serve, book):
    key = book.create("ann")
    client = await serve(routes=ROUTES, options=ApiOptions(keys=book), headers={"Authorization": f"Bearer {key}"})
    assert (await client.get("/who")).status_code == 200
    KeyBook(book.path).revoke("ann")  # as another process does it
    assert (await client.get("/who")).status_code == 401


@pytest.mark.asyncio
async def test_a_book_that_cannot_be_read_lets_nobody_in_and_does_not_say_where_it_is(serve, book):
    client = await serve(routes=ROUTES, options=ApiOptions(keys=book))
    book.path.write_text("no book")
    answer = await client.get("/who", headers={"X-Api-Key": "x"})
    assert answer.status_code == 503
    assert str(book.path) not in answer.text


@pytest.mark.asyncio
async def test_websockets_pass_the_same_guard(serve, book):
    key = book.create("ann")
    client = await serve(routes=ROUTES, options=ApiOptions(keys=book))
    good = {"host": "localhost", "authorization": f"Bearer {key}"}
    assert (await spoken(client, "/lsp", good))[1]["text"] == "ann"
    for path in ("/lsp", "/v1/stream"):
        assert (await spoken(client, path, {"host": "localhost"}))[0]["status"] == 401
        assert (await spoken(client, path, good | {"host": "evil.example"}))[0]["status"] == 403
        assert (await spoken(client, path, good | {"origin": "https://evil.example"}))[0]["status"] == 403


@pytest.mark.asyncio
async def test_the_page_about_the_api_knows_all_bodies(serve):
    page = (await (await serve()).get("/openapi.json")).json()
    assert {"/v1/chat/completions", "/infill", "/v1/embeddings"} <= set(page["paths"])
    schemas = page["components"]["schemas"]
    body = page["paths"]["/v1/completions"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "suffix" in schemas[body["$ref"].rpartition("/")[2]]["properties"]

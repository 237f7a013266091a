"""What the protocol does beside answering requests, against a transport that only records."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest
from lsprotocol import types
from protocol_client import answer_none, error_of
from pygls.exceptions import JsonRpcException
from turns import settled

if TYPE_CHECKING:
    from pygls.lsp.server import LanguageServer

pytestmark = pytest.mark.asyncio


class TestNotifications:
    async def test_document_notifications_call_the_handler_at_once_and_leave_nothing_behind(self, client, server):
        seen = []
        server.feature("textDocument/didChange")(lambda params: seen.append(params.content_changes[0].text))

        @server.feature("toy/later")
        async def later(params):
            seen.append(params)

        document = {"uri": "file:///a", "version": 1}
        for number in range(100):
            change = {"textDocument": document, "contentChanges": [{"text": str(number)}]}
            client.send(method="textDocument/didChange", params=change)
            client.send(method="toy/later", params=number)
        assert seen == [str(number) for number in range(100)]
        await settled()
        assert seen[100:] == list(range(100))
        protocol = client.protocol
        kept = [protocol._notified, protocol._in_flight, protocol._request_futures, protocol._result_types]
        assert not any(kept)

    async def test_pygls_has_no_workspace_of_its_own(self, client, server):
        server.feature("textDocument/didOpen")(answer_none)
        document = {"uri": "file:///a", "languageId": "python", "version": 1, "text": ""}
        client.send(method="textDocument/didOpen", params={"textDocument": document})
        with pytest.raises(RuntimeError, match="not available"):
            _ = server.workspace

    @pytest.mark.parametrize("asynchronous", [True, False])
    async def test_a_handler_that_fails_is_logged_and_the_next_is_served(self, client, server, caplog, asynchronous):
        @server.feature("toy/async")
        async def fail_later(params):
            raise ZeroDivisionError

        @server.feature("toy/sync")
        def fail(params):
            raise ZeroDivisionError

        client.send(method="toy/async" if asynchronous else "toy/sync")
        await settled()
        assert "ZeroDivisionError" in caplog.text
        assert client.received() == []

    async def test_invalid_params_are_logged_without_their_text(self, client, server, caplog):
        caplog.set_level(logging.INFO)
        server.feature("textDocument/didChange")(answer_none)
        change = {"textDocument": {"uri": "secret", "version": 1}, "contentChanges": [{"txet": "secret"}]}
        assert client.send(method="textDocument/didChange", params=change) == []
        assert "params.contentChanges[0]" in caplog.text
        assert "secret" not in caplog.text

    async def test_set_trace_is_kept_and_handed_on(self, client, server):
        seen = []
        server.feature("$/setTrace")(lambda params: seen.append(params.value))
        client.send(method="$/setTrace", params={"value": "verbose"})
        assert client.protocol.trace == types.TraceValue.Verbose
        assert seen == [types.TraceValue.Verbose]

    async def test_progress_can_be_cancelled(self, client, server):
        server.work_done_progress.begin("token", types.WorkDoneProgressBegin(title="t"))
        client.send(method="window/workDoneProgress/cancel", params={"token": "token"})
        assert server.work_done_progress.tokens["token"].cancelled()


class TestOutgoing:
    async def test_a_request_is_answered_in_lsp_types(self, client, server):
        params = types.ConfigurationParams(items=[types.ConfigurationItem(section="pylot")])
        asked = asyncio.ensure_future(server.workspace_configuration_async(params))
        await settled()
        (request,) = client.received()
        assert request["params"] == {"items": [{"section": "pylot"}]}
        client.send(id=request["id"], result=[{"a": 1}])
        assert list(await asked) == [{"a": 1}]
        assert len(client.protocol._outgoing) == 0

    async def test_a_feature_may_be_registered_at_the_client_later(self, client, server):
        options = types.InlineCompletionRegistrationOptions(id="pylot")
        registration = types.Registration("pylot", types.TEXT_DOCUMENT_INLINE_COMPLETION, options)
        params = types.RegistrationParams([registration])
        asked = asyncio.ensure_future(server.client_register_capability_async(params))
        await settled()
        (request,) = client.received()
        assert request["method"] == "client/registerCapability"
        (sent,) = request["params"]["registrations"]
        assert (sent["method"], sent["registerOptions"]["id"]) == ("textDocument/inlineCompletion", "pylot")
        client.send(id=request["id"], result=None)
        assert await asked is None

    async def test_an_error_of_the_client_is_raised(self, client, server):
        asked = asyncio.wrap_future(server.protocol.send_request("toy/ask"))
        (request,) = client.received()
        client.send(id=request["id"], error={"code": -32601, "message": "no such method"})
        with pytest.raises(JsonRpcException, match="no such method"):
            await asked
        assert len(client.protocol._outgoing) == 0

    @pytest.mark.parametrize("error", [None, "text", {"code": "x", "message": 5}])
    async def test_a_malformed_error_of_the_client_is_raised_too(self, client, server, error):
        asked = server.protocol.send_request("toy/ask", msg_id=9)
        client.send(id=9, error=error)
        assert isinstance(asked.exception(0), JsonRpcException)

    async def test_a_malformed_answer_is_an_error(self, client, server):
        asked = server.protocol.send_request("workspace/configuration", msg_id=9)
        client.send(id=9, result=5)
        with pytest.raises(JsonRpcException, match="malformed"):
            asked.result(0)

    async def test_answers_to_no_request_are_ignored(self, client, server):
        cancelled = server.protocol.send_request("toy/ask", msg_id=9)
        cancelled.cancel()
        client.received()
        assert [client.send(id=each, result=None) for each in (9, "unknown", None, [])] == [[], [], [], []]

    async def test_a_callback_gets_the_result_and_its_failure_is_logged(self, client, server, caplog):
        results = []
        server.protocol.send_request("toy/ask", None, results.append, 1)
        server.protocol.send_request("toy/ask", None, lambda _: 1 / 0, 2)
        server.protocol.send_request("toy/ask", None, results.append, 3)
        client.send(id=1, result="yes")
        client.send(id=2, result="yes")
        client.send(id=3, error={"code": 1, "message": "no"})
        assert results == ["yes"]
        assert "ZeroDivisionError" in caplog.text

    async def test_a_notification_goes_out_in_lsp_names(self, client, server):
        server.window_log_message(types.LogMessageParams(type=types.MessageType.Info, message="ä"))
        (sent,) = client.received()
        assert sent == {"jsonrpc": "2.0", "method": "window/logMessage", "params": {"type": 3, "message": "ä"}}


class TestCommands:
    @pytest.fixture(autouse=True)
    def commands(self, server):
        @server.command("toy.plain")
        def plain(first, second=2):
            return [first, second]

        @server.command("toy.async")
        async def asynchronous(ls: LanguageServer, first):
            return [ls.name, first]

    def execute(self, client, command, *arguments):
        params = {"command": command, "arguments": list(arguments)}
        return client.send(id=1, method="workspace/executeCommand", params=params)

    async def test_arguments_are_passed_as_json(self, client):
        assert self.execute(client, "toy.plain", {"a": 1})[0]["result"] == [{"a": 1}, 2]
        self.execute(client, "toy.async", None)
        await settled()
        assert client.received()[0]["result"] == ["test", None]

    @pytest.mark.parametrize(
        ("command", "arguments"), [("toy.plain", []), ("toy.plain", [1, 2, 3]), ("toy.async", []), ("no.such", [])]
    )
    async def test_unknown_commands_and_wrong_arguments_are_invalid_params(self, client, command, arguments):
        assert error_of(self.execute(client, command, *arguments)) == (1, -32602)


async def test_nothing_above_debug_holds_the_users_code(client, server, caplog):
    caplog.set_level(logging.INFO)
    server.feature("toy/code")(lambda params: params)
    client.send(id=1, method="toy/code", params={"text": "secret"})
    server.window_show_message(types.ShowMessageParams(type=types.MessageType.Info, message="secret"))
    assert "secret" not in caplog.text

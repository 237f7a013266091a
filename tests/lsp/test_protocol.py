"""The protocol against a transport that only records."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from lsprotocol import types
from protocol_client import HOVER, Client, answer_none, error_of, hang
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from turns import settled

from pylot_ls.errors import EngineError
from pylot_ls.lsp.framing import FramingFault
from pylot_ls.lsp.lifecycle import State
from pylot_ls.lsp.protocol import PylotProtocol

pytestmark = pytest.mark.asyncio


class TestMessages:
    async def test_a_batch_is_refused_in_words(self, client):
        client.protocol.handle_message([{"jsonrpc": "2.0", "id": 1, "method": "x"}])
        answers = client.received()
        assert "batch" in answers[0]["error"]["message"]
        assert error_of(answers) == (None, -32600)

    @pytest.mark.parametrize("message", [None, 1, "text", True, {}, {"jsonrpc": "2.0"}, {"jsonrpc": "2.0", "id": 1}])
    async def test_json_that_is_no_message_is_an_invalid_request(self, client, message):
        client.protocol.handle_message(message)
        assert error_of(client.received())[1] == -32600

    @pytest.mark.parametrize("msg_id", [None, True, 1.5, [], {}])
    async def test_an_id_that_is_none_is_an_invalid_request(self, client, msg_id):
        assert error_of(client.send(id=msg_id, method="toy/x")) == (None, -32600)

    async def test_another_version_of_json_rpc_is_an_invalid_request(self, client):
        assert error_of(client.send(jsonrpc="1.0", id=7, method="toy/x")) == (7, -32600)

    async def test_a_fault_of_framing_is_a_parse_error_unless_nothing_was_lost(self, client):
        client.protocol.handle_fault(FramingFault("it is broken"))
        client.protocol.handle_fault(FramingFault("it was broken", recovered=True))
        assert error_of(client.received()) == (None, -32700)

    async def test_an_unknown_request_is_answered_and_an_unknown_notification_is_not(self, client):
        assert error_of(client.send(id=1, method="no/such")) == (1, -32601)
        assert error_of(client.send(id=2, method="$/noSuch")) == (2, -32601)
        assert client.send(method="$/noSuch") == []
        assert client.send(method="no/such") == []

    async def test_objects_with_a_key_jsonrpc_inside_params_stay_as_they_are(self, client, server):
        seen = []
        server.feature("toy/echo")(lambda params: seen.extend([params]))
        nested = {"jsonrpc": "2.0", "method": "exit", "id": 5, "result": None}
        client.send(method="toy/echo", params={"inner": [nested]})
        assert seen == [{"inner": [nested]}]
        assert client.connection.stops == []


class TestLifecycle:
    async def test_before_initialize_requests_are_refused_and_notifications_dropped(self, server):
        client = Client(server)
        seen = []
        server.feature("toy/note")(lambda params: seen.extend([params]))
        assert error_of(client.send(id=1, method="toy/note")) == (1, -32002)
        client.send(method="toy/note")
        assert seen == []

    async def test_a_second_initialize_is_refused(self, client):
        assert error_of(client.send(id=2, method="initialize", params={"capabilities": {}})) == (2, -32600)

    async def test_initialize_may_follow_one_whose_params_were_invalid(self, server):
        client = Client(server)
        assert error_of(client.send(id=1, method="initialize", params={"capabilities": 5})) == (1, -32602)
        assert "result" in client.initialize()

    async def test_initialize_may_follow_one_whose_handler_failed(self, server):
        client = Client(server)
        failures = [EngineError("not yet")]

        @server.feature("initialize")
        async def initialize(params):
            if failures:
                raise failures.pop()

        client.send(id=1, method="initialize", params={"capabilities": {}})
        await settled()
        assert error_of(client.received()) == (1, -32803)
        client.send(id=2, method="initialize", params={"capabilities": {}})
        await settled()
        assert client.received()[0]["result"]["serverInfo"]["name"] == "test"
        assert client.protocol.state is State.RUNNING

    async def test_features_registered_by_the_handler_of_initialize_are_advertised(self, server):
        @server.feature("initialize")
        def initialize(params):
            server.feature("textDocument/inlineCompletion", types.InlineCompletionOptions())(answer_none)

        capabilities = Client(server).initialize()["result"]["capabilities"]
        assert capabilities["inlineCompletionProvider"] == {}

    async def test_the_encoding_is_negotiated_before_the_handler_of_initialize_runs(self, server):
        seen = []
        server.feature("initialize")(lambda _: seen.append(server.protocol.position_encoding))
        answer = Client(server).initialize(capabilities={"general": {"positionEncodings": ["utf-8", "utf-16"]}})
        assert answer["result"]["capabilities"]["positionEncoding"] == "utf-8"
        assert seen == [types.PositionEncodingKind.Utf8]

    async def test_the_parent_is_watched_once_initialize_succeeded(self, server):
        client = Client(server)
        client.send(id=1, method="initialize", params={"processId": 42})
        assert client.connection.parents == []
        client.initialize(processId=42)
        assert client.connection.parents == [42]

    async def test_without_a_process_id_no_parent_is_watched(self, server):
        client = Client(server)
        client.initialize(processId=None)
        assert client.connection.parents == []

    async def test_after_shutdown_requests_are_refused(self, client):
        assert client.send(id=1, method="shutdown") == [{"jsonrpc": "2.0", "id": 1, "result": None}]
        assert error_of(client.send(id=2, method="toy/x")) == (2, -32600)

    async def test_shutdown_cancels_what_is_in_flight(self, client, server):
        hang(server)
        client.send(id=1, method="toy/wait")
        client.send(id=2, method="shutdown")
        await settled()
        assert [(each["id"], each.get("error", {}).get("code")) for each in client.received()] == [(1, -32800)]

    async def test_exit_gives_0_after_shutdown_and_1_without(self, client):
        client.send(id=1, method="shutdown")
        client.send(method="exit")
        assert client.connection.stops == [0]
        other = Client(LanguageServer("test", "1", protocol_cls=PylotProtocol))
        other.send(method="exit")
        assert other.connection.stops == [1]


class TestRequests:
    async def test_a_result_goes_out_in_lsp_names(self, client, server):
        @server.feature("textDocument/hover")
        async def hover(params):
            return types.Hover(contents=f"{params.text_document.uri} {params.position.line}")

        client.send(id=1, method="textDocument/hover", params=HOVER)
        await settled()
        assert client.received() == [{"jsonrpc": "2.0", "id": 1, "result": {"contents": "file:///a 3"}}]

    async def test_a_result_of_none_is_null(self, client, server):
        server.feature("toy/none")(answer_none)
        assert client.send(id="s", method="toy/none") == [{"jsonrpc": "2.0", "id": "s", "result": None}]

    async def test_invalid_params_say_where_in_lsp_names(self, client, server):
        server.feature("textDocument/hover")(answer_none)
        answers = client.send(id=1, method="textDocument/hover", params={"position": {"line": -1, "character": 0}})
        text = answers[0]["error"]["message"]
        assert error_of(answers) == (1, -32602)
        assert "params.textDocument: is missing" in text
        assert "params.position: should be in range" in text
        assert "pylot" not in text

    async def test_an_exception_is_an_internal_error_without_traceback_or_text(self, client, server, caplog):
        @server.feature("toy/fail")
        def fail(params):
            raise ZeroDivisionError("/secret/path")

        answers = client.send(id=1, method="toy/fail")
        assert error_of(answers) == (1, -32603)
        assert "ZeroDivisionError" in answers[0]["error"]["message"]
        assert "secret" not in json.dumps(answers)
        assert "/secret/path" in caplog.text

    async def test_an_error_for_the_user_is_a_failed_request_with_its_text(self, client, server):
        @server.feature("toy/fail")
        async def fail(params):
            raise EngineError("the model is too large")

        client.send(id=1, method="toy/fail")
        await settled()
        (answer,) = client.received()
        assert answer["error"] == {"code": -32803, "message": "the model is too large"}

    async def test_a_handler_may_choose_the_code(self, client, server):
        @server.feature("toy/fail")
        def fail(params):
            raise JsonRpcException("content modified", code=-32801)

        assert error_of(client.send(id=1, method="toy/fail")) == (1, -32801)

    @pytest.mark.parametrize("result", [object(), float("nan"), {"a": {1, 2}.__iter__()}])
    async def test_a_result_that_is_no_json_is_an_internal_error(self, client, server, result):
        server.feature("toy/odd")(lambda _: result)
        assert error_of(client.send(id=1, method="toy/odd")) == (1, -32603)

    async def test_lone_surrogates_go_out(self, client, server):
        server.feature("toy/odd")(lambda _: "\ud800 ä")
        assert client.send(id=1, method="toy/odd")[0]["result"] == "\ud800 ä"

    async def test_a_second_request_with_an_id_in_flight_is_refused_and_the_first_goes_on(self, client, server):
        hang(server)
        client.send(id=1, method="toy/wait")
        assert error_of(client.send(id=1, method="toy/wait")) == (1, -32600)
        client.send(method="$/cancelRequest", params={"id": 1})
        await settled()
        assert error_of(client.received()) == (1, -32800)

    async def test_an_id_may_be_used_again_once_answered(self, client, server):
        server.feature("toy/none")(answer_none)
        assert len(client.send(id=1, method="toy/none") + client.send(id=1, method="toy/none")) == 2


class TestCancellation:
    @pytest.mark.parametrize("started", [True, False])
    async def test_a_cancelled_request_is_answered_once(self, client, server, started):
        hang(server)
        client.send(id=1, method="toy/wait")
        if started:
            await settled()
        for _ in range(3):
            client.send(method="$/cancelRequest", params={"id": 1})
        await settled()
        answers = client.received()
        assert client.send(method="$/cancelRequest", params={"id": 1}) == []
        assert error_of(answers) == (1, -32800)

    @pytest.mark.parametrize("msg_id", [1, "unknown", True, None, [], 1.5])
    async def test_a_cancel_of_no_request_is_quiet(self, client, caplog, msg_id):
        caplog.set_level(logging.ERROR)
        assert client.send(method="$/cancelRequest", params={"id": msg_id}) == []
        assert caplog.records == []

    async def test_a_second_cancel_does_not_break_off_the_cleaning_up(self, client, server):
        cleaned, release = [], asyncio.Event()

        @server.feature("toy/wait")
        async def wait(params):
            try:
                await asyncio.Event().wait()
            finally:
                await release.wait()
                cleaned.append(True)

        client.send(id=1, method="toy/wait")
        await settled()
        for _ in range(2):
            client.send(method="$/cancelRequest", params={"id": 1})
            await settled()
        release.set()
        await settled()
        assert cleaned == [True]
        assert error_of(client.received()) == (1, -32800)

    async def test_a_handler_may_answer_in_spite_of_a_cancel(self, client, server):
        @server.feature("toy/wait")
        async def wait(params):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return "what there is"

        client.send(id=1, method="toy/wait")
        await settled()
        client.send(method="$/cancelRequest", params={"id": 1})
        await settled()
        assert client.received()[0]["result"] == "what there is"

    async def test_close_cancels_and_answers_all(self, client, server):
        ended = hang(server)
        client.send(id=1, method="toy/wait")
        client.send(method="toy/wait")
        asked = server.protocol.send_request("toy/ask")
        await settled()
        client.received()
        await client.protocol.close(timeout_s=10)
        assert ended == ["cancelled", "cancelled"]
        assert asked.cancelled()
        assert server.protocol.send_request("toy/ask").cancelled()
        assert error_of(client.received()) == (1, -32800)

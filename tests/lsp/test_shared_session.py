"""Several editors in one process: the models are its own, the documents and settings each editor's."""

from __future__ import annotations

import asyncio
import re

import pytest
import pytest_asyncio

from pylot_ls.config.settings import ModelSettings, Settings
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.shared_pool import SharedModels
from pylot_ls.kvcache.memory import MemoryTier
from pylot_ls.kvcache.store import PrefixStore

pytestmark = pytest.mark.asyncio

OF_PROCESS = Settings(model=ModelSettings(n_ctx=2048))
SAME = {"PYLOT_LS_MODEL_N_CTX": "2048"}


def heard(prompt):
    """The names in what the model was told."""
    text = "".join(segment.text for segment in prompt if isinstance(segment, TextSegment))
    return "heard_" + "_".join(re.findall(r"canary_\w+", text))


@pytest_asyncio.fixture
async def join(connect):
    """Connect an editor to the one process; its model answers with all that it was told."""
    models = SharedModels(
        {role: backend for backend in [ScriptedBackend(heard)] for role in (Role.COMPLETE, Role.CHAT)},
        PrefixStore(MemoryTier(2**20), None),
    )
    editors = []

    async def make(**others):
        name = str(len(editors) + 1)
        options = {"environment": SAME, **others}
        editors.append(connect(new_pool=lambda _settings: models.pool_of(name), shared=OF_PROCESS, **options))
        await editors[-1].initialize({"textDocument": {"inlineCompletion": {}}})
        return editors[-1]

    yield make
    for editor in editors:
        await editor.server.session.close()
    await models.close()


async def test_an_editor_with_other_model_settings_is_told_and_gets_the_model_that_is_there(join):
    editor = await join(environment={"PYLOT_LS_MODEL_N_CTX": "1024", "PYLOT_LS_COMPLETION_MAX_LINES": "2"})
    (message,) = editor.messages()
    assert "model.n_ctx of this editor cannot count" in message
    assert editor.server.session.settings.model.n_ctx == 2048
    assert editor.server.session.settings.completion.max_lines == 2
    assert (await join()).messages() == []


async def test_no_editor_changes_the_model_of_the_others(join):
    editor = await join()
    params = {"command": "pylot-ls.switchModel", "arguments": ["complete", "pylot-tiny"]}
    answer = await editor.request("workspace/executeCommand", params)
    assert "several editors share this server" in answer["error"]["message"]


async def test_the_same_file_in_two_editors_is_two_documents_and_neither_sees_the_others_text(join):
    one, two = await join(), await join()
    one.open("canary_of_one = \n")
    two.open("canary_of_two = \n")
    shown = await asyncio.gather(one.suggestion(0, 16), two.suggestion(0, 16))
    assert shown == ["heard_canary_of_one", "heard_canary_of_two"]


async def test_an_editor_that_goes_leaves_the_model_to_the_others(join):
    one, two = await join(), await join()
    one.open("x = \n")
    await one.ask(0, 4)
    await one.server.session.close()
    two.open("y = \n")
    assert await two.suggestion(0, 4) == "heard_"

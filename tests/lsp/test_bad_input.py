"""What no person would type, through the whole server: a fitting suggestion or none, and never an error."""

from __future__ import annotations

import sys

import pytest
from bad_documents import BAD_DOCUMENTS

from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.lsp.client import EditorClient

pytestmark = pytest.mark.asyncio

URI = "file:///project/a"
INVOKED, AUTOMATIC = 1, 2
# What a model may come up with.
ANSWERS = [
    "value = f(a, [b])\n    return value\n\n",
    '"""',
    ")]}\r\n\tx\0",
    "\ud83d",
    "é😀\ufffd<|endoftext|>",
    "\n" * 9,
]


@pytest.fixture(scope="module", params=ANSWERS, ids=range(len(ANSWERS)))
def answer(request):
    return request.param


async def ask(editor, place, kind=AUTOMATIC):
    position = dict(zip(("line", "character"), place, strict=True))
    params = {"textDocument": {"uri": URI}, "position": position, "context": {"triggerKind": kind}}
    answer = await editor.request("textDocument/inlineCompletion", params)
    assert "error" not in answer
    return [item["insertText"] for item in answer["result"]["items"]]


@pytest.mark.parametrize("name", BAD_DOCUMENTS)
async def test_no_document_is_an_error(connect, name, answer):
    document = BAD_DOCUMENTS[name]
    editor = connect(ScriptedBackend(answer, others=ANSWERS))
    await editor.initialize({"general": {"positionEncodings": ["utf-32"]}})
    editor.open(document.text, URI, document.language)
    for place in document.places:
        for kind in (AUTOMATIC, INVOKED):
            texts = await ask(editor, place, kind)
            assert len(texts) <= (3 if kind == INVOKED else 1)
            assert all(text.strip() and not set(text) & set("\0\ufffd\ud83d") for text in texts)
    # As it is typed in: the edit, what it begins, and the question.
    editor.change(2, "a", document.places[0], document.places[0], URI)
    await ask(editor, document.places[0])
    await editor.settled()
    assert not editor.messages()


@pytest.mark.parametrize(
    ("name", "place", "answer", "expected"),
    [
        ("minified", (0, 90_000), "a", []),
        ("minified, one screen", (0, 10**6), "a();", ["a();"]),
        ("one line of 5 MB", (0, 0), "a", []),
        ("one line of 5 MB", (0, 5_000_000), "a", []),
        ("beside a line of 5 MB", (2, 4), "a", ["a"]),
        ("beside a line of 5 MB", (0, 5), " + 2", [" + 2"]),
        ("mixed line endings", (3, 4), "return a", ["return a"]),
        ("mixed line endings", (5, 4), "1\n", ["1"]),
        ("tabs and spaces", (4, 8), "1\n", ["1"]),
        ("unfinished Python", (0, 6), "a, b)\n", ["a, b)"]),
        ("unfinished JavaScript", (1, 4), " y */ z\n", [" y */ z"]),
        ("half a surrogate pair", (2, 4), "1", ["1"]),
        ("an empty file", (0, 0), "import os\nimport re\n\n", ["import os\nimport re"]),
        ("an empty file", (7, 7), "import os\n", ["import os"]),
    ],
)
async def test_what_is_suggested_there(connect, name, place, answer, expected):
    document = BAD_DOCUMENTS[name]
    editor = connect(ScriptedBackend(answer))
    await editor.initialize({"general": {"positionEncodings": ["utf-32"]}})
    editor.open(document.text, URI, document.language)
    assert await ask(editor, place) == expected


@pytest.mark.parametrize(
    ("text", "place", "answer", "expected"),
    [
        # Added lines end as the cursor's does, whatever the others do,
        ("x\r\ndef f():\r\n    \ny\n", (2, 4), "a\n    b\n\n", "a\n    b"),
        ("x\ndef f():\n    \r\ny\n", (2, 4), "a\n    b\n\n", "a\r\n    b"),
        ("x\ndef f():\n    \ry\r\n", (2, 4), "a\n    b\n\n", "a\r    b"),
        # and are indented as most of the file is.
        ("if a:\n\tb\nif c:\n\td\ndef f():\n    ", (5, 4), "a\n    b\n\n", "a\n\tb"),
        ("if a:\n    b\nif c:\n    d\nif e:\n\tf\ndef f():\n    ", (7, 4), "a\n\tb\n\n", "a\n    b"),
    ],
)
async def test_added_lines_are_as_those_around_them(connect, text, place, answer, expected):
    editor = connect(ScriptedBackend(answer))
    await editor.initialize()
    editor.open(text, URI, "python")
    assert await ask(editor, place) == [expected]


async def test_the_real_server_answers_in_all_of_them_and_goes_on(tmp_path):
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "PYLOT_LS_CACHE_ENABLED": "false"}
    environment |= {"PYLOT_LS_COMPLETION_MAX_TOKENS": "8", "PYLOT_LS_COMPLETION_CONFIDENCE": "0"}
    async with EditorClient((sys.executable, "-m", "pylot_ls"), environment) as editor:
        await editor.loaded()
        for number, document in enumerate(BAD_DOCUMENTS.values()):
            uri = f"{URI}{number}"
            editor.open(uri, document.language, document.text)
            for place in document.places:
                for invoked in (False, True):
                    assert not set((await editor.ask(place, invoked=invoked)).text) & set("\0\ufffd")
            await editor.type(document.places[0], document.places[0], "a", document.places[0])
            editor.close(uri)
        editor.open(f"{URI}.py", "python", "for index in range(10):\n    print(ind\n")
        assert (await editor.ask((1, 13))).text

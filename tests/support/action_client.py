"""An editor that lists code actions, chooses one and makes its edits."""

from __future__ import annotations

from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.lsp.handlers.code_action import ACTION_COMMAND

URI = "file:///project/shop.py"
SOURCE = "def total(items):\n    price = sum(items)\n    return price\n\n\ndef largest(items):\n    pass\n"
MODERN = {
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["", "quickfix", "refactor"]}},
            "isPreferredSupport": True,
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        }
    },
    "workspace": {
        "applyEdit": True,
        "workspaceEdit": {
            "documentChanges": True,
            "resourceOperations": ["create"],
            "changeAnnotationSupport": {},
        },
    },
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
}
LITERALS_ALONE = {"textDocument": {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}}}


def fenced(code):
    return f"```python\n{code}\n```\n"


async def started(connect, answer="", *, capabilities=MODERN, text=SOURCE, uri=URI, backend=None, client="an editor"):
    editor = connect(backend or ScriptedBackend(answer))
    editor.answer = await editor.initialize(capabilities, client=client)
    await editor.server.session.engine.ready()
    editor.open(text, uri=uri, language="python")
    await editor.settled()
    return editor


def listing(editor, line=0, character=4, *, end=None, uri=URI, **context):
    """The answer to come to a list that is asked for."""
    start = {"line": line, "character": character}
    params = {
        "textDocument": {"uri": uri},
        "range": {"start": start, "end": start if end is None else {"line": end[0], "character": end[1]}},
        "context": {"diagnostics": [], **context},
    }
    return editor.request("textDocument/codeAction", params)


async def listed(editor, *args, **kwargs):
    return (await listing(editor, *args, **kwargs))["result"]


async def of_kind(editor, kind, *args, **context):
    (found,) = [each for each in await listed(editor, *args, **context) if each["kind"].endswith(f".{kind}")]
    return found


async def resolved(editor, kind, *args, **context):
    return await editor.request("codeAction/resolve", await of_kind(editor, kind, *args, **context))


def applied(text, edit):
    """The text after the edits of a workspace edit, as an editor makes them; columns count characters here."""
    (change,) = edit["documentChanges"]
    lines = text.split("\n")
    for each in sorted(change["edits"], key=lambda edit: edit["range"]["start"]["line"], reverse=True):
        start, end = each["range"]["start"], each["range"]["end"]
        head, tail = lines[start["line"]][: start["character"]], lines[end["line"]][end["character"] :]
        lines[start["line"] : end["line"] + 1] = (head + each["newText"] + tail).split("\n")
    return "\n".join(lines)


async def run_command(editor, *arguments):
    params = {"command": ACTION_COMMAND, "arguments": list(arguments)}
    return await editor.request("workspace/executeCommand", params)

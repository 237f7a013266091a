"""Edits of a very long file and of a very long line, as the server takes them: what one costs the event loop."""

from __future__ import annotations

import asyncio
import time

from campaign import Campaign, Trial
from served import URI, InProcess, editing, opening, percentile
from turns import turn

from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

N_LINES = 100_000
LINE_CHARS = 5 * 10**6
LINE = "    value = compute(item, other) + 1\n"
_TYPED = "result = self.find(name)\n"


async def edited(trial: Trial, text: str, lengths: list[int], n_edits: int) -> list[float]:
    """How long the loop was busy with each edit of a text with lines of these lengths, in ms."""
    client = InProcess(ScriptedBackend("completed()"))
    await client.initialize()
    client.notify("textDocument/didOpen", opening(text, language="plaintext"))
    await client.settled()
    took, at = [], (0, 0)
    for number in range(n_edits):
        if number % 40 == 0:
            line = trial.rng.randrange(len(lengths))
            at = (line, trial.rng.randrange(lengths[line] + 1))
        new = _TYPED[number % (len(_TYPED) - 1)]  # no line breaks, so that the lines stay where they are
        params = editing(number + 2, new, at)
        begun = time.perf_counter()
        client.notify("textDocument/didChange", params)
        took.append((time.perf_counter() - begun) * 1e3)
        at, lengths[at[0]] = (at[0], at[1] + 1), lengths[at[0]] + 1
        trial.count("edits")
        await turn()
    document = client.server.session.documents.get(URI)
    assert document is not None
    trial.check(len(document.text) == len(text) + n_edits, "characters wrong", len(document.text))
    document.text.check_integrity()
    await client.close()
    return took


def run(trial: Trial) -> None:
    half = (trial.size + 1) // 2
    lines = asyncio.run(edited(trial, LINE * N_LINES, [len(LINE) - 1] * N_LINES + [0], half))
    line = asyncio.run(edited(trial, "x = y; " * (LINE_CHARS // 7), [LINE_CHARS // 7 * 7], half))
    trial.figures["p99 ms of many lines"] = percentile(lines, 0.99)
    trial.figures["p99 ms of a long line"] = percentile(line, 0.99)


def plant(patch) -> None:
    """All of the text is made anew at each edit."""
    apply = Document.apply

    def slowly(document, changes, version, encoding):
        edited = apply(document, changes, version, encoding)
        return Document(edited.uri, edited.language_id, edited.version, Text.from_str(str(edited.text)))

    patch.setattr(Document, "apply", slowly)


CAMPAIGN = Campaign(
    number=3,
    title="edits in a file of 100,000 lines and in a line of 5 MB, as the event loop takes them",
    goal="p99 under 2 ms and 20 ms",
    unit="edits",
    short=200,
    full=20_000,
    run=run,
    plant=plant,
    faults=("characters wrong",),
    limits={"p99 ms of many lines": 2.0, "p99 ms of a long line": 20.0},
)

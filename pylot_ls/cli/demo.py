"""``pylot-ls demo``: the main job, to be watched in a terminal."""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live
from rich.text import Text as Line

from pylot_ls import bundled
from pylot_ls.bench.person import Step, type_back
from pylot_ls.cli.console import fail, out
from pylot_ls.cli.options import ModelOption, ScriptedOption, server_command
from pylot_ls.errors import PylotError
from pylot_ls.lsp.client import EditorClient
from pylot_ls.text.document import Document
from pylot_ls.text.files import document_from_file

_N_CHARACTERS = 400
# A person's pace, so that the eye can follow; nothing waits where nobody watches.
_PAUSE_S = 0.05
_PAUSE_AT_ACCEPT_S = 0.6


def command(
    file: Annotated[Path | None, typer.Argument(help="The source file to type in; default: a bundled one.")] = None,
    model: ModelOption = None,
    scripted: ScriptedOption = False,
    seed: Annotated[int, typer.Option(help="Which lines are typed.")] = 2,
) -> None:
    """Start the server, type into a real source file and show each suggestion as ghost text."""
    try:
        document = document_from_file(file or bundled.sample_path())
        asyncio.run(_demo(document, server_command(model, scripted=scripted), seed))
    except PylotError as error:
        fail(error)


async def _demo(document: Document, command: list[str], seed: int) -> None:
    out.print("starting the server and loading the model ...", style="dim")
    steps: list[Step] = []
    async with EditorClient(command) as editor:
        await editor.loaded()
        watched = out.is_terminal
        with Live(console=out, auto_refresh=False, transient=False) as live:
            async for step in type_back(editor, document, _N_CHARACTERS, seed):
                steps.append(step)
                if watched:
                    await _show_live(live, step)
                elif step.answer.text:
                    out.print(_rendered(step))
    out.print(_summary(steps))


async def _show_live(live: Live, step: Step) -> None:
    live.update(_rendered(step), refresh=True)
    if step.accepted:
        # The accepted line stays on the screen; the next one is drawn below it.
        live.console.print(_rendered(step), soft_wrap=False)
    await asyncio.sleep(_PAUSE_AT_ACCEPT_S if step.accepted else _PAUSE_S)


def _rendered(step: Step) -> Line:
    """What it cost, then the line as an editor shows it: what is typed, and the ghost text behind the cursor."""
    answer = step.answer
    ghost = answer.text.split("\n", 1)[0] + (" ..." if "\n" in answer.text else "")
    cost = f"{answer.elapsed_ms:6.1f} ms {answer.tokens_evaluated:4} evaluated {answer.tokens_reused:4} reused"
    line = Line(f"{cost} {step.line_number + 1:5}  ", style="dim", no_wrap=True, overflow="ellipsis")
    line.append(step.typed, style="not dim")
    line.append("|", style="not dim bold")
    line.append(ghost, style="italic green" if step.accepted else "italic")
    if step.accepted:
        line.append("  [Tab]", style="not dim bold green")
    return line


def _summary(steps: list[Step]) -> Line:
    """What all of it came to."""
    answers = [step.answer for step in steps]
    shown = sum(1 for answer in answers if answer.text)
    accepted = [step.accepted for step in steps if step.accepted]
    # The first answer pays for the whole prompt; it is told apart, not hidden in an average. And where somebody typed
    # along a suggestion nothing was paid, which is told apart, too.
    through = [answer for answer in answers if answer.typed_through]
    warm = [answer for answer in answers[1:] if not answer.typed_through] or answers
    latency = statistics.median(answer.elapsed_ms for answer in warm)
    evaluated = statistics.median(answer.tokens_evaluated for answer in warm)
    reused = statistics.median(answer.tokens_reused for answer in warm)
    return Line.from_markup(
        f"\n[bold]{len(steps)}[/] keystrokes, [bold]{shown}[/] suggestions, [bold]{len(accepted)}[/] accepted, "
        f"which typed {sum(map(len, accepted))} characters, {len(through)} typed through with no work of the model\n"
        f"opening the file: {answers[0].elapsed_ms:.1f} ms, {answers[0].tokens_evaluated} tokens evaluated\n"
        f"then, median per other keystroke: [bold]{latency:.1f} ms[/], [bold]{evaluated:g}[/] tokens evaluated, "
        f"{reused:g} reused",
    )

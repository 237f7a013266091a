"""``pylot-ls bench sessions``: several files typed in turn, or several editors that type at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pylot_ls.bench.sessions import bench_sessions
from pylot_ls.bench.together import bench_together
from pylot_ls.cli.bench import (
    BenchModelOption,
    Choice,
    FileArgument,
    MaxTokensOption,
    SeedOption,
    bench_document,
    peer_program,
    print_report,
)
from pylot_ls.cli.bench_tables import sessions_table, together_table
from pylot_ls.cli.options import JsonOption, ScriptedOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.bench.run import Run
    from pylot_ls.text.document import Document


def command(
    file: FileArgument = None,
    n_sessions: Annotated[int, typer.Option("--sessions", min=1, max=32, help="How many files are typed.")] = 2,
    n_keystrokes: Annotated[
        int, typer.Option("--keystrokes", min=1, max=100_000, help="How many to type in each.")
    ] = 100,
    at_once: Annotated[
        bool,
        typer.Option("--at-once", help="Each in an editor of its own on the shared server, all at the same time."),
    ] = False,
    seed: SeedOption = 0,
    model: BenchModelOption = None,
    max_tokens: MaxTokensOption = None,
    peer: Annotated[
        str | None,
        typer.Option(metavar="llama-server=PATH", help="Then the same on this server, a slot each; with --at-once."),
    ] = None,
    scripted: ScriptedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Type into several files on one server; print what each keystroke costs.

    In turn by default, as documents of one editor. With --at-once, or a peer, each file has an editor of its own, and a
    keystroke follows on the answer to the last one; then as many plain completions are asked for at once. The ratios
    say how many times sooner our first token is there, and how many times the peer's tokens a second ours are.
    """
    program = peer_program(peer, "llama-server")
    is_at_once = at_once or program is not None
    n_steps = n_keystrokes * n_sessions * (1 if program is None else 2)

    async def measure(run: Run, document: Document, done: Callable[[int], None]) -> None:
        if is_at_once:
            together = await bench_together(
                run, document, n_sessions, n_keystrokes, seed, peer=program, on_keystroke=done
            )
            print_report(together.as_dict(), together_table(together), model, as_json=as_json)
            return
        report = await bench_sessions(run, document, n_sessions, n_keystrokes, seed, on_keystroke=done)
        print_report(report.as_dict(), sessions_table(report), model, as_json=as_json)

    bench_document(file, Choice(model, max_tokens, scripted), n_steps, measure)

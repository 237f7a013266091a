"""``bench decode``: how fast tokens are decoded through the server, beside the bare loop and llama-bench."""

from __future__ import annotations

import asyncio
import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pylot_ls import machine
from pylot_ls.bench.bare import BareProcess
from pylot_ls.bench.figures import percentile, ratio
from pylot_ls.bench.speculation import SpeculationRow, bench_speculation
from pylot_ls.bench.typist import typing_trace
from pylot_ls.errors import ClientError
from pylot_ls.lsp.client import EditorClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pylot_ls.bench.run import Run
    from pylot_ls.text.document import Document

# Suggestions end where a line or a block does, so the tokens of many are counted together; after this many keystrokes
# a model that says so little is measured on what there is.
_MAX_KEYSTROKES = 400
_LLAMA_BENCH_TIMEOUT_S = 3600


@dataclass(frozen=True, slots=True)
class DecodeReport:
    """Rates of decoding one sequence.

    Attributes:
        n_tokens: how many decode steps were timed, ours and bare ones alike.
        suggestions: over how many suggestions they are spread.
        depth_p50: tokens that stood before them.
        tokens_per_s: through the server, from the first token of a suggestion to its last.
        bare_tokens_per_s: the bare loop, as many steps behind as many tokens, in turn with ours.
        llama_bench_tokens_per_s: as llama-bench says; None without it.
        repetitive, other: what speculation gains where lines repeat those before them, and elsewhere; None where
            that was not measured.
    """

    n_tokens: int
    suggestions: int
    depth_p50: int
    tokens_per_s: float
    bare_tokens_per_s: float
    llama_bench_tokens_per_s: float | None
    repetitive: SpeculationRow | None = None
    other: SpeculationRow | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "n_tokens": self.n_tokens,
            "suggestions": self.suggestions,
            "depth_p50": self.depth_p50,
            "tokens_per_s": self.tokens_per_s,
            "bare_tokens_per_s": self.bare_tokens_per_s,
            "llama_bench_tokens_per_s": self.llama_bench_tokens_per_s,
            "speculation": {
                "repetitive": self.repetitive and self.repetitive.as_dict(),
                "other": self.other and self.other.as_dict(),
            },
            "ratio": {
                "bare_loop": ratio(self.tokens_per_s, self.bare_tokens_per_s),
                "llama_bench": ratio(self.tokens_per_s, self.llama_bench_tokens_per_s),
                "speculation_repetitive": self.repetitive and self.repetitive.speed,
                "speculation_other": self.other and self.other.speed,
            },
        }


async def bench_decode(
    run: Run,
    document: Document,
    n_tokens: int,
    seed: int = 0,
    *,
    llama_bench: Path | None = None,
    speculation: bool = True,
    on_token: Callable[[int], None] = lambda _done: None,
) -> DecodeReport:
    """Let the server suggest until so many tokens were decoded one after another.

    Token by token, as the bare loop does it; with ``speculation`` what that gains is measured after it.

    Raises:
        ClientError: a process ended or failed, or nothing was decoded.
        DocumentError: there is nothing to type in the document.
    """
    trace = typing_trace(str(document.text), _MAX_KEYSTROKES, seed)
    plain = {**run.environment(), "PYLOT_LS_MODEL_SPECULATION": "false"}
    ours_ms, bare_ms, n_steps = 0.0, 0.0, 0
    depths: list[float] = []
    async with EditorClient(run.command, plain) as editor, BareProcess(run) as bare:
        await editor.loaded()
        editor.open(document.uri, document.language_id, trace.opened)
        for key in trace.keystrokes:
            answer = await editor.type(key.start, key.end, key.text, key.cursor)
            # The first token comes with the prompt.
            steps = answer.tokens_decoded - 1
            if steps < 1:
                continue
            n_steps += steps
            ours_ms += answer.total_ms - answer.first_token_ms
            depths.append(float(answer.tokens_evaluated + answer.tokens_reused))
            # Or what it prepares now would slow them down.
            with machine.suspended(editor.pid):
                bare_ms += sum(await bare.steps_ms(int(depths[-1]), steps))
            on_token(min(n_steps, n_tokens))
            if n_steps >= n_tokens:
                break
    if not n_steps or ours_ms <= 0:
        raise ClientError("the model suggested nothing longer than a token; choose another model or file")
    depth = int(percentile(depths, 50))
    theirs = None
    if llama_bench is not None:
        theirs = await asyncio.to_thread(llama_bench_rate, llama_bench, run, depth, n_tokens)
    return DecodeReport(
        n_tokens=n_steps,
        suggestions=len(depths),
        depth_p50=depth,
        tokens_per_s=round(n_steps / ours_ms * 1000, 3),
        bare_tokens_per_s=round(n_steps / bare_ms * 1000, 3),
        llama_bench_tokens_per_s=theirs,
        repetitive=await bench_speculation(run, document, n_tokens, repetitive=True) if speculation else None,
        other=await bench_speculation(run, document, n_tokens, repetitive=False) if speculation else None,
    )


def llama_bench_rate(program: Path, run: Run, depth: int, n_tokens: int) -> float:
    """Tokens per second that llama-bench decodes behind ``depth`` tokens.

    Raises:
        ClientError: it cannot be started, fails, or says nothing that can be read.
    """
    options = {
        "-m": run.model,
        "-t": run.n_threads,
        "-fa": {"off": "0", "on": "1"}.get(run.flash_attention, "auto"),
        "-p": 0,
        "-n": n_tokens,
        "-d": depth,
        "-r": 1,
        "-o": "json",
    }
    if run.n_gpu_layers >= 0:
        options["-ngl"] = run.n_gpu_layers
    command = [str(program), *(str(part) for option in options.items() for part in option)]
    try:
        done = subprocess.run(  # noqa: S603 - the user names the program
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LLAMA_BENCH_TIMEOUT_S,
            check=False,
        )
    except OSError as error:
        raise ClientError(f"cannot start the peer {program}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ClientError(f"the peer {program} did not end within {_LLAMA_BENCH_TIMEOUT_S} s") from error
    try:
        return round(float(json.loads(done.stdout)[-1]["avg_ts"]), 3)
    except (ValueError, LookupError, TypeError) as error:
        last = done.stderr.decode("utf-8", errors="replace").strip().splitlines()[-1:]
        raise ClientError(
            "\n".join((f"the peer {program} gave no rate (exit code {done.returncode})", *last))
        ) from error

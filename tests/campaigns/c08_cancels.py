"""Requests that are cancelled at random moments, while their prompt is evaluated and while they decode."""

from __future__ import annotations

import time

from campaign import Campaign, Trial
from oracle import names_of
from served import percentile

from pylot_ls.bench.synthetic import synthetic_model
from pylot_ls.bundled import bundled_model_path, sample_path
from pylot_ls.engine.inbox import Inbox
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.loading import LlamaConfig
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.types import Finished, FinishReason, Token

_MODEL = "qwen2.5-coder-0.5b"  # of the full form
_N_PROMPT = 900
_N_ANSWER = 400
# So many tokens may be on their way when a cancel comes.
_MOST_LATE = 3


def run(trial: Trial) -> None:
    path = synthetic_model(_MODEL, trial.folder) if trial.is_full else bundled_model_path()
    config = LlamaConfig(path, n_ctx=2048, speculation=False, ngrams="off", manifest_folders=(path.parent,))
    driven = names_of("conftest.py")["Driven"](LlamaBackend(config))
    driven.state()
    source = sample_path().read_text(encoding="utf-8") * 3
    steps = trial.figures["decode step ms"] = step_ms(driven, source)
    took: dict[str, list[float]] = {"prefill": [], "decode": []}
    for number in range(trial.size):
        # Nothing of a prompt is resident: each begins otherwise.
        prompt = (TextSegment(f"# {number} {trial.rng.random()}\n{source}", _N_PROMPT),)
        phase = "prefill" if number % 2 else "decode"
        took[phase].append(cancelled_ms(trial, driven, prompt, phase))
        trial.count("cancels")
    driven.backend.close()
    trial.figures["p99 ms in prefill"] = percentile(took["prefill"], 0.99)
    trial.figures["p99 of a step in decoding"] = percentile(took["decode"], 0.99) / steps


def step_ms(driven, source: str) -> float:
    """How long a token takes behind such a prompt, as the engine tells them."""
    usage = driven.ask((TextSegment(source, _N_PROMPT),), 32).end.usage
    return (usage.total_ms - usage.first_token_ms) / max(1, usage.tokens_decoded - 1)


def cancelled_ms(trial: Trial, driven, prompt, phase: str) -> float:
    """How long it takes from a cancel at some moment until the engine is free."""
    n_before = len(driven.events)
    request_id = driven.submit(prompt, _N_ANSWER)
    if phase == "decode":
        driven.wait_for(lambda event: isinstance(event, Token) and event.request_id == request_id)
    # Its end, which comes only where it is over before the moment to cancel it.
    driven.ends_within(request_id, trial.rng.uniform(0, 0.1))
    n_decoded = decoded(driven, request_id, n_before)
    begun = time.perf_counter()
    driven.backend.cancel(request_id)
    end = driven.answer(request_id).end
    took = (time.perf_counter() - begun) * 1e3
    n_late = decoded(driven, request_id, n_before) - n_decoded
    trial.check(n_late <= _MOST_LATE, "went on", f"{phase}: {n_late} tokens after the cancel")
    ends = [each for each in driven.events[n_before:] if isinstance(each, Finished) and each.request_id == request_id]
    trial.check(len(ends) == 1, "not ended once", f"{phase}: {ends}")
    trial.count("in time", int(isinstance(end, Finished) and end.reason is FinishReason.CANCELLED))
    return took


def decoded(driven, request_id: str, start: int) -> int:
    return sum(isinstance(event, Token) and event.request_id == request_id for event in driven.events[start:])


def plant(patch) -> None:
    """Nobody hears of a cancel."""
    patch.setattr(Inbox, "cancel", lambda _inbox, _request_id: None)


CAMPAIGN = Campaign(
    number=8,
    title="cancels at random moments of a prompt's evaluation and of decoding (full form: synthetic 0.5B)",
    goal="engine free in under one decode step, under 100 ms in prefill (p99)",
    unit="cancels",
    short=16,
    full=200,
    run=run,
    plant=plant,
    faults=("went on", "not ended once"),
    limits={"p99 ms in prefill": 100.0, "p99 of a step in decoding": 1.0},
)

"""Prompts of a random tree, served by an engine that forks, restores and batches, against each evaluated alone."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from campaign import Campaign, Trial
from oracle import names_of
from shelf import Shelf

from pylot_ls.bundled import bundled_model_path, sample_path
from pylot_ls.engine import block_cache
from pylot_ls.engine.context_shape import ContextShape
from pylot_ls.engine.kv_context import Outcome, Part
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.llama_context import LlamaContext
from pylot_ls.engine.llama_cpp_binding import LlamaModel
from pylot_ls.engine.loading import LlamaConfig
from pylot_ls.engine.persistence import PersistenceConfig
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.types import Finished

if TYPE_CHECKING:
    from collections.abc import Sequence

_N_CTX = 2048
_N_ANSWER = 8
_MOST_LINES = 70
_MOST_AT_ONCE = 3
_SMALL_BATCH = 32
_FLOOR_EVERY = 10  # of so many prompts one is evaluated in small batches too


@dataclass
class Cold:
    """A prompt evaluated alone in an empty context, and the greedy tokens behind it.

    Attributes:
        tokens: up to one that ends a text, which is not among them.
        margins: at each token, how much larger its logit is than the next one's; one more where a text ends.
        first_logits: behind the prompt.
    """

    tokens: list[int] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    first_logits: object = None


def cold_run(context: LlamaContext, model: LlamaModel, prompt: Sequence[int], n_batch: int, n_answer: int) -> Cold:
    context.remove_from(0, 0)
    run, position = Cold(), 0
    while position < len(prompt):
        piece = prompt[position : position + n_batch]
        assert context.evaluate([Part(0, position, piece)]) is Outcome.DONE
        position += len(piece)
    run.first_logits = context.logits()
    while len(run.tokens) < n_answer:
        logits = context.logits()
        token = int(logits.argmax())
        best = float(logits[token])
        logits[token] = float("-inf")
        run.margins.append(best - float(logits.max()))
        if model.ends_text(token):
            break
        run.tokens.append(token)
        assert context.evaluate([Part(0, position, [token])]) is Outcome.DONE
        position += 1
    return run


def tree(trial: Trial) -> list[str]:
    """Texts that share beginnings: each goes on with an earlier one, or goes back in it, or is new."""
    source = sample_path().read_text(encoding="utf-8").splitlines(keepends=True)
    texts: list[list[str]] = []
    rng = trial.rng
    for _ in range(trial.size):
        lines = list(rng.choice(texts)) if texts and rng.random() < 0.8 else rng.sample(source, 30)
        if rng.random() < 0.3:
            lines = lines[: rng.randint(1, len(lines))]
        lines += rng.sample(source, rng.randint(1, 25))
        lines = lines[:_MOST_LINES]
        lines[-1] = lines[-1][: rng.randint(1, len(lines[-1]))]
        texts.append(lines)
    return ["".join(lines) for lines in texts]


def warm_answers(trial: Trial, texts: list[str]) -> list[list[int]]:
    """What an engine says that has served the texts before, some at once, with less room than all of them take."""
    kept = PersistenceConfig(Shelf(), trial.folder / "models.json")
    config = LlamaConfig(bundled_model_path(), n_ctx=_N_CTX, n_threads=1, ngrams="off", persistence=kept)
    driven = names_of("conftest.py")["Driven"](LlamaBackend(config))
    driven.state()
    driven.backend._loaded.persistence._thread.join()
    answers: list[list[int]] = []
    while len(answers) < len(texts):
        some = texts[len(answers) : len(answers) + trial.rng.randint(1, _MOST_AT_ONCE)]
        for answer in [driven.answer(each) for each in [driven.submit((TextSegment(t),), _N_ANSWER) for t in some]]:
            assert isinstance(answer.end, Finished), answer.end
            answers.append([token.token_id for token in answer.tokens])
            trial.count("tokens reused", answer.end.usage.tokens_reused)
            trial.count("tokens evaluated", answer.end.usage.tokens_evaluated)
    driven.backend.close()
    return answers


def compare(trial: Trial, warm: list[int], cold: Cold, floor: float, number: int) -> None:
    if warm == cold.tokens:
        return
    at = next((n for n, pair in enumerate(zip(warm, cold.tokens, strict=False)) if pair[0] != pair[1]), None)
    at = min(len(warm), len(cold.tokens)) if at is None else at
    margin = cold.margins[at] if at < len(cold.margins) else float("inf")
    if margin < floor:
        trial.count("within the noise floor")
    else:
        trial.fault("differences", f"prefix {number}, token {at}: {warm} and {cold.tokens}, margin {margin:.4f}")


def run(trial: Trial) -> None:
    trial.figures["within the noise floor"] = 0
    texts = tree(trial)
    warm = warm_answers(trial, texts)
    model = LlamaModel(bundled_model_path(), n_gpu_layers=0, on_progress=lambda _fraction: True)
    with closing(model), closing(LlamaContext(model, ContextShape(_N_CTX, 512, 1, "on"))) as context:
        prompts = [model.tokenize(text) for text in texts]
        cold = [cold_run(context, model, prompt, context.n_batch, _N_ANSWER) for prompt in prompts]
        floors = [
            float(abs(cold_run(context, model, prompts[n], _SMALL_BATCH, 0).first_logits - cold[n].first_logits).max())
            for n in range(0, len(prompts), _FLOOR_EVERY)
        ]
    floor = trial.figures["noise floor (logits)"] = max(floors)
    for number, (given, wanted) in enumerate(zip(warm, cold, strict=True)):
        compare(trial, given, wanted, floor, number)
        trial.count("prefixes")


def plant(patch) -> None:
    """A block of KV is known by its place alone, and not by what stands in and before it."""
    patch.setattr(
        block_cache, "block_keys", lambda _fingerprint, tokens: tuple(b"%d" % n for n in range(len(tokens) // 256))
    )


CAMPAIGN = Campaign(
    number=7,
    title="warm against cold on a random tree of prefixes, some served at once",
    goal="identical greedy tokens, but where the two best logits are closer than the noise floor",
    unit="prefixes",
    short=24,
    full=400,
    run=run,
    plant=plant,
    faults=("differences",),
)

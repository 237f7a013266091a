"""Figures over many keystrokes. Pure."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Cost:
    """What one keystroke cost one side.

    Attributes:
        tokens_evaluated: tokens submitted to the model up to the first logits.
        tokens_decoded: tokens produced.
        first_token_ms: from the request to the first token, or to knowing that there is none, inside the server; 0
            where the model was not asked.
        shown_ms: from the keystroke to having the answer, on the client.
        is_elsewhere: whether the keystroke is not where the one before left the cursor: in another line or word, or
            far away.
        typed_through: whether an earlier suggestion was typed along, so that the model was not asked.
    """

    tokens_evaluated: int
    tokens_decoded: int
    first_token_ms: float
    shown_ms: float
    is_elsewhere: bool = False
    typed_through: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """What the keystrokes of a trace cost one side.

    A benchmark is about the model: no figure but ``asked``, ``typed_through`` and the processor time, which is that of
    the whole trace, counts the keystrokes that were typed through.

    Attributes:
        asked: for how many keystrokes a suggestion was asked for.
        typed_through: for how many of them an earlier suggestion was typed along and the model not asked.
        tokens_evaluated_p50, tokens_evaluated_p95: see Cost.
        tokens_decoded_mean: see Cost.
        ttft_ms_p50, ttft_ms_p95: time to the first token, of the keystrokes at which the model was asked.
        shown_ms_p50, shown_ms_p95: see Cost.
        over_step_ms_p50, over_step_ms_p95: the time to the first token less one bare decode step, of the keystrokes
            that go on where the one before left off; None where none was measured.
        cpu_s_per_1000_chars: processor time of the server, all threads, user and system, over a thousand characters
            typed.
    """

    asked: int
    typed_through: int
    tokens_evaluated_p50: float
    tokens_evaluated_p95: float
    tokens_decoded_mean: float
    ttft_ms_p50: float
    ttft_ms_p95: float
    shown_ms_p50: float
    shown_ms_p95: float
    over_step_ms_p50: float | None
    over_step_ms_p95: float | None
    cpu_s_per_1000_chars: float

    def as_dict(self) -> dict[str, float | None]:
        """For JSON."""
        return asdict(self)


def figures(costs: Sequence[Cost], step_ms: float | None, cpu_s: float, n_characters: int) -> Figures:
    """The figures of one side.

    Args:
        costs: of the keystrokes at which it was asked.
        step_ms: one bare decode step; None where none was measured.
        cpu_s: what its process spent while the trace was typed.
        n_characters: how many the whole trace types.
    """
    counted = [cost for cost in costs if not cost.typed_through]
    evaluated = [float(cost.tokens_evaluated) for cost in counted]
    first = [cost.first_token_ms for cost in counted if cost.first_token_ms > 0]
    shown = [cost.shown_ms for cost in counted]
    going_on = [cost.first_token_ms for cost in counted if cost.first_token_ms > 0 and not cost.is_elsewhere]
    over = None if step_ms is None else [each - step_ms for each in going_on]
    return Figures(
        asked=len(costs),
        typed_through=len(costs) - len(counted),
        tokens_evaluated_p50=percentile(evaluated, 50),
        tokens_evaluated_p95=percentile(evaluated, 95),
        tokens_decoded_mean=round(statistics.fmean([cost.tokens_decoded for cost in counted] or [0]), 3),
        ttft_ms_p50=percentile(first, 50),
        ttft_ms_p95=percentile(first, 95),
        shown_ms_p50=percentile(shown, 50),
        shown_ms_p95=percentile(shown, 95),
        over_step_ms_p50=None if over is None else percentile(over, 50),
        over_step_ms_p95=None if over is None else percentile(over, 95),
        cpu_s_per_1000_chars=round(cpu_s / max(1, n_characters) * 1000, 3),
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """A percentile of the values, 0.0 for none; rounded to a thousandth."""
    if not values:
        return 0.0
    if len(values) == 1:
        return round(values[0], 3)
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1], 3)


def ratio(numerator: float, denominator: float | None) -> float | None:
    """How many times the denominator; None where there is no denominator."""
    return round(numerator / denominator, 3) if denominator else None

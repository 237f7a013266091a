"""What was done, counted for Prometheus: under llama-server's names, and for each user."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylot_ls.api.limits import Admission
    from pylot_ls.api.users import User
    from pylot_ls.engine.types import Usage

CONTENT_TYPE = "text/plain; version=0.0.4"
_MS_IN_S = 1000.0
_FIRST_TOKEN_BUCKETS_S = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)


@dataclass(slots=True)
class Totals:
    """Since the start, over all users. Seconds are those of the requests, added up."""

    n_prompt: int = 0
    n_cached: int = 0
    prompt_s: float = 0.0
    n_predicted: int = 0
    # Of what was decoded, all but the first tokens: those come with the evaluation of the prompt.
    n_steps: int = 0
    predicted_s: float = 0.0
    n_most: int = 0
    n_drafts: int = 0
    n_drafted: int = 0
    n_accepted: int = 0
    # Calls of llama.cpp, and over all of them the requests in each.
    n_evaluations: float = 0.0
    n_parts: int = 0


class Metrics:
    """Counts of one API.

    Args:
        admission: tells what is going on now.
    """

    def __init__(self, admission: Admission) -> None:
        self.started_at = int(time.time())
        self.totals = Totals()
        self._admission = admission
        self._registry = CollectorRegistry()
        labels = ("user",)
        self._tokens = Counter("pylot_api_tokens", "Tokens of a user.", (*labels, "kind"), registry=self._registry)
        self._requests = Counter(
            "pylot_api_requests",
            "Requests of a user by the status they ended with.",
            (*labels, "status"),
            registry=self._registry,
        )
        self._first_token = Histogram(
            "pylot_api_first_token_seconds",
            "From a request's submission to its first token.",
            labels,
            registry=self._registry,
            buckets=_FIRST_TOKEN_BUCKETS_S,
        )
        self._registry.register(self)

    def answered(self, user: User, status: int) -> None:
        """A request was answered, or refused."""
        self._requests.labels(user.name, str(status)).inc()

    def generated(self, user: User, usage: Usage) -> None:
        """A text was generated."""
        totals = self.totals
        n_evaluated = usage.prompt_tokens - usage.tokens_reused
        first_ms = usage.first_token_ms or usage.total_ms
        totals.n_prompt += n_evaluated
        totals.n_cached += usage.tokens_reused
        totals.prompt_s += max(0.0, first_ms - usage.queue_ms) / _MS_IN_S
        totals.n_predicted += usage.tokens_decoded
        totals.n_steps += max(0, usage.tokens_decoded - 1)
        totals.predicted_s += max(0.0, usage.total_ms - first_ms) / _MS_IN_S
        totals.n_most = max(totals.n_most, usage.prompt_tokens + usage.tokens_decoded)
        totals.n_drafts += usage.drafts
        totals.n_evaluations += usage.evaluations_share
        totals.n_parts += usage.evaluations
        totals.n_drafted += usage.tokens_drafted
        totals.n_accepted += usage.tokens_accepted
        self._count(user, n_evaluated, usage.tokens_reused, usage.tokens_decoded)
        if usage.first_token_ms:
            self._first_token.labels(user.name).observe(usage.first_token_ms / _MS_IN_S)

    def embedded(self, user: User, n_tokens: int, n_evaluations: int, seconds: float) -> None:
        """Texts were turned into vectors."""
        self.totals.n_prompt += n_tokens
        self.totals.n_evaluations += n_evaluations
        self.totals.n_parts += n_evaluations
        self.totals.prompt_s += seconds
        self._count(user, n_tokens, 0, 0)

    def _count(self, user: User, n_evaluated: int, n_cached: int, n_decoded: int) -> None:
        for kind, n_tokens in (("evaluated", n_evaluated), ("cached", n_cached), ("decoded", n_decoded)):
            self._tokens.labels(user.name, kind).inc(n_tokens)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        # The library ends a counter's name with _total; of llama-server's this one does not.
        return generate_latest(self._registry).replace(b"n_tokens_max_total ", b"n_tokens_max ")

    def collect(self) -> Iterator[Metric]:
        """llama-server's metrics; see prometheus_client's collectors."""
        totals = self.totals
        counters = {
            "prompt_tokens_total": ("Prompt tokens evaluated.", totals.n_prompt),
            "prompt_tokens_cached_total": ("Prompt tokens whose KV was there.", totals.n_cached),
            "prompt_seconds_total": ("Time in which prompts were evaluated.", totals.prompt_s),
            "tokens_predicted_total": ("Tokens generated.", totals.n_predicted),
            "tokens_predicted_seconds_total": ("Time in which tokens were generated.", totals.predicted_s),
            "n_decode_total": ("Calls of llama.cpp, for requests of this API.", totals.n_evaluations),
            "n_tokens_max": ("The most tokens of a text and its prompt.", totals.n_most),
            "spec_decode_num_drafts_total": ("How often tokens were drafted.", totals.n_drafts),
            "spec_decode_num_draft_tokens_total": ("Tokens drafted.", totals.n_drafted),
            "spec_decode_num_accepted_tokens_total": ("Drafted tokens that were right.", totals.n_accepted),
        }
        gauges = {
            "prompt_tokens_seconds": ("Prompt tokens a second.", _rate(totals.n_prompt, totals.prompt_s)),
            "predicted_tokens_seconds": ("Generated tokens a second.", _rate(totals.n_steps, totals.predicted_s)),
            "requests_processing": ("Requests at work.", len(self._admission.places)),
            "requests_deferred": ("Requests that wait.", self._admission.n_waiting),
            "n_busy_slots_per_decode": ("Requests in a call, on average.", _rate(totals.n_parts, totals.n_evaluations)),
        }
        for name, (text, value) in counters.items():
            # The library adds the ending to the type's line by itself, and not to the sample's.
            metric = Metric(f"llamacpp:{name.removesuffix('_total')}", text, "counter")
            metric.add_sample(f"llamacpp:{name}", {}, value)
            yield metric
        for name, (text, value) in gauges.items():
            metric = Metric(f"llamacpp:{name}", text, "gauge")
            metric.add_sample(f"llamacpp:{name}", {}, value)
            yield metric


def _rate(number: float, over: float) -> float:
    return number / over if over > 0 else 0.0

"""``pylot-ls top``: what the shared server does, as it does it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pylot_ls.cli.console import fail
from pylot_ls.errors import PylotError

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Rates:
    """How much a model did between two looks.

    Attributes:
        evaluated, decoded: tokens a second.
        hits: the share of the prompts' tokens whose KV was there; None where there were no prompts.
    """

    evaluated: float
    decoded: float
    hits: float | None


def command(
    interval: Annotated[float, typer.Option(min=0.1, max=60, help="Seconds between two looks.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Show it once, and end.")] = False,
) -> None:
    """Show the editors and models of the shared server; Ctrl-C ends it."""
    console = Console(highlight=False)
    try:
        before, at = _status(), time.monotonic()
        if once:
            console.print(rendered(before, {}))
            return
        with Live(rendered(before, {}), console=console, auto_refresh=False, screen=console.is_terminal) as live:
            while True:
                time.sleep(interval)
                after, now = _status(), time.monotonic()
                live.update(rendered(after, rates(before, after, now - at)), refresh=True)
                before, at = after, now
    except KeyboardInterrupt:
        return
    except PylotError as error:
        fail(error)


def _status() -> dict[str, Any]:
    # Imported here: other commands need none of it, and it takes its time.
    from pylot_ls.serving.run import status  # noqa: PLC0415

    found = status()
    if found is None:
        raise PylotError("no shared server is running; editors with `pylot-ls --shared` start one")
    return found


def rates(before: dict[str, Any], after: dict[str, Any], seconds: float) -> dict[str, Rates]:
    """What each model did between two looks at the same server, by its roles."""
    if before["pid"] != after["pid"]:
        return {}
    earlier = {_roles(model): model.get("counts", {}) for model in before["models"]}
    found = {}
    for model in after["models"]:
        counts, then = model.get("counts"), earlier.get(_roles(model))
        if not counts or not then:
            continue
        evaluated, decoded, prompts, reused = (
            counts[name] - then[name]
            for name in ("tokens_evaluated", "tokens_decoded", "prompt_tokens", "tokens_reused")
        )
        hits = reused / prompts if prompts else None
        found[_roles(model)] = Rates(evaluated / seconds, decoded / seconds, hits)
    return found


def rendered(status: dict[str, Any], rates_of: dict[str, Rates]) -> Group:
    """A server as it is, with what its models did since the last look."""
    engine = status["engine"]
    memory = f"{status['memory_bytes'] // _MIB} MiB"
    if engine:
        memory += f" and {engine['memory_bytes'] // _MIB} MiB with the models"
    head = f"pylot-ls {status['version']}, process {status['pid']}, up {_time(status['uptime_s'])}, {memory}"
    if engine and engine["n_ends"]:
        head += f"; the models' process ended {engine['n_ends']} times lately"
    http = [Text(f"{status['url']}, {status['n_requests']} requests at work")] if status["url"] else []
    return Group(Text(head), *http, _models(status["models"], rates_of), _editors(status["editors"]))


def _models(models: list[dict[str, Any]], rates_of: dict[str, Rates]) -> Table:
    """A row for each model, narrow enough for a terminal of 80 columns."""
    table = Table("model", "at work", "tok/s in", "tok/s out", "hits", "memory")
    for column in table.columns[1:]:
        column.justify = "right"
    for model in models:
        counts, plan = model.get("counts", {}), model.get("plan")
        total = counts.get("prompt_tokens", 0)
        since_start = Rates(0.0, 0.0, counts["tokens_reused"] / total if total else None) if counts else None
        rate = rates_of.get(_roles(model), since_start)
        name = model["info"]["name"] if "info" in model else model.get("message", "")
        at_work = f"{counts['n_in_flight']} of {plan['shape']['n_sequences']}" if counts and plan else ""
        table.add_row(
            Text(f"{_roles(model)}: {name}\n{model['state']}, {counts.get('n_requests', 0)} served"),
            at_work,
            f"{rate.evaluated:.0f}" if rate is not None else "",
            f"{rate.decoded:.1f}" if rate is not None else "",
            f"{rate.hits:.0%}" if rate is not None and rate.hits is not None else "",
            f"{model['needed_bytes'] // _MIB} MiB" if "needed_bytes" in model else "",
        )
    return table


def _editors(editors: list[dict[str, Any]]) -> Table:
    table = Table("editor", "process", "connected", "documents")
    for editor in editors:
        pid = str(editor["pid"]) if editor["pid"] else "over HTTP"
        table.add_row(editor["name"], pid, _time(editor["connected_s"]), str(editor["n_documents"]))
    return table


def _roles(model: dict[str, Any]) -> str:
    return ", ".join(model["roles"])


def _time(seconds: float) -> str:
    return str(timedelta(seconds=int(seconds)))

"""What the benchmarks found, as tables to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import RenderableType

    from pylot_ls.bench.cold_open import ColdOpen
    from pylot_ls.bench.decode import DecodeReport
    from pylot_ls.bench.figures import Figures
    from pylot_ls.bench.reanchor import ReanchorReport
    from pylot_ls.bench.report import KeystrokeReport, PlaceFigures
    from pylot_ls.bench.restore import RestoreReport
    from pylot_ls.bench.sessions import SessionsReport
    from pylot_ls.bench.together import TogetherReport

# Names of modules and packages that are shown.
_N_NAMES = 10


_PLACE_NAMES = {"going_on": "where the one before left off", "elsewhere": "the first one in another place or line"}


def keystrokes_table(report: KeystrokeReport) -> RenderableType:
    """Ours, and the peer's beside it."""
    title = (
        f"{report.keystrokes} keystrokes, {report.suggestions} suggestions, "
        f"at most {report.max_tokens} tokens decoded for each, {report.n_threads or 'no'} threads"
    )
    table = Table(title=title)
    table.add_column("per keystroke")
    sides = [("pylot-ls", report.ours)]
    if report.peer is not None:
        sides.append(("llama-server", report.peer.figures))
    for name, _ in sides:
        table.add_column(f"{name} p50", justify="right")
        table.add_column("p95", justify="right")
    for label, cells in _rows(sides):
        table.add_row(label, *cells)
    return Group(table, *_remarks(report))


def _rows(sides: list[tuple[str, Figures]]) -> list[tuple[str, list[str]]]:
    figures = [side for _, side in sides]
    return [
        ("asked", _cells((str(each.asked), "") for each in figures)),
        ("typed through, no model asked", _cells((str(each.typed_through), "") for each in figures)),
        (
            "tokens evaluated",
            _cells((f"{each.tokens_evaluated_p50:g}", f"{each.tokens_evaluated_p95:g}") for each in figures),
        ),
        ("tokens decoded, mean", _cells((f"{each.tokens_decoded_mean:.1f}", "") for each in figures)),
        ("first token, ms", _cells((_ms(each.ttft_ms_p50), _ms(each.ttft_ms_p95)) for each in figures)),
        (
            "first token over a bare step, ms",
            _cells((_ms(each.over_step_ms_p50), _ms(each.over_step_ms_p95)) for each in figures),
        ),
        ("shown on the client, ms", _cells((_ms(each.shown_ms_p50), _ms(each.shown_ms_p95)) for each in figures)),
        ("processor s per 1000 characters", _cells((f"{each.cpu_s_per_1000_chars:.2f}", "") for each in figures)),
    ]


def _cells(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [cell for pair in pairs for cell in pair]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _remarks(report: KeystrokeReport) -> list[str]:
    remarks = [
        f"prompt tokens reused, p50: {report.tokens_reused_p50:g}",
        f"tokens evaluated in the background: {report.background_tokens} in all",
    ]
    if report.step_ms_p50 is not None:
        remarks.append(f"one bare decode step, p50: {report.step_ms_p50:.2f} ms; over it only those that go on")
    remarks += map(_place_remark, report.places.items())
    ratios, limit = report.ratios(), report.limit()
    if report.peer is None or ratios is None or limit is None:
        return remarks
    remarks += (
        (
            f"llama-server over pylot-ls: first token p50 {_times(ratios['ttft_p50'])}, "
            f"p95 {_times(ratios['ttft_p95'])}, processor time {_times(ratios['cpu'])}"
        ),
        f"llama-server over one bare decode step: first token p50 {_times(limit['ttft_p50'])}",
        (
            f"llama-server took prompts of {report.peer.n_batch} tokens at most and decoded {report.max_tokens} "
            "(n_predict); it was asked where llama.vim asks by itself"
        ),
        f"pylot-ls worked {report.peer.our_cpu_s:.2f} s of processor time while llama-server was asked",
    )
    return remarks


def _place_remark(named: tuple[str, PlaceFigures]) -> str:
    name, place = named
    return (
        f"{_PLACE_NAMES[name]}: {place.asked} keystrokes, "
        f"tokens evaluated p50 {place.tokens_evaluated_p50:g}, p95 {place.tokens_evaluated_p95:g}, "
        f"first token p50 {_ms(place.ttft_ms_p50)} ms, p95 {_ms(place.ttft_ms_p95)} ms"
    )


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} x"


def decode_table(report: DecodeReport) -> RenderableType:
    """Three rates, and what speculation gains."""
    table = Table(
        title=f"{report.n_tokens} tokens in {report.suggestions} suggestions, behind {report.depth_p50} tokens (p50)",
    )
    table.add_column("")
    table.add_column("tokens/s", justify="right")
    table.add_column("ours over it", justify="right")
    ratios = report.as_dict()["ratio"]
    table.add_row("through the server", f"{report.tokens_per_s:.2f}", "")
    table.add_row("bare loop", f"{report.bare_tokens_per_s:.2f}", _times(ratios["bare_loop"]))
    if report.llama_bench_tokens_per_s is not None:
        table.add_row("llama-bench", f"{report.llama_bench_tokens_per_s:.2f}", _times(ratios["llama_bench"]))
    rows = {"lines that repeat those before": report.repetitive, "other lines": report.other}
    return Group(
        table,
        *(
            f"speculation on {name}: {_times(row.speed)} as fast over {row.n_tokens} tokens of {row.suggestions} "
            f"suggestions; another text in {row.different}"
            for name, row in rows.items()
            if row is not None
        ),
    )


def sessions_table(report: SessionsReport) -> RenderableType:
    """What a keystroke costs when files are typed in turn."""
    title = f"{report.sessions} files in turn, {report.keystrokes} keystrokes, {report.typed_through} typed through"
    table = Table(title=title)
    table.add_column("per keystroke")
    table.add_column("p50", justify="right")
    table.add_column("p95", justify="right")
    table.add_row("tokens evaluated", f"{report.tokens_evaluated_p50:g}", f"{report.tokens_evaluated_p95:g}")
    table.add_row("first token, ms", _ms(report.ttft_ms_p50), _ms(report.ttft_ms_p95))
    return table


def together_table(report: TogetherReport) -> RenderableType:
    """What keystrokes cost that are typed in several editors at once, and plain completions beside each other."""
    table = Table(title=f"{report.sessions} editors at once, {report.keystrokes} keystrokes")
    for header in (
        "",
        "asked",
        "typed\nthrough",
        "first token,\nms, p50",
        "p95",
        "evaluated,\np50",
        "plain,\ntokens/s",
    ):
        table.add_column(header, justify="right" if header else "left")
    for name, side in (("pylot-ls", report.ours), ("llama-server", report.peer)):
        if side is not None:
            first = (_ms(side.ttft_ms_p50), _ms(side.ttft_ms_p95))
            figures = (f"{side.tokens_evaluated_p50:g}", f"{side.tokens_per_s:.1f}")
            table.add_row(name, str(side.asked), str(side.typed_through), *first, *figures)
    ratios = report.as_dict()["ratio"]
    if ratios is None:
        return table
    sooner = f"first token sooner: p50 {_times(ratios['ttft_p50'])}, p95 {_times(ratios['ttft_p95'])}"
    return Group(table, f"{sooner}; tokens a second of completions over the peer's: {ratios['throughput']:.2f}")


def reanchor_table(report: ReanchorReport) -> RenderableType:
    """A person's keystrokes in quiet, and beside background work."""
    table = Table(title=f"typing while a prompt of {report.prompt_tokens} tokens is evaluated in the background")
    for header in ("", "keystrokes", "first token, ms, p50", "p95", "background tokens"):
        table.add_column(header, justify="right" if header else "left")
    for name, side in (("in quiet", report.quiet), ("meanwhile", report.busy)):
        cells = (str(side.keystrokes), _ms(side.ttft_ms_p50), _ms(side.ttft_ms_p95), str(side.background_tokens))
        table.add_row(name, *cells)
    ratios = report.as_dict()["ratio"]
    done = "before the typing was" if report.finished_while_typing else "after the typing was"
    return Group(
        table,
        f"meanwhile over in quiet: p50 {_times(ratios['ttft_p50'])}, p95 {_times(ratios['ttft_p95'])}",
        f"the prompt was done {done}, {report.finished_s:.1f} s after it was asked for",
    )


_PLACES = {"same": "where it was", "moved": "30 lines further down", "tail": "where it was, a tail of 137 tokens"}


def restore_table(report: RestoreReport) -> RenderableType:
    """A file opened by a server that knows nothing of it, and by one that comes after another."""
    table = Table(title=f"first token after opening a file again, {report.n_threads} threads")
    table.add_column("cursor")
    for header in ("prompt, tokens", "warm", "evaluated cold", "warm", "ms cold", "warm", "cold over warm"):
        table.add_column(header, justify="right")
    for name, row in report.rows.items():
        tokens = map(str, (row.prompt_tokens, row.warm_prompt_tokens, row.cold_tokens, row.warm_tokens))
        times = (_ms(row.cold_ms), _ms(row.warm_ms), _times(row.as_dict()["cold_over_warm"]))
        table.add_row(_PLACES[name], *tokens, *times)
    return Group(table, *_cold_open_remarks(report.cold_open), *_restore_remarks(report.as_dict()))


def _cold_open_remarks(cold_open: ColdOpen) -> list[str]:
    ours = (
        f"in a file just opened, nothing known of it: first token after {_ms(cold_open.ttft_ms)} ms, "
        f"{_ms(cold_open.ttft_ms_most)} at most, {cold_open.tokens_evaluated:g} tokens evaluated"
    )
    if cold_open.peer_ttft_ms is None:
        return [ours]
    theirs = f"{_ms(cold_open.peer_ttft_ms)} ms, {cold_open.peer_tokens_evaluated:g} tokens evaluated"
    return [ours, f"llama-server there: {theirs}, {_times(cold_open.as_dict()['ratio'])} ours"]


def _restore_remarks(values: dict[str, Any]) -> list[str]:
    kv = "identical" if values["kv_identical"] else "NOT identical"
    logits = "identical, bit for bit" if values["logits_identical"] else "NOT identical"
    place = "within" if values["elsewhere_within_noise_floor"] else "above"
    return [
        f"KV of {values['kv_tokens']} tokens, {values['kv_bytes'] / 2**20:.1f} MiB, saved and read back: {kv}",
        f"the next token's logits in an empty context: {logits}",
        f"beside other cells they differ by at most {values['elsewhere']:.2g}, {place} the noise floor",
        f"noise floor (batches of other shapes, nothing restored): {values['noise_floor']:.2g}",
    ]


def quality_table(values: dict[str, Any]) -> RenderableType:
    """Ours, and the peer's beside it, with the intervals; ``values`` are what JSON has."""
    title = (
        f"{values['characters']} characters typed in {values['holes']} places of {values['files']} files, "
        f"{values['questions']} looks at what is suggested"
    )
    table = Table(title=title)
    table.add_column("")
    sides = [("ours", "pylot-ls"), ("peer", "llama-server")] if values["peer"] else [("ours", "pylot-ls")]
    for _, name in sides:
        table.add_column(name, justify="right")
        table.add_column("95 %", justify="right")
    if values["peer"]:
        table.add_column("top_k 1", justify="right")
    for figure in values["interval"]["ours"]:
        cells = [
            cell
            for side, _ in sides
            for cell in (_percent(values[side][figure]), _between(values["interval"][side][figure], _percent))
        ]
        if values["peer"]:
            cells.append(_percent(values["peer"]["top_k_1"][figure]))
        table.add_row(figure.replace("_", " "), *cells)
    return Group(table, *_quality_remarks(values))


def _quality_remarks(values: dict[str, Any]) -> list[str]:
    remarks = []
    if values["ratio"]:
        remarks = [
            f"pylot-ls over llama-server, {name.replace('_', ' ')}: {_times(ratio)} "
            f"{_between(values['interval']['ratio'][name], _times)}".rstrip()
            for name, ratio in values["ratio"].items()
        ]
    if len(values["by_language"]) > 1:
        remarks += [
            f"{language}: kept characters {_percent(part['ours']['kept_characters'])} of {part['characters']}"
            for language, part in values["by_language"].items()
        ]
    remarks += [f"{count} files skipped: {reason}" for reason, count in values["skipped"].items()]
    trained_on = values["trained_on"]
    if not trained_on["known"]:
        remarks.append("what the model was trained on is not known: it may have seen these files")
    elif trained_on["files"]:
        remarks.append(
            f"{trained_on['files']} files left out that the model was trained on: {_some(trained_on['names'])}"
        )
    return remarks


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _between(interval: Sequence[float] | None, show: Callable[[float], str]) -> str:
    return "" if interval is None else " to ".join(map(show, interval))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_N_NAMES])
    return shown if len(names) <= _N_NAMES else f"{shown} and {len(names) - _N_NAMES} more"

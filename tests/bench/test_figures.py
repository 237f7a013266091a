from __future__ import annotations

import pytest

from pylot_ls.bench.figures import Cost, figures, percentile, ratio
from pylot_ls.bench.report import KeystrokeReport, PeerFigures

OURS = figures([Cost(1, 8, 10.0, 12.0), Cost(3, 7, 20.0, 22.0), Cost(0, 0, 0.0, 1.0)], 8.0, 2.0, 500)
THEIRS = figures([Cost(250, 8, 400.0, 410.0)], 8.0, 30.0, 500)


def report(peer):
    return KeystrokeReport(
        keystrokes=3,
        suggestions=1,
        tokens_reused_p50=300.0,
        background_tokens=900,
        step_ms_p50=8.0,
        max_tokens=8,
        n_threads=2,
        ours=OURS,
        peer=peer,
    )


def test_figures_of_a_side():
    assert (OURS.asked, OURS.tokens_evaluated_p50, OURS.shown_ms_p50) == (3, 1.0, 12.0)
    assert OURS.tokens_decoded_mean == 5.0
    assert OURS.cpu_s_per_1000_chars == 4.0


def test_a_keystroke_at_which_the_model_was_not_asked_has_no_time_to_the_first_token():
    assert (OURS.ttft_ms_p50, OURS.over_step_ms_p50) == (15.0, 7.0)


def test_keystrokes_elsewhere_are_not_held_against_a_bare_step():
    costs = [Cost(1, 8, 10.0, 12.0), Cost(60, 8, 900.0, 950.0, is_elsewhere=True)]
    assert figures(costs, 8.0, 0.0, 1).over_step_ms_p95 == 2.0
    assert figures(costs, 8.0, 0.0, 1).ttft_ms_p95 > 800


def test_a_keystroke_that_was_typed_through_counts_for_nothing_but_itself():
    through = Cost(0, 0, 0.0, 0.5, typed_through=True)
    costs = [Cost(1, 8, 10.0, 12.0), Cost(3, 7, 20.0, 22.0)]
    without, with_it = figures(costs, 8.0, 2.0, 500), figures([*costs, *9 * [through]], 8.0, 2.0, 500)
    assert with_it.as_dict() == {**without.as_dict(), "asked": 11, "typed_through": 9}


def test_without_a_bare_step_nothing_is_over_it():
    assert figures([Cost(1, 8, 10.0, 12.0)], None, 0.0, 1).over_step_ms_p95 is None


def test_ratios_are_the_peers_over_ours():
    values = report(PeerFigures(THEIRS, 1024, 0.5)).as_dict()
    assert values["ratio"] == {"ttft_p50": round(400 / 15, 3), "ttft_p95": round(400 / 19.5, 3), "cpu": 15.0}
    assert values["limit"] == {"ttft_p50": 50.0}
    assert values["peer"]["tokens_evaluated_p50"] == 250.0
    assert values["peer"]["n_batch"] == 1024


def test_our_figures_stand_at_the_top_too():
    values = report(None).as_dict()
    assert values["ours"].items() <= values.items()
    assert (values["peer"], values["ratio"], values["limit"]) == (None, None, None)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 50, 0.0), ([3.0], 95, 3.0), ([1.0, 2.0, 3.0], 50, 2.0), (list(map(float, range(101))), 95, 95.0)],
)
def test_percentiles(values, percent, expected):
    assert percentile(values, percent) == expected


@pytest.mark.parametrize(("denominator", "expected"), [(4.0, 0.5), (0.0, None), (None, None)])
def test_a_ratio_to_nothing_is_none(denominator, expected):
    assert ratio(2.0, denominator) == expected

"""The figures are what their definitions say: shares, similarity, thresholds, intervals, ratios."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.bench.corpus import Corpus
from pylot_ls.bench.intervals import bootstrap
from pylot_ls.bench.quality_report import FilledHole, QualityReport
from pylot_ls.bench.scores import Question, Tally, similarity
from pylot_ls.bench.thresholds import Sweep

TEXTS = st.text("abc", max_size=12)
RIGHT = Question(1.0, is_exact=True, is_shown=True, is_right=True, n_kept=8, confidence=0.9, adds_errors=False)
WORD = Question(0.5, is_shown=True, n_kept=2, confidence=0.5, repeats_suffix=True, adds_errors=True)
WRONG = Question(0.25, is_shown=True, confidence=0.3)
NOTHING = Question(0.0)
AT_THE_END = Question(None)
NOISE = Question(None, is_shown=True, confidence=0.1)
LATE = Question(0.0, is_late=True)
ALL = [RIGHT, WORD, WRONG, NOTHING, AT_THE_END, NOISE, LATE]


@pytest.mark.parametrize(
    ("left", "right", "value"),
    [("", "", 1.0), ("a", "", 0.0), ("kitten", "sitting", 1 - 3 / 7), ("abc", "abc", 1.0), ("ab", "ba", 0.0)],
)
def test_similarity_of_known_pairs(left, right, value):
    assert similarity(left, right) == pytest.approx(value)


@given(TEXTS, TEXTS, TEXTS)
def test_distance_is_a_metric(left, middle, right):
    def distance(one, other):
        return round((1 - similarity(one, other)) * max(len(one), len(other)))

    assert distance(left, right) == distance(right, left)
    assert (distance(left, right) == 0) == (left == right)
    assert distance(left, right) <= distance(left, middle) + distance(middle, right)


def test_shares_of_questions_and_of_characters():
    assert Tally.of(40, ALL).figures() == {
        "kept_characters": 10 / 40,
        "exact_line": 1 / 5,
        "edit_similarity": 1.75 / 5,
        "shown": 4 / 7,
        "wrong_shown": 3 / 4,
        "repeats_suffix": 1 / 4,
        "adds_errors": 1 / 2,
        "late": 1 / 7,
    }


def test_where_there_is_nothing_to_take_a_share_of_there_is_no_figure():
    assert Tally.of(5, [AT_THE_END]).figures() == {
        "kept_characters": 0.0,
        "exact_line": None,
        "edit_similarity": None,
        "shown": 0.0,
        "wrong_shown": None,
        "repeats_suffix": None,
        "adds_errors": None,
        "late": 0.0,
    }
    assert set(Tally().figures().values()) == {None}


def test_the_sum_of_parts_is_the_whole():
    assert Tally.total([Tally.of(30, ALL[:2]), Tally.of(10, ALL[2:])]) == Tally.of(40, ALL)
    assert Sweep.total([Sweep.of(30, ALL[:2]), Sweep.of(10, ALL[2:])]) == Sweep.of(40, ALL)


@pytest.mark.parametrize(
    ("kept", "found"),
    [(0.25, (0.5, 1 / 2)), (0.2, (0.9, 0.0)), (0.21, (0.5, 1 / 2)), (0.0, (0.9, 0.0)), (0.26, None)],
)
def test_the_threshold_is_the_highest_that_keeps_enough(kept, found):
    assert Sweep.of(40, ALL).wrong_at(kept) == found


@pytest.mark.parametrize("confidence", [0.0, 0.29, 0.57, 0.58, 1.0])
def test_a_suggestion_counts_at_its_own_confidence(confidence):
    question = Question(1.0, is_shown=True, is_right=True, n_kept=4, confidence=confidence)
    assert Sweep.of(4, [question]).wrong_at(1.0) == (confidence, 0.0)


def test_without_suggestions_no_threshold_keeps_anything():
    assert Sweep.of(4, [NOTHING, AT_THE_END]).wrong_at(0.0) is None


def mean(sample):
    return {"mean": sum(sample) / len(sample)}


def test_an_interval_holds_the_figure_and_narrows_with_more_units():
    few = bootstrap([0.0, 1.0] * 5, mean, seed=0)["mean"]
    many = bootstrap([0.0, 1.0] * 200, mean, seed=0)["mean"]
    # The normal approximation gives 0.5 -+ 0.31 and 0.5 -+ 0.049.
    assert few == pytest.approx((0.2, 0.8), abs=0.05)
    assert many == pytest.approx((0.451, 0.549), abs=0.01)


def test_an_interval_is_repeatable_and_of_equal_units_a_point():
    assert bootstrap([1.0, 2.0, 5.0], mean, seed=1) == bootstrap([1.0, 2.0, 5.0], mean, seed=1)
    assert bootstrap([2.0] * 5, mean, seed=1)["mean"] == (2.0, 2.0)


def test_one_unit_has_no_interval_nor_has_a_figure_that_resamples_lack():
    assert bootstrap([1.0], mean, seed=0) == {"mean": None}
    assert bootstrap([0.0, 1.0], lambda sample: {"least": None if 0.0 in sample else 1.0}, seed=0) == {"least": None}


def filled(path, ours, peer=(), likeliest=(), language="python"):
    return FilledHole(path, language, 20, ours, [[each] for each in peer], [[each] for each in likeliest])


def report(*holes, has_peer=True):
    return QualityReport(holes, Corpus(is_training_known=True), has_peer=has_peer, seed=0).as_dict()


def test_the_peer_is_the_mean_of_its_seeds_and_ratios_are_ours_over_it():
    values = report(filled("a.py", [RIGHT, WRONG], [WORD, WRONG, NOTHING], [RIGHT]))
    assert values["ours"]["kept_characters"] == 0.4
    assert values["peer"]["kept_characters"] == round(2 / 60, 4)
    assert values["peer"]["top_k_1"]["kept_characters"] == 0.4
    # At 0.9 ours keeps 8 of 20 and all that is shown is right.
    assert values["ours"]["at_equal_kept"] == {"confidence": 0.9, "wrong_shown": 0.0}
    assert values["ratio"] == {
        "kept_characters": 12.0,
        "kept_characters_top_k_1": 1.0,
        "wrong_shown_at_equal_kept": 0.0,
    }


def test_a_ratio_to_nothing_is_none_and_so_is_one_at_what_ours_never_keeps():
    assert set(report(filled("a.py", [NOTHING], [NOTHING], [NOTHING]))["ratio"].values()) == {None}
    values = report(filled("a.py", [WRONG], [WORD], [WORD]))
    assert values["ratio"] == {
        "kept_characters": 0.0,
        "kept_characters_top_k_1": 0.0,
        "wrong_shown_at_equal_kept": None,
    }


def test_keeping_as_much_as_a_peer_that_keeps_nothing_is_no_merit():
    values = report(filled("a.py", [RIGHT, WRONG], [WRONG], [WORD]))
    assert values["ours"]["at_equal_kept"] == {"confidence": None, "wrong_shown": None}
    assert values["ratio"] == {
        "kept_characters": None,
        "kept_characters_top_k_1": 4.0,
        "wrong_shown_at_equal_kept": None,
    }


def test_without_a_peer_there_is_one_side():
    values = report(filled("a.py", [RIGHT]), filled("b.py", [WRONG]), has_peer=False)
    assert (values["peer"], values["ratio"]) == (None, None)
    assert "at_equal_kept" not in values["ours"]
    assert set(values["interval"]) == {"level", "resampled", "ours"}
    assert values["interval"]["ours"]["kept_characters"] == [0.0, 0.4]


@pytest.mark.parametrize(("n_files", "resampled"), [(4, "holes"), (5, "files")])
def test_files_are_resampled_where_there_are_enough_of_them(n_files, resampled):
    holes = [filled(f"{number % n_files}.py", [RIGHT]) for number in range(10)]
    assert report(*holes, has_peer=False)["interval"]["resampled"] == resampled


def test_counts_and_figures_by_language():
    values = report(
        filled("a.py", [RIGHT, NOTHING]),
        filled("a.py", [WRONG]),
        filled("b.rs", [WORD], language="rust"),
        has_peer=False,
    )
    counts = ("files", "holes", "characters", "questions", "suggestions")
    assert [values[name] for name in counts] == [2, 3, 60, 4, 3]
    python, rust = values["by_language"]["python"], values["by_language"]["rust"]
    assert [python[name] for name in counts] == [1, 2, 40, 3, 2]
    assert python["ours"]["kept_characters"] == 0.2
    assert rust["ours"]["kept_characters"] == 0.1


def test_what_was_left_out_is_told():
    corpus = Corpus(is_training_known=False)
    corpus.skipped["too large"] += 2
    corpus.trained_on.update({"json": 3, "abc": 1})
    values = QualityReport((filled(str(Path("a.py")), [RIGHT]),), corpus, has_peer=False, seed=0).as_dict()
    assert values["skipped"] == {"too large": 2}
    assert values["trained_on"] == {"known": False, "files": 4, "names": ["abc", "json"]}

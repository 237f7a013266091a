"""Each campaign in its short form, with its planted fault, and, with ``-m campaign``, in its full form."""

from __future__ import annotations

import pytest
from campaign import Campaign, Result, Trial, all_campaigns, described, table

CAMPAIGNS = all_campaigns()
every_campaign = pytest.mark.parametrize("campaign", CAMPAIGNS, ids=lambda each: f"{each.number}")


@every_campaign
def test_the_short_form_finds_nothing(attempt, campaign):
    trial = attempt(campaign, campaign.short)
    assert campaign.is_sound(trial), trial.notes


@every_campaign
def test_the_planted_fault_is_found(attempt, campaign):
    trial = attempt(campaign, campaign.short, is_planted=True)
    assert not campaign.is_held(trial)


@pytest.mark.campaign
@pytest.mark.timeout(4 * 3600)
@every_campaign
def test_the_goal_is_held(attempt, campaign, scale, keep_result):
    trial = attempt(campaign, max(1, round(campaign.full * scale)), is_full=True)
    held = campaign.is_held(trial)
    keep_result(Result(campaign, described(trial.figures), held))
    assert held, trial.notes


def test_each_number_is_one_campaigns():
    numbers = [each.number for each in CAMPAIGNS]
    assert numbers == sorted(set(numbers))


def test_the_table_says_what_was_found_and_whether_that_is_the_goal(tmp_path, monkeypatch):
    def run(trial):
        trial.count("throws", trial.size)
        trial.fault("sixes", "at the last throw")
        trial.figures["p99 ms"] = 1.25

    dice = Campaign(7, "Dice", "0 sixes", "throws", 3, 3, run, lambda _patch: None, ("sixes",))
    trial = dice.attempt(Trial(3, dice.seed, tmp_path, monkeypatch))
    assert trial.notes == ["sixes: at the last throw"]
    assert not dice.is_sound(trial)
    result = Result(dice, described(trial.figures), dice.is_held(trial))
    assert table([result]).splitlines()[2:] == [
        "| 7 | Dice | 0 sixes | 3 throws, 1 sixes, p99 ms 1.25 | **no** | 1007 |"
    ]
    assert result.as_json() == {
        "id": 7,
        "goal": "0 sixes",
        "figure": "3 throws, 1 sixes, p99 ms 1.25",
        "held": False,
    }


def test_a_planted_fault_ends_a_run_once_it_is_found(tmp_path, monkeypatch):
    def run(trial):
        for number in trial.rounds():
            trial.check(number != 2, "faults", number)
            trial.count("acts")

    fragile = Campaign(7, "Fragile", "0 faults", "acts", 5, 5, run, lambda _patch: None, ("faults",))
    planted = fragile.attempt(Trial(5, 1, tmp_path, monkeypatch, is_planted=True))
    assert (planted.figures["acts"], fragile.attempt(Trial(5, 1, tmp_path, monkeypatch)).figures["acts"]) == (3, 5)


def test_a_campaign_that_did_less_than_it_should_is_not_held(tmp_path, monkeypatch):
    idle = Campaign(7, "Idle", "0 faults", "acts", 1, 1, lambda _trial: None, lambda _patch: None, ("faults",))
    assert not idle.is_sound(idle.attempt(Trial(1, 1, tmp_path, monkeypatch)))


def test_a_time_counts_in_the_full_form_alone(tmp_path, monkeypatch):
    def run(trial):
        trial.count("acts")
        trial.figures["p99 ms"] = 3.0

    slow = Campaign(7, "Slow", "p99 under 2 ms", "acts", 1, 1, run, lambda _patch: None, (), {"p99 ms": 2})
    trial = slow.attempt(Trial(1, 1, tmp_path, monkeypatch))
    assert slow.is_sound(trial)
    assert not slow.is_held(trial)

"""``pylot-ls stats``: what the log says, and how it goes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from typer.testing import CliRunner

from pylot_ls.cli.app import app
from pylot_ls.cli.stats_tables import rendered, summed
from pylot_ls.features.feedback import Verdict
from pylot_ls.features.feedback_log import FeedbackLog, FeedbackRow, FeedbackTotal


def today():
    """Asked by each test: the one that runs at midnight is not to find yesterday's."""
    return datetime.now().astimezone().date()


@pytest.fixture
def pylot(tmp_path, monkeypatch):
    """Run ``pylot-ls`` in this process, which takes less time."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run(*arguments, **variables):
        return CliRunner(env={"COLUMNS": "200", **variables}).invoke(app, arguments)

    return run


@pytest.fixture
def log(tmp_path):
    """The log that the command looks at."""
    return FeedbackLog(tmp_path / "state" / "pylot-ls" / "feedback" / "feedback.db")


@pytest.fixture
def filled(log, pylot):
    rows = [
        ("python", 0, Verdict.ACCEPTED, 20, 15),
        ("python", 0, Verdict.ACCEPTED_WORD, 5, 5),
        ("python", 0, Verdict.REJECTED, 0, 0),
        ("python", 0, Verdict.TYPED, 0, 0),
        ("go", 0, Verdict.IGNORED, 0, 0),
        ("go", 40, Verdict.ACCEPTED_LINE, 10, 0),
    ]
    log.write(
        [
            FeedbackRow(key, today() - timedelta(days=n_days), language, verdict, 0.5, 20, 0, n_accepted, n_kept)
            for key, (language, n_days, verdict, n_accepted, n_kept) in enumerate(rows)
        ],
        today(),
    )
    return log


def test_a_table_and_a_plot_by_day_and_language(pylot, filled):
    done = pylot("stats")
    assert done.exit_code == 0, done.stderr
    rows = [" ".join(line.replace("│", " ").split()) for line in done.stdout.splitlines()]
    assert f"{today()} go 1 0 0 % 0 0 (-)" in rows
    assert "python 4 2 50 % 25 20 (80 %)" in rows
    assert "all days all 5 2 40 % 25 20 (80 %)" in rows
    assert "accepted: 1 whole, 0 by line, 1 by word; not accepted: 1 typed instead, 1 rejected, 1 ignored" in rows
    assert f"{today():%m-%d} {'█' * 16}{'░' * 24} 2 of 5 (40 %)" in rows


def test_days_chooses_how_far_back(pylot, filled):
    done = pylot("stats", "--days", "60")
    assert f"{today() - timedelta(days=40)}" in done.stdout
    assert "3 of" not in done.stdout
    assert json.loads(pylot("stats", "--days", "40", "--json").stdout)["total"]["shown"] == 5
    assert json.loads(pylot("stats", "--days", "41", "--json").stdout)["total"]["shown"] == 6


def test_json_tells_everything(pylot, filled):
    printed = json.loads(pylot("stats", "--days", "41", "--json").stdout)
    assert printed["file"] == str(filled.path)
    assert printed["logging"] is True
    assert printed["total"] == {
        "shown": 6,
        "accepted": 3,
        "acceptance_rate": 0.5,
        "accepted_line": 1,
        "accepted_word": 1,
        "typed": 1,
        "rejected": 1,
        "ignored": 1,
        "accepted_characters": 35,
        "kept_characters": 20,
    }
    assert printed["by_language"]["go"]["shown"] == 2
    assert printed["by_day"][today().isoformat()]["shown"] == 5
    assert [(row["language"], row["shown"]) for row in printed["by_day_and_language"]] == [
        ("go", 1),
        ("go", 1),
        ("python", 4),
    ]


def test_an_empty_log_says_how_to_fill_it(pylot, log):
    done = pylot("stats")
    assert done.exit_code == 0
    assert "No suggestion was shown in the last 30 days" in done.stdout
    assert "Connect an editor" in done.stdout
    printed = json.loads(pylot("stats", "--json").stdout)
    assert printed["total"]["shown"] == 0
    assert printed["total"]["acceptance_rate"] is None
    assert not log.path.parent.exists()


def test_where_logging_is_off_that_is_said(pylot, log):
    assert "feedback.enabled is off" in pylot("stats", PYLOT_LS_FEEDBACK_ENABLED="off").stdout


def test_clear_asks_for_certainty_and_removes_every_trace(pylot, filled):
    done = pylot("stats", "--clear")
    assert done.exit_code == 1
    assert "--yes" in done.stderr
    assert filled.path.exists()
    done = pylot("stats", "--clear", "--yes")
    assert done.exit_code == 0, done.stderr
    assert f"removed {filled.path}" in done.stdout
    assert not filled.path.parent.exists()
    assert "there is no log" in pylot("stats", "--clear", "--yes").stdout


def test_a_damaged_log_is_said_and_can_be_cleared(pylot, log):
    log.path.parent.mkdir(parents=True)
    log.path.write_bytes(b"garbage" * 1000)
    done = pylot("stats")
    assert done.exit_code == 1
    assert "cannot be read" in done.stderr
    assert "stats --clear" in done.stderr
    assert "Traceback" not in done.stderr
    assert pylot("stats", "--clear", "--yes").exit_code == 0


@pytest.mark.parametrize("arguments", [("--days", "0"), ("--days", "x"), ("--days", "99999"), ("--yes",)])
def test_wrong_options_are_refused(pylot, arguments):
    done = pylot("stats", *arguments)
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr


def test_a_demo_counts_as_nothing_that_a_user_accepted(pylot, log):
    assert pylot("demo", "--scripted").exit_code == 0
    assert not log.path.parent.exists()


def test_a_long_time_is_plotted_by_its_last_days():
    totals = [FeedbackTotal(today() - timedelta(days=n), "go", Verdict.TYPED, 1, 1, 0, 0) for n in range(300)]
    lines = [str(each) for each in rendered(totals, today() - timedelta(days=400), today()).renderables]
    assert len([line for line in lines if "0 of 1" in line]) == 31


def test_nothing_has_no_acceptance_rate():
    assert summed([]).acceptance_rate is None

"""The folders of a campaign's own, and the table that the full forms end with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from campaign import Campaign, Result, Trial, described, table

RESULTS = pytest.StashKey[list[Result]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RESULTS] = []


@pytest.fixture
def attempt(request, tmp_path, monkeypatch):
    """Run a campaign at some size, on folders that are nobody else's."""
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))

    def run(campaign: Campaign, size: int, **options) -> Trial:
        folder = tmp_path / "campaign"
        folder.mkdir()
        print(f"campaign {campaign.number}, {size} {campaign.unit}, seed {campaign.seed}")
        trial = campaign.attempt(Trial(size, campaign.seed, folder, monkeypatch, **options))
        print(described(trial.figures), *trial.notes, sep="\n")
        return trial

    return run


@pytest.fixture
def scale(request) -> float:
    return request.config.getoption("--campaign-scale")


@pytest.fixture
def keep_result(request):
    """Have a result in the table, whether it is what it should be or not."""
    return request.config.stash[RESULTS].append


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    results = config.stash[RESULTS]
    if not results:
        return
    scale = config.getoption("--campaign-scale")
    terminalreporter.section("campaigns" if scale == 1 else f"campaigns, at {scale:g} of their size")
    terminalreporter.write_line(table(results))
    if (file := config.getoption("--campaign-json")) is not None:
        content = [each.as_json() for each in sorted(results, key=lambda each: each.campaign.number)]
        Path(file).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

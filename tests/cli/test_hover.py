from __future__ import annotations

import json

import pytest

SOURCE = 'class Item:\n    def total(self):\n        """The price of all."""\n        return self.price\n'


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "item.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def test_what_the_text_says_is_printed_with_the_bundled_model(pylot, source):
    done = pylot("hover", f"{source}:2:10")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "def total(self):\n\nThe price of all.\n"


def test_an_explanation_is_printed_where_the_model_explains(pylot_inside, source):
    done = pylot_inside("hover", f"{source}:4:22", "--scripted")
    assert done.stdout == "scripted_suggestion\n"


def test_a_selection_is_explained(pylot_inside, source):
    printed = json.loads(pylot_inside("hover", f"{source}:4:9-4:26", "--scripted", "--json").stdout)
    assert printed["name"] == "return self.price"
    assert printed["explanation"] == "scripted_suggestion"


def test_json_has_the_parts_and_what_they_cost(pylot_inside, source):
    printed = json.loads(pylot_inside("hover", f"{source}:2:10", "--scripted", "--json").stdout)
    assert printed["name"] == "total"
    assert printed["signature"] == "def total(self):"
    assert printed["documentation"] == "The price of all."
    assert printed["explanation"] == "scripted_suggestion"
    assert printed["tokens_evaluated"] > 10


def test_where_nothing_is_shown_that_is_said(pylot_inside, source):
    done = pylot_inside("hover", f"{source}:2:1", "--scripted")
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing" in done.stderr
    assert json.loads(pylot_inside("hover", f"{source}:2:1", "--scripted", "--json").stdout) is None


@pytest.mark.parametrize("place", ["item.py", "item.py:9:1", "item.py:2:99", "missing.py:1:1"])
def test_what_is_no_place_in_a_text_is_said(pylot_inside, source, place):
    done = pylot_inside("hover", place)
    assert done.returncode == 1
    assert done.stderr.startswith("pylot-ls: ")
    assert not done.stdout

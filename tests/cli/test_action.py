"""``pylot-ls action``: what a code action would change, as a diff; and what it says where it cannot."""

from __future__ import annotations

import json

import pytest

SOURCE = '''class Basket:
    """Items that somebody wants to buy."""

    def __init__(self, items):
        self.items = items

    def total(self):
        return sum(item.price for item in self.items)

    def is_empty(self):
        pass
'''


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "basket.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def test_the_bundled_models_docstring_is_a_diff_of_added_lines(pylot, source):
    done = pylot("action", "docstring", f"{source}:7:9", "--diff")
    assert done.returncode == 0, done.stderr
    changes = [line for line in done.stdout.split("\n") if line[:1] in {"+", "-"}]
    assert changes[:2] == [f"--- {source}", f"+++ {source}"]
    assert changes[2].startswith('+        """')
    assert all(line.startswith("+") for line in changes[2:])
    assert source.read_text(encoding="utf-8") == SOURCE


def test_json_has_the_edits_by_offset(pylot, source):
    printed = json.loads(pylot("action", "docstring", f"{source}:7:9", "--json").stdout)
    (edit,) = printed["edits"]
    assert SOURCE[: edit["start"]].endswith("def total(self):\n")
    assert edit["start"] == edit["end"]
    whole = pylot("action", "docstring", f"{source}:7:9", "--whole").stdout
    assert whole == SOURCE[: edit["start"]] + edit["text"] + SOURCE[edit["end"] :]


def test_the_bundled_model_explains_a_definition_or_says_that_it_cannot(pylot, source):
    done = pylot("action", "explain", f"{source}:7:9")
    if done.returncode:
        assert "nothing worth reading" in done.stderr
    else:
        assert done.stdout.startswith("## total\n\n")


def test_a_definition_is_explained(pylot_inside, source):
    done = pylot_inside("action", "explain", f"{source}:7:9", "--scripted")
    assert done.stdout == "## total\n\nscripted_suggestion\n"


def test_what_applies_at_a_place_is_listed(pylot_inside, source):
    done = pylot_inside("action", "--list", f"{source}:10:9")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["implement", "docstring", "explain"]
    kinds = [each["kind"] for each in json.loads(pylot_inside("action", "--list", f"{source}:7:9", "--json").stdout)]
    assert kinds == ["docstring", "explain"]
    assert "nothing applies here" in pylot_inside("action", "--list", f"{source}:12:1").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("polish", "basket.py:1:1"), "there is no action 'polish'; there are fix, implement"),
        (("docstring", "basket.py"), "FILE:LINE:COL-LINE:COL"),
        (("docstring", "basket.py:1:1-99:1"), "there is no line 99"),
        (("docstring", "basket.py:12:1"), "nothing here that could be documented"),
        (("simplify", "basket.py:7:9"), "has no chat format"),
        (("fix", "basket.py:7:9"), "The problem that was to be fixed is gone"),
    ],
)
def test_what_cannot_be_done_is_said_on_stderr_alone(pylot_inside, source, arguments, said):
    done = pylot_inside("action", *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert said in done.stderr


def test_the_scripted_models_answer_in_no_form_changes_nothing(pylot_inside, source):
    done = pylot_inside("action", "simplify", f"{source}:4:9-5:26", "--scripted")
    assert (done.returncode, done.stdout) == (1, "")

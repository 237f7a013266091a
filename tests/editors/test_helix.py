"""In a real Helix, set up as its page says, suggestions are entries of the completion menu."""

from __future__ import annotations

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("a terminal is simulated on Unix only", allow_module_level=True)

from .terminal import ScreenError
from .test_neovim import BASKET, PYLOT_LS, Unfinished

pytestmark = pytest.mark.editor

HOVERED = 'def total(rate):\n    """Add the prices."""\n    return rate\n\n\ntotal(1)▮\n'


def test_the_bundled_models_suggestion_is_in_the_menu_and_return_accepts_it(start_helix, tmp_path):
    file = Unfinished(tmp_path, BASKET)
    asked = ((typed, file.suggestion_behind(typed)) for typed in ("item.", "item.pr", "not ", "self.", "len("))
    # What stands in the file is on the screen without a menu, too.
    typed, suggestion = next(each for each in asked if each[1] and each[1].strip() not in BASKET)
    helix = start_helix(file.place, PYLOT_LS)
    helix.expect("pylot-tiny is ready")
    helix.press("A", typed)
    helix.open_menu()
    helix.expect(suggestion.strip())
    helix.keep("menu")
    helix.press("C-n", "Return")
    helix.leave_insert_mode()
    helix.press(":w", "Return")
    accepted = file.line_with(typed) + suggestion
    helix.expect(accepted.strip())
    helix.expect("written")
    helix.keep("accepted")
    assert accepted in file.path.read_text("utf-8").splitlines()


def test_paused_by_a_key_it_has_no_entry_until_it_is_resumed(start_helix, tmp_path):
    file = Unfinished(tmp_path, "▮\n")
    helix = start_helix(file.place, [*PYLOT_LS, "--scripted"])
    helix.expect("is ready")
    helix.press(" ", "l", "p")
    helix.expect("suggestions are paused everywhere")
    helix.keep("paused")
    helix.press("A", "x.")
    helix.open_menu()
    helix.leave_insert_mode()
    helix.press(" ", "l", "r")
    helix.expect("there are suggestions again")
    assert not any("scripted_suggestion" in row for row in helix.rows())
    helix.press("A", "y.")
    helix.open_menu()
    helix.expect("scripted_suggestion")


def test_at_a_name_a_hover_says_what_the_text_and_a_model_say_of_it(start_helix, tmp_path):
    file = Unfinished(tmp_path, HOVERED)
    helix = start_helix(file.place, [*PYLOT_LS, "--scripted"])
    helix.expect("is ready")
    helix.press(" ", "k")
    rows = helix.expect("scripted_suggestion")
    helix.keep("hover")
    assert any("def total(rate)" in row for row in rows[6:])
    assert any("Add the prices." in row for row in rows[6:])


def test_a_code_action_is_chosen_and_made(start_helix, tmp_path):
    file = Unfinished(tmp_path, "▮def total(rate):\n    return rate\n")
    helix = start_helix(file.place, [*PYLOT_LS, "--scripted"])
    helix.expect("is ready")
    helix.press(" ", "a")
    helix.expect("Document total")
    helix.keep("actions")
    helix.press("Return")
    helix.expect('    """scripted_suggestion"""')
    helix.keep("action made")
    helix.press(":w", "Return")
    helix.expect("written")
    assert file.path.read_text("utf-8") == 'def total(rate):\n    """scripted_suggestion"""\n    return rate\n'


def test_an_action_that_comes_to_nothing_is_said(start_helix, tmp_path):
    file = Unfinished(tmp_path, "▮def total(rate):\n    return rate\n")
    helix = start_helix(file.place, [*PYLOT_LS, "--scripted"])
    helix.expect("is ready")
    helix.press(" ", "a")
    helix.expect("Add type hints")
    helix.press("C-n", "Return")
    helix.expect("pylot-ls: The model's answer")
    helix.keep("action that came to nothing")


def test_a_server_that_was_killed_is_started_again_by_a_command(start_helix, tmp_path):
    file = Unfinished(tmp_path, "▮\n")
    helix = start_helix(file.place, [*PYLOT_LS, "--scripted"])
    helix.expect("is ready")
    helix.kill_server()
    helix.press(" ", "l", "R")
    helix.expect("is ready")
    helix.press("A", "x.")
    helix.open_menu()
    helix.expect("scripted_suggestion")


@pytest.mark.parametrize("key", ["k", "a"])
def test_without_a_server_there_is_no_hover_and_no_action(start_helix, tmp_path, key):
    helix = start_helix(Unfinished(tmp_path, HOVERED).place, ["pylot-ls-that-is-not-installed"])
    helix.expect(" NOR ")
    helix.press(" ", key)
    helix.expect("No configured language server supports")
    helix.keep("no server")


def test_the_check_fails_without_a_server_and_typing_is_not_disturbed(start_helix, tmp_path):
    file = Unfinished(tmp_path, "▮\n")
    helix = start_helix(file.place, ["pylot-ls-that-is-not-installed"])
    helix.expect(" NOR ")
    helix.press("A", "x.")
    helix.open_menu()
    with pytest.raises(ScreenError):
        helix.expect("scripted_suggestion", within_s=3)
    helix.press("y")
    helix.expect("x.y")

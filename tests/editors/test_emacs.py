"""In a real Emacs, set up as its page says, suggestions stand behind the cursor and are accepted by keys."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("a terminal is simulated on Unix only", allow_module_level=True)

from pylot_ls.editors.emacs import FILES

from .terminal import ScreenError
from .test_neovim import BASKET, PYLOT_LS, Unfinished

pytestmark = pytest.mark.editor

PACKAGE = Path(__file__).parents[2] / "editors" / "emacs"
SERVER = (sys.executable, str(Path(__file__).with_name("scripted_server.py")))
BODY = "def area(width, height):\n    ▮\n"
HOVERED = 'def total(rate):\n    """Add the prices."""\n    return rate\n\n\ntotal(1)▮\n'
LINES = "size = width * height\n    return size"


def emacs_says(binary, expression, *arguments):
    """What a lisp expression prints; stderr counts where it fails."""
    done = subprocess.run(
        [binary, "--batch", "-Q", *arguments, "--eval", expression], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def with_ghost(start_emacs, file, more=""):
    """An Emacs that shows a suggestion of two lines behind the unfinished one."""
    emacs = start_emacs(file.path, [*SERVER, LINES], more)
    emacs.go_there(file)
    emacs.expect_ghost("size = width", 2)
    return emacs


@pytest.fixture
def place(tmp_path):
    return Unfinished(tmp_path, BODY)


def test_the_bundled_models_suggestion_shows_and_tab_accepts_all_of_it(start_emacs, tmp_path):
    file = Unfinished(tmp_path, BASKET)
    suggestion = file.suggestion_behind("item.")
    emacs = start_emacs(file.path, PYLOT_LS)
    emacs.go_there(file)
    emacs.press("item.")
    emacs.expect("item." + suggestion)
    emacs.keep("ghost text")
    emacs.press("Tab")
    accepted = file.line_with("item.") + suggestion
    assert accepted in emacs.saved(file).splitlines()
    emacs.keep("accepted")


def test_tab_accepts_all_lines(start_emacs, place):
    emacs = start_emacs(place.path, [*SERVER, LINES])
    emacs.go_there(place)
    emacs.expect_ghost("size = width * height", 2)
    emacs.press("Tab")
    assert emacs.saved(place) == "def area(width, height):\n    " + LINES + "\n"


def test_words_are_accepted_one_by_one_and_the_rest_stays(start_emacs, place):
    emacs = with_ghost(start_emacs, place)
    emacs.press("M-f")
    emacs.expect_ghost(" = width", 2)
    emacs.keep("accepted a word")
    emacs.press("M-f")
    emacs.expect_ghost(" width", 2)
    assert emacs.saved(place) == "def area(width, height):\n    size =\n"


def test_a_line_is_accepted_and_the_next_one_stays(start_emacs, place):
    emacs = with_ghost(start_emacs, place)
    emacs.press("C-e")
    line = "size = width * height"

    def is_behind(rows):
        # Flymake has a margin of its own beside the text.
        return line in rows[2] and emacs.cursor() == (2, rows[2].index(line) + len(line))

    emacs.wait_until("the cursor behind it", is_behind)
    emacs.keep("accepted a line")
    assert "return size" in emacs.rows()[3]
    assert emacs.saved(place) == "def area(width, height):\n    size = width * height\n"


def test_typing_along_leaves_the_rest_and_typing_something_else_hides_it(start_emacs, place):
    emacs = with_ghost(start_emacs, place)
    emacs.press("si")
    emacs.expect_ghost("ze = width", 2)
    emacs.press("C-g")
    emacs.wait_until("nothing", lambda rows: rows[2].endswith(" si"))


def test_who_only_moves_about_is_shown_nothing(start_emacs, place):
    emacs = start_emacs(place.path, [*SERVER, LINES])
    emacs.expect_server()
    emacs.call("goto-line", str(place.line))
    emacs.press("C-e")
    with pytest.raises(ScreenError):
        emacs.expect("size = width", within_s=2)
    emacs.press("x", "Backspace")
    emacs.expect_ghost("size = width", 2)


def test_tab_indents_where_nothing_is_suggested(start_emacs, place):
    emacs = start_emacs(place.path, [*SERVER, ""])
    emacs.go_there(place)
    emacs.press("C-a", "x", "Tab", "y")
    emacs.expect("    xy")


def test_other_suggestions_are_shown_in_turn(start_emacs, tmp_path):
    file = Unfinished(tmp_path, "▮\n")
    emacs = start_emacs(file.path, [*PYLOT_LS, "--scripted"])
    emacs.go_there(file)
    emacs.press("x = ")
    emacs.expect_ghost("scripted_suggestion", 1)
    emacs.press("M-n")
    emacs.expect("Suggestion 1 of 3")
    emacs.press("M-n")
    emacs.expect("Suggestion 2 of 3")
    emacs.expect_ghost("another_suggestion", 1)
    emacs.press("Tab")
    assert emacs.saved(file) == "x = another_suggestion\n"


def test_what_is_paused_shows_nothing_until_it_is_resumed(start_emacs, place):
    emacs = with_ghost(start_emacs, place)
    emacs.call("pylot-pause", "everywhere")
    emacs.expect("pylot paused")
    emacs.keep("paused")
    emacs.press("s")
    emacs.expect("    s")
    assert "ize = width" not in emacs.rows()[2]
    emacs.call("pylot-resume", "everywhere")
    emacs.press("i")
    emacs.expect_ghost("ze = width", 2)


def test_completion_at_point_has_what_is_shown(start_emacs, place):
    emacs = start_emacs(place.path, [*SERVER, "size = 1"])
    emacs.go_there(place)
    emacs.expect_ghost("size = 1", 2)
    emacs.call("completion-at-point")
    emacs.expect("size = 1")


def test_where_emacs_previews_a_completion_that_goes_first(start_emacs, tmp_path):
    file = Unfinished(tmp_path, "width_of_it = 1\n▮\n")
    more = """
    (defun words-of-test ()
      (let ((start (save-excursion (skip-chars-backward "a-z_") (point))))
        (list start (point) '("width_of_it") :exclusive 'no)))
    (add-hook 'pylot-mode-hook
              (lambda () (add-hook 'completion-at-point-functions #'words-of-test -20 t) (completion-preview-mode 1)))
    """
    emacs = start_emacs(file.path, [*SERVER, "h = 2"], more)
    emacs.go_there(file)
    emacs.expect_ghost("h = 2", 2)
    emacs.press("wid")
    emacs.expect_ghost("th_of_it", 2)
    assert "h = 2" not in emacs.rows()[2]
    emacs.press("Tab")
    emacs.expect("width_of_ith = 2")


def test_at_a_name_a_hover_says_what_the_text_and_a_model_say_of_it(start_emacs, tmp_path):
    file = Unfinished(tmp_path, HOVERED)
    emacs = start_emacs(file.path, [*PYLOT_LS, "--scripted"])
    emacs.expect_server()
    emacs.call("goto-line", str(file.line))
    emacs.wait_until("the signature", lambda rows: "def total(rate)" in "".join(rows[-3:]))
    emacs.keep("hover")
    emacs.call("eldoc-doc-buffer")
    rows = emacs.expect("scripted_suggestion")
    emacs.keep("hover in its own window")
    assert any("Add the prices." in row for row in rows[12:])


def test_a_code_action_is_chosen_and_made(start_emacs, tmp_path):
    file = Unfinished(tmp_path, "def total(rate):\n    return rate▮\n")
    emacs = start_emacs(file.path, [*PYLOT_LS, "--scripted"])
    emacs.expect_server()
    emacs.press("M-f", "M-f")
    emacs.call("eglot-code-actions")
    emacs.expect("Document total")
    emacs.keep("actions")
    emacs.press("Return")
    emacs.expect('    """scripted_suggestion"""')
    emacs.keep("action made")
    with pytest.raises(ScreenError):
        emacs.expect("totalscripted", within_s=2)  # what an action wrote elsewhere asks for no suggestion
    assert emacs.saved(file) == 'def total(rate):\n    """scripted_suggestion"""\n    return rate\n'


@pytest.mark.parametrize(
    ("setting", "keys"),
    [
        # By default it does so where the server has run for three seconds.
        pytest.param("(setq eglot-autoreconnect t)", [], id="by Eglot"),
        pytest.param("(setq eglot-autoreconnect nil)", ["M-x", "pylot-restart", "Return"], id="by hand"),
    ],
)
def test_a_server_that_was_killed_is_started_again(start_emacs, place, setting, keys):
    emacs = with_ghost(start_emacs, place, setting)
    server = emacs.kill_server()
    emacs.press(*keys)
    emacs.expect_another(server)
    emacs.press("x", "Backspace")
    emacs.expect_ghost("size = width", 2)


def test_a_pause_outlives_the_server(start_emacs, place):
    emacs = with_ghost(start_emacs, place)
    emacs.call("pylot-pause", "language")
    emacs.expect("pylot paused")
    killed = emacs.kill_server()
    emacs.call("pylot-restart")
    emacs.wait_until("another server", lambda _rows: any(each.pid != killed.pid for each in emacs.servers()))
    emacs.expect("onnected!")
    emacs.expect("pylot paused")
    emacs.keep("paused")
    emacs.press("s")
    emacs.expect("    s")
    with pytest.raises(ScreenError):
        emacs.expect("size = width", within_s=2)
    emacs.call("pylot-resume", "language")
    emacs.press("i")
    emacs.expect_ghost("size = width", 2)


def test_without_a_server_one_message_says_so_and_typing_is_not_disturbed(start_emacs, place):
    emacs = start_emacs(place.path, ["pylot-ls-that-is-not-installed"])
    emacs.expect("is not installed")
    emacs.call("goto-line", str(place.line))
    emacs.press("C-e", "abc")
    emacs.expect("    abc")
    emacs.press("C-x", "C-f", "other.py", "Return", "x = 1")
    emacs.expect("x = 1")
    assert "is not installed" not in emacs.rows()[-1]


def test_without_a_server_there_is_no_hover_and_no_action(start_emacs, tmp_path):
    emacs = start_emacs(Unfinished(tmp_path, HOVERED).path, ["pylot-ls-that-is-not-installed"])
    emacs.expect("is not installed")
    emacs.press("M-f", "M-f")
    emacs.call("eglot-code-actions")
    emacs.expect("No current JSON-RPC connection")
    with pytest.raises(ScreenError):
        emacs.wait_until("the signature", lambda rows: "def total(rate)" in "".join(rows[-3:]), within_s=2)
    emacs.keep("no server")


def test_the_check_fails_with_a_server_that_ends(start_emacs, place):
    emacs = start_emacs(place.path, [sys.executable, "-c", "raise SystemExit(3)"])
    emacs.call("goto-line", str(place.line))
    emacs.press("C-e", "s")
    emacs.expect("    s")
    with pytest.raises(ScreenError):
        emacs.expect("size = width", within_s=3)


@pytest.mark.parametrize("file", FILES)
def test_it_compiles_without_warnings_and_passes_checkdoc(emacs_binary, tmp_path, file):
    shutil.copytree(PACKAGE, tmp_path, dirs_exist_ok=True)
    copy = tmp_path / file
    expression = (
        "(progn (setq byte-compile-error-on-warn t) (require 'checkdoc)"
        f' (unless (byte-compile-file "{copy}") (kill-emacs 1))'
        " (setq checkdoc-create-error-function (lambda (text &rest _) (princ text) nil))"
        f' (checkdoc-file "{copy}"))'
    )
    assert emacs_says(emacs_binary, expression, "-L", tmp_path) == ""


def test_no_file_of_the_package_is_left_out():
    assert {path.name for path in PACKAGE.glob("*.el")} == set(FILES)

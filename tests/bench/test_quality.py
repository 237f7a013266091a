"""A person fills holes: with an editor of the test's, with the real server, and beside a peer."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pylot_ls.bench.corpus import Corpus, Source
from pylot_ls.bench.editors import OurEditor, PeerEditor
from pylot_ls.bench.filling import Shown, fill
from pylot_ls.bench.holes import Hole
from pylot_ls.bench.looks import Ask, Typing
from pylot_ls.bench.peer import PeerAnswer
from pylot_ls.bench.quality import Habits, bench_quality, n_quality_steps
from pylot_ls.cli.app import app
from pylot_ls.errors import ClientError
from pylot_ls.lsp.client import Answer
from pylot_ls.text.document import Change, Document
from pylot_ls.text.position import Position, PositionEncoding
from pylot_ls.text.rope import Text

SOURCE = "def f(a):\n    if a:\n        scripted_suggestion\n    return a\n"
HOLE = Hole("def f(a):\n    if a:", "\n        scripted_suggestion", "\n    return a\n")
BUDGET_MS = 1000.0


@dataclass
class ScriptedEditor:
    """Shows what the test says; keeps what the person does."""

    answers: dict[str, Shown]
    text: str = ""
    log: list[str] = field(default_factory=list)

    async def open(self, _source, _hole):
        self.log.append("open")

    def insert(self, text):
        self.text += text
        self.log.append(text)

    async def look(self):
        self.log.append("?")
        return self.answers.get(self.text, Shown("", 1.0))

    def close(self):
        self.log.append("close")


def source_of(*holes):
    return Source(Path("a.py"), "python", "python", holes)


def filled(editor, hole, ask=Ask.WORD, budget_ms=BUDGET_MS):
    return asyncio.run(fill(editor, source_of(hole), hole, ask, budget_ms))


def test_what_is_right_is_accepted_in_one_edit_and_looked_at_again_behind_it():
    hole = Hole("a", "\n  x.yy = zz", "\n")
    editor = ScriptedEditor({"\n  ": Shown("x.yy + 1", 1, 0.5), "\n  x.": Shown("yy =", 1, 0.8)})
    questions = filled(editor, hole)
    # Of the first suggestion only its first word is right, and one character is not worth taking.
    assert editor.log == ["open", "?", "\n  ", "?", "x", ".", "?", "yy =", "?", " ", "?", "z", "z", "?", "close"]
    assert editor.text == hole.text
    assert [question.n_kept for question in questions] == [0, 4, 0, 0, 0]
    assert [question.is_right for question in questions] == [False, True, False, False, False]
    assert [question.confidence for question in questions] == [0.5, 0.8, None, None, None]
    assert [question.similarity for question in questions] == [pytest.approx(6 / 9), 4 / 7, 0.0, 0.0, None]


def test_a_suggestion_of_several_lines_is_accepted_with_its_indentation_which_counts_for_nothing():
    hole = Hole("a", "\n  if x:\n    return y", "\n")
    editor = ScriptedEditor({"\n  ": Shown("if x:\n    return y", 1, 0.5)})
    questions = filled(editor, hole)
    assert editor.log == ["open", "?", "\n  ", "?", "if x:\n    return y", "?", "close"]
    assert [question.n_kept for question in questions] == [len("if x:\nreturn y"), 0]
    assert [question.is_exact for question in questions] == [True, False]
    assert sum(question.n_kept for question in questions) == Typing(hole.text).n_characters() - 1


def test_what_is_wrong_with_a_suggestion_is_told_in_the_text_as_it_stands_then():
    shown = {"\n  ": Shown("x = y", 1), "\n  x": Shown("more()", 1), "\n  x = ": Shown(")", 1)}
    questions = filled(ScriptedEditor(shown), Hole("a", "\n  x = 1", "\n  more()\n"))
    told = [(each.repeats_suffix, each.adds_errors) for each in questions if each.is_shown]
    assert told == [(False, False), (False, True)]
    hole = Hole("a", "\n  x = 1\n  z", "\n  more()\n")
    questions = filled(ScriptedEditor({"\n  x = 1\n  ": Shown("more()", 1)}), hole)
    assert [each.repeats_suffix for each in questions if each.is_shown] == [True]


def test_a_late_suggestion_is_not_seen():
    editor = ScriptedEditor({"\n  ": Shown("pass", 1000.5, 0.5)})
    late, at_the_end = filled(editor, Hole("a", "\n  pass", "\n"))
    assert editor.log == ["open", "?", "\n  ", "?", *"pass", "?", "close"]
    assert (late.is_late, late.is_shown, late.is_exact, late.similarity, late.n_kept) == (True, False, False, 0.0, 0)
    assert not at_the_end.is_late


def test_a_suggestion_behind_the_last_character_is_noise():
    (*_, noise) = filled(ScriptedEditor({"\npass": Shown("more", 1)}), Hole("a", "\npass", "\n"))
    assert (noise.is_shown, noise.is_right, noise.similarity) == (True, False, None)


@pytest.mark.parametrize("ask", Ask)
def test_however_often_the_person_looks_the_hole_is_filled(ask):
    editor = ScriptedEditor({"\nx": Shown("yy", 1)})
    filled(editor, Hole("a", "\nxyy\n\n    zz(1)\n  \nb", "\n"), ask)
    assert editor.text == "\nxyy\n\n    zz(1)\n  \nb"


class RecordingClient:
    """In place of a client of the server: keeps the document as a server would."""

    def open(self, uri, language_id, text):
        self.document = Document(uri, language_id, 1, Text.from_str(text))

    def edit(self, start, end, text):
        change = Change(Position(*start), Position(*end), text)
        self.document = self.document.apply([change], 0, PositionEncoding.UTF32)

    async def ask(self, cursor):
        self.cursor = cursor
        line, column = cursor
        chooser = random.Random(f"{line} {column}")
        n_characters = chooser.choice((0, 3, 9, 30))
        offset = self.document.text.line_start(line) + column
        return Answer(FULL_TEXT[offset : offset + n_characters], 1.0)

    def close(self, uri):
        assert uri == self.document.uri


FULL_TEXT = "é = 1\n😀 = 2\n\n    if é:\n        return 😀\n\ndone()\n"


@pytest.mark.parametrize(("start", "end"), [(5, 12), (5, 45), (7, 11), (20, 24)])
@pytest.mark.parametrize("ask", Ask)
def test_our_editors_document_is_the_file_again(start, end, ask):
    client = RecordingClient()
    filled(OurEditor(client), Hole(FULL_TEXT[:start], FULL_TEXT[start:end], FULL_TEXT[end:]), ask)
    assert str(client.document.text) == FULL_TEXT
    line, column = client.cursor
    assert client.document.text.line_start(line) + column == end


class PeerOfTexts:
    """In place of llama-server: generates one of some texts after the other, then nothing."""

    def __init__(self, *texts):
        self.texts = list(texts)
        self.n_asked = 0

    async def infill(self, _body):
        self.n_asked += 1
        return PeerAnswer(self.texts.pop(0) if self.texts else "", 1, 1, 1.0, 1.0)


def test_what_the_peer_knows_is_accepted_all_but_the_first_return():
    text = "\n    if a:\n        scripted_suggestion"
    peer = PeerOfTexts("", "    if a:\n        scripted_suggestion\n")
    questions = filled(PeerEditor(peer, 8, {}), Hole("def f(a):", text, "\n    return a\n"))
    assert [question.n_kept for question in questions] == [Typing(text).n_characters() - 1, 0]
    assert [question.is_exact for question in questions] == [True, False]


def test_what_the_peer_generated_is_shown_on_while_it_is_typed_along_and_then_it_is_asked_again():
    peer = PeerOfTexts("\na-c")
    questions = filled(PeerEditor(peer, 8, {}), Hole("x", "\nabc", "\n"), Ask.EVERY)
    assert [question.is_shown for question in questions] == [True, True, False, False]
    assert peer.n_asked == 3


def corpus_of(*holes):
    return Corpus(is_training_known=True, sources=[source_of(*holes)])


def test_the_real_server_without_a_model(scripted_run):
    done = []
    corpus = corpus_of(HOLE)
    report = asyncio.run(bench_quality(scripted_run, corpus, Habits(Ask.LINE), on_step=done.append))
    values = report.as_dict()
    assert done == [n_quality_steps(corpus, has_peer=False)] == [1]
    # Return is typed, the rest accepted; at the end of the line the script goes on, which is noise.
    assert values["ours"] == {
        "kept_characters": round(19 / 20, 4),
        "exact_line": 1.0,
        "edit_similarity": 1.0,
        "shown": 1.0,
        "wrong_shown": 0.5,
        "repeats_suffix": 0.0,
        "adds_errors": 0.0,
        "late": 0.0,
    }
    (questions,) = (hole.ours for hole in report.holes)
    assert all(0 < question.confidence <= 1 for question in questions)


def test_the_bundled_model_beside_a_peer(bundled_run, fake_peer):
    done = []
    corpus = corpus_of(HOLE, Hole("x = f(", "aaaa", ", bbbbbbbbb)\n"))
    habits = Habits(Ask.WORD, budget_ms=60_000)
    report = asyncio.run(bench_quality(bundled_run, corpus, habits, peer=fake_peer.program, on_step=done.append))
    assert done == list(range(1, n_quality_steps(corpus, has_peer=True) + 1))
    assert len(done) == 10
    # With more than eight characters behind the cursor llama.vim does not ask, so all are of the first hole.
    bodies = [request["body"] for request in fake_peer.requests]
    assert all(body["input_suffix"].endswith("return a\n\n") for body in bodies)
    assert {body.get("seed") for body in bodies} == {1, 2, 3, None}
    assert {body["top_k"] for body in bodies if "seed" not in body} == {1}
    assert {body["top_k"] for body in bodies if "seed" in body} == {40}
    assert {body["n_predict"] for body in bodies} == {bundled_run.max_tokens}
    values = report.as_dict()
    # It is asked at two of four looks, and what it shows then, "x", stands nowhere.
    assert values["peer"]["shown"] == 0.5
    assert values["peer"]["wrong_shown"] == 1.0
    assert values["peer"]["kept_characters"] == 0.0
    assert values["ratio"]["kept_characters"] is None


def test_a_peer_needs_a_model(scripted_run, fake_peer):
    with pytest.raises(ClientError, match="needs a model"):
        asyncio.run(bench_quality(scripted_run, corpus_of(HOLE), Habits(), peer=fake_peer.program))


@pytest.fixture
def quality(tmp_path):
    (tmp_path / "site-packages" / "json").mkdir(parents=True)
    (tmp_path / "site-packages" / "json" / "decoder.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "site-packages" / "code.py").write_text(SOURCE, encoding="utf-8")

    def run(*arguments):
        environment = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "COLUMNS": "160"}
        return CliRunner(env=environment).invoke(app, ["bench", "quality", *map(str, arguments)])

    return run


def test_the_command_as_json(quality, tmp_path):
    done = quality(tmp_path / "site-packages", "--spans", 1, "--max-tokens", 4, "--ask", "line", "--json")
    assert done.exit_code == 0, done.output
    values = json.loads(done.stdout)
    figures = {"kept_characters", "exact_line", "edit_similarity", "shown", "wrong_shown", "late"}
    assert set(values["ours"]) == figures | {"repeats_suffix", "adds_errors"}
    assert (values["peer"], values["ratio"]) == (None, None)
    assert values["trained_on"] == {"known": True, "files": 1, "names": ["json"]}
    assert (values["files"], values["holes"], values["by_language"]["python"]["files"]) == (1, 1, 1)
    assert (values["ask"], values["budget_ms"], values["max_tokens"]) == ("line", 1000, 4)
    assert (values["model"], values["synthetic"]) == ("pylot-tiny.gguf", False)


def test_the_command_as_a_table(quality, tmp_path, fake_peer):
    done = quality(tmp_path / "site-packages", "--max-tokens", 4, "--peer", f"llama-server={fake_peer.program}")
    assert done.exit_code == 0, done.output
    assert "1 files left out that the model was trained on: json" in done.stdout
    assert "llama-server" in done.stdout
    assert "pylot-ls over llama-server, kept characters" in done.stdout


def test_where_nothing_is_known_of_the_training_the_report_says_so(quality, tmp_path):
    done = quality(tmp_path / "site-packages", "--scripted")
    assert done.exit_code == 0, done.output
    assert "what the model was trained on is not known" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.py",), "There is no file or folder nowhere.py"),
        (("site-packages/json",), "1 that the model was trained on"),
        (("site-packages", "--peer", "llama-server=no/such"), "cannot start the peer"),
        (("site-packages", "--peer", "llama-bench=x"), "write --peer llama-server=PATH"),
        (("site-packages", "--ask", "never"), "never"),
        (("site-packages", "--limit", "0"), "--limit"),
    ],
)
def test_what_cannot_be_is_explained(quality, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    done = quality(*arguments)
    assert done.exit_code != 0
    assert message in done.output

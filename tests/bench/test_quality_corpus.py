"""Which files are typed in: sources that can be read and that the model has not seen."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest

from pylot_ls.bench.corpus import gather, library_name, standard_library
from pylot_ls.bundled import models_dir
from pylot_ls.engine.manifest import HeldOut, manifest_for
from pylot_ls.errors import DocumentError

SOURCE = "import os\n\n\ndef f():\n    return os.getcwd()\n"
HELD_OUT = HeldOut(25, (0,))


@pytest.fixture
def tree(tmp_path):
    """Write files under a folder of their own."""

    def write(*names, content=SOURCE):
        for name in names:
            path = tmp_path / "tree" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / "tree"

    return write


def names_of(corpus):
    return sorted(source.path.name for source in corpus.sources)


def test_sources_of_eight_languages_are_found_and_nothing_else(tree):
    languages = {
        "a.py": "python",
        "a.js": "javascript",
        "a.jsx": "javascript",
        "a.ts": "typescript",
        "a.go": "go",
        "a.rs": "rust",
        "a.c": "c",
        "a.cpp": "cpp",
        "a.java": "java",
    }
    folder = tree(*languages, "a.md", "a.txt", "a.json", "Makefile")
    corpus = gather([folder], 100, 2, 0, None)
    assert {source.path.name: source.language for source in corpus.sources} == languages
    assert corpus.n_holes == sum(len(source.holes) for source in corpus.sources) >= len(languages)


def test_hidden_folders_and_installed_packages_inside_a_folder_are_left_out(tree):
    hidden = (".git/a.py", "node_modules/b.js", "__pycache__/c.py", "lib/site-packages/d.py")
    folder = tree("e.py", "sub/f.py", *hidden)
    assert names_of(gather([folder], 100, 1, 0, None)) == ["e.py", "f.py"]
    assert names_of(gather([folder / "lib" / "site-packages"], 100, 1, 0, None)) == ["d.py"]


def test_languages_take_turns_where_there_are_more_files_than_wanted(tree):
    folder = tree(*(f"{number}.py" for number in range(20)), "a.rs", "a.go")
    languages = [source.language for source in gather([folder], 4, 1, 0, None).sources]
    assert sorted(languages) == ["go", "python", "python", "rust"]


def test_a_file_named_twice_is_typed_once(tree):
    folder = tree("a.py")
    assert names_of(gather([folder, folder / "a.py", folder], 9, 1, 0, None)) == ["a.py"]


def test_the_choice_depends_on_the_seed_alone(tree):
    folder = tree(*(f"{number}.py" for number in range(20)), content=SOURCE * 20)
    first, same, other = (gather([folder], 5, 3, seed, None).sources for seed in (1, 1, 2))
    assert first == same
    assert first != other
    # What is typed in a file does not depend on which others there are.
    alone = gather([first[0].path], 5, 3, 1, None).sources[0]
    assert alone == first[0]


def test_what_cannot_be_typed_in_is_skipped_and_counted(tree):
    tree("good.py")
    tree("binary.py", content=b"\x00\xff" * 10)
    tree("large.py", content=SOURCE * 40_000)
    folder = tree("empty.py", "blank.py", content="\n\n")
    (folder / "folder.py").mkdir()
    (folder / "dangling.py").symlink_to("nowhere")
    corpus = gather([folder], 100, 1, 0, None)
    assert names_of(corpus) == ["good.py"]
    assert corpus.skipped == {"not UTF-8 text": 1, "too large": 1, "nothing to type": 2, "unreadable": 1}


def test_line_terminators_are_typed_as_line_feeds(tree):
    corpus = gather([tree("a.py", content=SOURCE.replace("\n", "\r\n"))], 1, 1, 0, None)
    (hole,) = corpus.sources[0].holes
    assert hole.before + hole.text + hole.after == SOURCE


def test_a_path_that_leads_nowhere_is_an_error(tmp_path):
    with pytest.raises(DocumentError, match=r"no file or folder .*nowhere.*Check the path"):
        gather([tmp_path / "nowhere"], 1, 1, 0, None)


def test_a_folder_without_sources_is_an_error_that_says_what_sources_are(tree):
    folder = tree("a.md")
    with pytest.raises(DocumentError, match=r"no source file \(c, cpp, go, .*typescript\) under"):
        gather([folder, folder / "a.md"], 1, 1, 0, None)


def test_files_none_of_which_can_be_typed_in_are_an_error_with_the_reasons(tree):
    tree("a.py", content=b"\xff\xff")
    folder = tree("site-packages/json/decoder.py").joinpath("site-packages")
    with pytest.raises(DocumentError, match=r"1 not UTF-8 text, 1 that the model was trained on"):
        gather([folder, folder.parent / "a.py"], 1, 1, 0, HELD_OUT)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("lib/python3.12/code.py", "code"),
        ("lib/python3.12/json/decoder.py", "json"),
        ("lib64/python3.13t/re/__init__.py", "re"),
        ("lib/python3.12/site-packages/numpy/core/x.py", "numpy"),
        ("lib/python3/dist-packages/six.py", "six"),
        ("lib/python3.12/config-3.12-x86/python-config.py", "config-3.12-x86"),
        ("src/code.py", None),
        ("python3.12/code.py", None),
    ],
)
def test_the_name_of_a_library_file_is_the_one_it_is_imported_by(tmp_path, path, name):
    assert library_name(tmp_path / path) == name


def test_this_pythons_standard_library_is_known_wherever_it_lies(monkeypatch, tmp_path):
    assert library_name(standard_library() / "json" / "decoder.py") == "json"
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(tmp_path / "Lib"))
    assert library_name(tmp_path / "Lib" / "argparse.py") == "argparse"
    assert library_name(tmp_path / "argparse.py") is None


def test_relative_paths_are_understood(monkeypatch):
    monkeypatch.chdir(standard_library() / "json")
    assert library_name(Path("decoder.py")) == "json"
    assert library_name(Path(os.pardir) / "code.py") == "code"


def test_what_the_model_was_trained_on_is_left_out_and_told(tree):
    installed = tree("site-packages/json/decoder.py", "site-packages/json/encoder.py", "site-packages/code.py")
    folder = tree("own.py")
    corpus = gather([folder, installed / "site-packages"], 100, 1, 0, HELD_OUT)
    assert names_of(corpus) == ["code.py", "own.py"]
    assert corpus.trained_on == {"json": 2}
    assert corpus.is_training_known


def test_where_nothing_is_known_of_the_training_nothing_is_left_out(tree):
    folder = tree("site-packages/json/decoder.py") / "site-packages"
    corpus = gather([folder], 100, 1, 0, None)
    assert names_of(corpus) == ["decoder.py"]
    assert not corpus.trained_on
    assert not corpus.is_training_known


def test_the_bundled_models_manifest_tells_what_it_has_not_seen(model_path):
    held_out = manifest_for(model_path, (models_dir(),)).held_out
    assert held_out == HeldOut(25, (0, 1, 2))
    known = ("code", "ipaddress", "pathlib", "sysconfig", "turtle", "zipimport", "typing", "argparse", "json", "os")
    assert [name for name in known if held_out.holds_out(name)] == list(known[:7])


def test_of_the_standard_library_only_what_was_held_out_is_typed_in():
    corpus = gather([standard_library()], 100, 1, 0, HELD_OUT)
    assert corpus.sources
    assert all(HELD_OUT.holds_out(library_name(source.path)) for source in corpus.sources)
    assert corpus.trained_on["argparse"] == 1

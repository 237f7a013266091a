"""What rules leave out: git is the oracle."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pylot_ls.features import ignore_rules
from pylot_ls.features.ignore_rules import MAX_LINES, MAX_PATH, Layer, is_ignored, parse

ROOT = PurePosixPath("/project")


def ignored(path, text, **deeper):
    """Whether rules at the root, and those of folders named by keyword, leave out a path."""
    layers = [Layer(ROOT, parse(text)), *(Layer(ROOT / name, parse(rules)) for name, rules in deeper.items())]
    return is_ignored(ROOT / path, layers)


@pytest.mark.parametrize(
    ("rules", "path", "expected"),
    [
        ("*.log", "a/b/x.log", True),
        ("/x.log", "a/x.log", False),
        ("build/", "build/x.py", True),
        ("build/", "build", False),
        ("a/*", "a/b/c.py", True),
        ("a/**", "a/b/c.py", True),
        ("**/b", "a/b/c.py", True),
        ("*\n!*/\n!*.py", "a/b/c.py", False),
        ("*\n!*/\n!*.py", "a/b/c.txt", True),
        ("/*\n!/src", "src/a.py", False),
        ("/*\n!/src", "other/a.py", True),
        ("*.[oa]", "x.o", True),
        ("[a-c].py", "d.py", False),
        ("\\#x", "#x", True),
        ("\\!x", "!x", True),
        ("!!x", "!x", False),
        ("# x\n\n   \nx  \r\n", "x", True),
        ("x\\ ", "x ", True),
        ("größe", "größe", True),
        ("/", "x", False),
    ],
)
def test_patterns_mean_what_they_mean_to_git(rules, path, expected):
    assert ignored(path, rules) is expected


@pytest.mark.parametrize(
    "rules",
    [
        "build/\n!build/x.py",
        "build/\n!*.py",
        "*.py\n!build/",
        "!build/x.py\nbuild/",
    ],
)
def test_nothing_in_a_folder_that_is_left_out_is_taken_in_again(rules):
    assert ignored("build/x.py", rules)


def test_the_file_that_stands_lowest_decides_unless_its_folder_is_left_out():
    assert not ignored("a/x.py", "*.py", a="!x.py")
    assert ignored("a/x.py", "!*.py", a="x.py")
    assert ignored("a/x.py", "a/", a="!x.py")
    assert not ignored("b/x.py", "", a="*")


@pytest.mark.parametrize(
    "rules",
    [
        "[",
        "a[b",
        "[[:alpha:]]",
        "[a&&b]",
        "[z-a]",
        "[!a]",
        "a\\",
        "\\*x",
        "!",
        "a**b",
        "***",
        "/**/**",
        "**/a/**/b/**/c",
        "x" * 1000,
        "\n" * MAX_LINES,
    ],
)
def test_what_is_broken_or_unclear_is_refused(rules):
    with pytest.raises(ValueError, match="line"):
        parse(rules)


def test_a_pattern_of_many_wildcards_leaves_out_more_rather_than_less():
    report = "report.[0-9]*.[0-9]*.[0-9]*.[0-9]*.json"
    assert ignored("report.1.2.3.4.json", report)
    assert ignored("report.1.json", report)
    assert not ignored("report.json", report)
    assert ignored("report.1.2.3.4.json", f"*.json\n!{report}")
    assert not ignored("report.1.2.3.4.json", "*.json\n!report.[0-9]*.[0-9]*.json")
    assert not ignored("a" * 255, "*a" * 100 + "b")


@pytest.mark.parametrize("name", ["x" * MAX_PATH, "a\nb"])
def test_a_path_that_patterns_cannot_be_trusted_with_is_refused(name):
    with pytest.raises(ValueError, match="path"):
        ignored(name, "")


def test_matching_ends_when_it_takes_too_long(monkeypatch):
    ticks = iter(range(100))
    monkeypatch.setattr(ignore_rules.time, "monotonic", lambda: next(ticks))
    with pytest.raises(ValueError, match="takes over"):
        ignored("x", "a\nb\nc\n")


@given(st.text(st.characters(), max_size=30))
def test_any_text_is_rules_or_refused(text):
    try:
        rules = parse(text)
    except ValueError:
        return
    is_ignored(ROOT / "a" / "b.py", [Layer(ROOT, rules)])


NAMES = st.sampled_from(["a", "b", "ab", "foo", "c.py", "d.log"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
SEGMENTS = st.sampled_from(["a", "b", "c.py", "foo", "*", "**", "?", "*.py", "a*", "[ab]", "[a-c].py", "f*o"])
PATTERNS = st.builds(
    lambda negated, rooted, segments, is_folder: "!" * negated + "/" * rooted + "/".join(segments) + "/" * is_folder,
    st.booleans(),
    st.booleans(),
    st.lists(SEGMENTS, min_size=1, max_size=3),
    st.booleans(),
)
RULES = st.lists(PATTERNS, min_size=1, max_size=4).map("\n".join)


@pytest.fixture
def git(tmp_path):
    """Ask git which of some paths it ignores."""
    if shutil.which("git") is None:
        pytest.skip("there is no git here")
    environ = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

    def ask(paths):
        command = ["git", "-c", "core.excludesFile=", "check-ignore", "--no-index", "-z", "--stdin"]
        asked = "\0".join(sorted(paths))
        done = subprocess.run(
            command, cwd=tmp_path, input=asked, capture_output=True, text=True, env=environ, check=False
        )
        return set(done.stdout.split("\0")) - {""}

    subprocess.run(["git", "init", "-q"], cwd=tmp_path, env=environ, check=True)
    return ask


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=st.sets(PATHS, min_size=1, max_size=8), rules=RULES, deeper=RULES)
def test_git_leaves_out_the_same(git, tmp_path, paths, rules, deeper):
    paths = {path for path in paths if not any(other.startswith(path + "/") for other in paths) and path != "a"}
    shutil.rmtree(tmp_path / "a", ignore_errors=True)
    for path in paths:
        make_file(tmp_path / path)
    for folder, text in ((tmp_path, rules), (tmp_path / "a", deeper)):
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text(text, encoding="utf-8")
    try:
        ours = {path for path in paths if ignored(path, rules, a=deeper)}
    except ValueError:
        return
    assert ours == git(paths)


def make_file(path: Path):
    if path.is_dir():
        shutil.rmtree(path)
    for folder in path.parents:
        if folder.is_file():
            folder.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()

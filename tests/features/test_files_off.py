import pytest

from pylot_ls.features.files_off import check_glob, is_off


@pytest.mark.parametrize(
    ("uri", "globs"),
    [
        ("file:///project/poetry.lock", ("*.lock",)),
        ("file:///project/vendor/a/b.go", ("**/vendor/",)),
        ("file:///project/vendor/a/b.go", ("vendor",)),
        ("file:///home/ann/notes/a.md", ("/home/ann/notes/**",)),
        ("file:///project/a%20b.py", ("a b.py",)),
        ("file:///c%3A/project/a.py", ("/c:/project/",)),
        ("untitled:Untitled-1", ("Untitled-*",)),
        ("file:///project/a.py", ("*.py", "!b.py")),
        # Whose path cannot be matched is off where there are globs at all.
        ("file:///" + "a" * 600, ("*.lock",)),
        ("file://[", ("*.lock",)),
    ],
)
def test_a_document_that_globs_name_is_off(uri, globs):
    assert is_off(uri, globs)


@pytest.mark.parametrize(
    ("uri", "globs"),
    [
        ("file:///project/a.py", ()),
        ("file:///project/a.py", ("*.lock", "vendor")),
        ("file:///project/notes/a.md", ("/notes/",)),
        ("file:///project/a.py", ("*.py", "!a.py")),
        ("untitled:Untitled-1", ("*.lock",)),
        ("file:///" + "a" * 600, ()),
    ],
)
def test_another_one_is_not(uri, globs):
    assert not is_off(uri, globs)


@pytest.mark.parametrize("glob", ["*.lock", "!a.py", "/home/**", "a b"])
def test_a_glob_may_be_written_as_in_a_gitignore(glob):
    check_glob(glob)


@pytest.mark.parametrize("glob", ["[a", "a\nb", "# a", " ", "", "**/**/**/a", "a\\"])
def test_what_is_no_glob_is_refused(glob):
    with pytest.raises(ValueError, match="pattern"):
        check_glob(glob)

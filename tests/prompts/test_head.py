"""The head of a file: its imports, as whole lines, in several languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.prompts.head import head_of
from pylot_ls.text.rope import Text

PYTHON = '''#!/usr/bin/env python
"""What it does.

In several lines.
"""

from __future__ import annotations

import os
from pathlib import (
    Path,
    PurePath,
)
from a import b, \\
    c

# A comment.
LIMIT = 3
import late
'''
PYTHON_HEAD = PYTHON[PYTHON.index("from __future__") : PYTHON.index("\n# A comment")]

HEADS = {
    "javascript": ('"use strict";\nimport {\n  a,\n  b\n} from "c";\nconst d = require("d");\n', "\nf();\n"),
    "go": ('package main\n\nimport (\n\t"fmt"\n)\n', "\nfunc main() {}\n"),
    "c": ("/* A licence\n * of two lines. */\n#include <stdio.h>\n#include <stdlib.h>\n", "\nint main() {}\n"),
    "rust": ("//! A crate.\nuse std::{\n    fmt,\n    io,\n};\nmod parts;\n", "\nfn main() {}\n"),
    "java": ("package a.b;\n\nimport java.util.List;\n", "\npublic class A {}\n"),
}


def head(content, n_characters=2000):
    found = head_of(Text.from_str(content), n_characters)
    return content[slice(*found)] if found else None


def test_it_goes_from_the_first_import_to_the_last_before_other_code():
    assert head(PYTHON) == PYTHON_HEAD


@pytest.mark.parametrize("language", HEADS)
def test_the_imports_of_other_languages_are_known(language):
    imports, rest = HEADS[language]
    assert imports.endswith(head(imports + rest))
    assert "{" not in rest or rest not in head(imports + rest)


@pytest.mark.parametrize("content", ["", "x = 1\n", "# only a comment\n", "x = 1\nimport os\n", "import os"])
def test_without_a_whole_line_of_import_at_the_beginning_there_is_none(content):
    assert head(content) is None


def test_an_import_that_has_no_room_is_left_out_as_a_whole():
    assert head(PYTHON, 60) == "from __future__ import annotations\n\nimport os\n"
    assert head(PYTHON, 5) is None


def test_it_lies_in_the_first_sixty_lines():
    assert head("import a\n" * 100) == "import a\n" * 60
    assert head("#\n" * 60 + "import a\n") is None


def test_very_long_lines_are_not_read_to_their_end():
    assert head("import a\n#" + "x" * 100_000 + "\nimport b\n") == "import a\n"


@pytest.mark.parametrize("terminator", ["\r\n", "\r"])
def test_every_line_terminator_is_known(terminator):
    assert head(PYTHON.replace("\n", terminator)) == PYTHON_HEAD.replace("\n", terminator)


@given(st.lists(st.sampled_from([*PYTHON.split("\n"), "", "{", '"""', "/*", "é\ud800", "x"])), st.integers(0, 300))
def test_it_is_whole_lines_within_its_limit_whatever_stands_there(lines, n_characters):
    content = "\n".join(lines)
    text = Text.from_str(content)
    found = head_of(text, n_characters)
    if found:
        start, end = found
        assert 0 < end - start <= n_characters
        assert all(offset == text.line_start(text.line_of(offset)) for offset in found)

"""Code in Markdown stays code, whatever is in it."""

from __future__ import annotations

import pytest

from pylot_ls.features.fences import fenced


@pytest.mark.parametrize(
    ("code", "fence"), [("x = 1", "```"), ("`x`", "```"), ("a ```b``` c", "````"), ("`````", "``````"), ("", "```")]
)
def test_no_run_of_ticks_in_the_code_is_as_long_as_the_fence(code, fence):
    assert fenced(code, "python") == f"{fence}python\n{code}\n{fence}"

"""Where a fresh anchor stands is a figure that was measured; how it works is shown with the simplest one."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def _anchors_at_the_line(request):
    if request.module.__name__.endswith("test_lines_above"):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pylot_ls.prompts.plan._LINES_ABOVE", 0)
        yield

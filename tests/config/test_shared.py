"""In a process that serves several editors, models are as it was started with; the rest is each editor's own."""

from __future__ import annotations

from pathlib import Path

from pylot_ls.config.settings import CompletionSettings, LogSettings, ModelSettings, Settings
from pylot_ls.config.shared import as_shared


def test_settings_of_the_process_count_and_the_others_are_named():
    of_process = Settings(model=ModelSettings(path=Path("/models/a.gguf")))
    own = Settings(
        model=ModelSettings(path=Path("/models/b.gguf"), n_ctx=1024), completion=CompletionSettings(max_lines=3)
    )
    counting, (problem,) = as_shared(own, of_process)
    assert counting.model == of_process.model
    assert counting.completion.max_lines == 3
    assert problem.message.startswith("model.path, model.n_ctx of this editor cannot count")
    assert "pylot-ls serve --stop" in problem.message


def test_nothing_is_said_where_nothing_differs_but_the_log():
    own = Settings(log=LogSettings(level="debug"))
    counting, problems = as_shared(own, Settings())
    assert (counting.log.level, problems) == ("warning", ())

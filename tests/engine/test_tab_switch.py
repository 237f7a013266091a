"""What is evicted to make room for other files is in memory, and comes back without being evaluated."""

from __future__ import annotations

from dataclasses import replace

from shelf import Shelf

from pylot_ls.engine import worker
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.persistence import PersistenceConfig
from pylot_ls.engine.prompt_types import TextSegment


def file(name):
    source = "\n".join(f"def {name}_{n}(request):\n    return request.{name}({n})\n" for n in range(60))
    return (TextSegment(source, 450),)


def test_a_file_whose_sequence_was_evicted_costs_one_token(drive, bundled_config, tmp_path, monkeypatch):
    # Ends of prompts are saved when the user rests; here nobody ever does.
    monkeypatch.setattr(worker, "_REST_S", 600.0)
    persistence = PersistenceConfig(Shelf(), tmp_path / "models.json")
    driven = drive(LlamaBackend(replace(bundled_config, persistence=persistence)))
    driven.state()
    driven.backend._loaded.persistence._thread.join()
    first = driven.ask(file("alpha"), 8)
    # The context has 1,024 cells: the third file takes the place of the first.
    for name in ("beta", "gamma"):
        driven.ask(file(name), 8)
    tree = driven.backend._loaded.sequences.tree
    assert len(tree.sequences) == 2
    again = driven.ask(file("alpha"), 8)
    assert again.text == first.text
    assert (again.end.usage.tokens_evaluated, again.end.usage.tokens_reused) == (1, 449)

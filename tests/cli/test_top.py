"""What ``top`` shows of a server: who is there, and what the models did since the last look."""

from __future__ import annotations

from rich.console import Console

from pylot_ls.cli.top import Rates, rates, rendered

COUNTS = {
    "n_requests": 3,
    "n_failed": 0,
    "prompt_tokens": 100,
    "tokens_reused": 80,
    "tokens_evaluated": 20,
    "tokens_decoded": 10,
    "n_in_flight": 1,
}


def status(**counts):
    return {
        "version": "1.2.3",
        "pid": 7,
        "uptime_s": 3723.9,
        "memory_bytes": 50 * 2**20,
        "url": "http://127.0.0.1:8012",
        "n_requests": 2,
        "engine": {"pid": 8, "memory_bytes": 600 * 2**20, "n_ends": 1},
        "models": [
            {
                "roles": ["complete", "chat"],
                "state": "ready",
                "info": {"name": "tiny [red]"},
                "plan": {"shape": {"n_sequences": 24}},
                "needed_bytes": 123 * 2**20,
                "counts": {**COUNTS, **counts},
            },
            {"roles": ["embed"], "state": "unused", "counts": dict.fromkeys(COUNTS, 0)},
        ],
        "editors": [
            {"name": "editor-1", "pid": 99, "connected_s": 61.0, "n_documents": 4},
            {"name": "editor-2", "pid": 0, "connected_s": 1.0, "n_documents": 0},
        ],
    }


def shown(found, rates_of):
    console = Console(width=80)
    with console.capture() as captured:
        console.print(rendered(found, rates_of))
    return captured.get()


def test_rates_are_what_was_done_between_two_looks():
    after = status(prompt_tokens=300, tokens_reused=230, tokens_evaluated=70, tokens_decoded=30)
    found = rates(status(), after, 2.0)
    assert found["complete, chat"] == Rates(25.0, 10.0, 0.75)
    assert found["embed"] == Rates(0.0, 0.0, None)
    assert rates({**status(), "pid": 1}, after, 2.0) == {}, "it was started again meanwhile"


def test_all_of_it_is_shown():
    text = shown(status(), {"complete, chat": Rates(25.0, 10.0, 0.75)})
    assert "pylot-ls 1.2.3, process 7, up 1:02:03, 50 MiB and 600 MiB with the models" in text
    assert "ended 1 times lately" in text
    assert "http://127.0.0.1:8012, 2 requests at work" in text
    row = next(line for line in text.splitlines() if "tiny" in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == ["complete, chat: tiny [red]", "1 of 24", "25", "10.0", "75%", "123 MiB"]
    assert "ready, 3 served" in text
    assert "over HTTP" in text


def test_before_the_second_look_hits_are_those_since_the_start():
    assert "80%" in shown(status(), {})


def test_without_a_server_it_says_so(pylot_inside, tmp_path):
    done = pylot_inside("top", "--once", XDG_RUNTIME_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "no shared server is running" in done.stderr

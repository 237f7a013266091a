"""What is done by code actions in real editors: a file, what a model answers, and what the file is to be then."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pylot_ls.bundled import sample_path

if TYPE_CHECKING:
    from collections.abc import Callable

PYLOT_LS = (sys.executable, "-m", "pylot_ls")
# Started with a file: what that holds is the answer to each question.
SCRIPTED = (sys.executable, str(Path(__file__).parents[1] / "support" / "scripted_server.py"))

LOOP = "def total(items):\n    result = 0\n    for item in items:\n        result += item\n    return result\n"
FENCED = "```python\n{}\n```\n"


@dataclass(frozen=True)
class Case:
    """One action.

    Attributes:
        kind: as LSP names it.
        title: by which an editor lists it.
        source: the file.
        answer: the model's.
        expected: the file with the edit.
        line, column: where it is asked for, from 1.
        name: of the file.
        has_problem: whether another tool finds one in it.
    """

    kind: str
    title: str
    source: str
    answer: str
    expected: str
    line: int = 1
    column: int = 5
    name: str = "shop.py"
    has_problem: bool = False


CASES = (
    Case(
        "refactor.rewrite.simplify",
        "Simplify total",
        LOOP,
        FENCED.format("def total(items):\n    return sum(items)"),
        "def total(items):\n    return sum(items)\n",
    ),
    Case(
        "refactor.rewrite.types",
        "Add type hints to total",
        LOOP,
        FENCED.format(LOOP.replace("(items)", "(items: list[int]) -> int")),
        LOOP.replace("(items)", "(items: list[int]) -> int"),
    ),
    Case(
        "refactor.rewrite.translate",
        "Translate comments to English",
        "def f(x):\n    return x  # сам x\n",
        FENCED.format("def f(x):\n    return x  # x itself"),
        "def f(x):\n    return x  # x itself\n",
    ),
    Case(
        "refactor.rename",
        "Find a better name for x",
        "def f(a):\n    x = a\n    f(x)\n",
        "total",
        "def f(a):\n    total = a\n    f(total)\n",
        line=2,
    ),
)
PROBLEM = "Trailing comma"
# In a language whose mistakes VS Code finds by itself.
FIX = Case(
    "quickfix.fix",
    f"Fix: {PROBLEM}",
    '{"price": 12,}\n',
    '```json\n{"price": 12}\n```\n',
    '{"price": 12}\n',
    column=13,
    name="shop.json",
    has_problem=True,
)
TESTS = Case(
    "refactor.tests",
    "Write tests for total",
    LOOP,
    FENCED.format("from shop import total\n\n\ndef test_total():\n    assert total([1]) == 1"),
    "from shop import total\n\n\ndef test_total():\n    assert total([1]) == 1\n",
)
EXPLAIN = Case("refactor.explain", "Explain total", LOOP, "It adds the items up,\none after the other.", LOOP)
WRONG = Case("refactor.rewrite.simplify", "Simplify total", LOOP, "I would not change that.", LOOP)


class Copy:
    """A copy of the bundled source file, in which something is missing.

    Attributes:
        path: of the file.
        line: of the definition, from 1.
        name: of what is defined.
    """

    def __init__(self, folder: Path, header: str, *, without: str = "", instead: str = "") -> None:
        source = sample_path().read_text(encoding="utf-8")
        assert not without or source.count(without) == 1
        self.source = source.replace(without, instead) if without else source
        self.path = folder / "inventory.py"
        self.path.write_text(self.source, encoding="utf-8")
        self.line = self.source[: self.source.index(header)].count("\n") + 1
        self.name = header.strip().removeprefix("def ").partition("(")[0]

    def asked(self, kind: str) -> str:
        """What the bundled model makes of it, asked on the command line and not in an editor; "" for nothing."""
        form = "--json" if kind == "explain" else "--whole"
        command = [*PYLOT_LS, "action", kind, f"{self.path}:{self.line}:9", form]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
        if "nothing to say" in done.stderr or "nothing worth reading" in done.stderr:
            return ""
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["text"]) if kind == "explain" else done.stdout


DOCUMENTED = tuple(
    partial(Copy, header=f"    def {name}(self") for name in ("total", "value", "by_price", "save", "load")
)
# Of each kind some, of which the one is taken of which the bundled model has something to say.
COPIES: dict[str, tuple[Callable[[Path], Copy], ...]] = {
    "docstring": DOCUMENTED,
    "explain": DOCUMENTED,
    "implement": (
        partial(
            Copy,
            header="    def __len__(self)",
            without="        return len(self.items)\n",
            instead="        pass\n",
        ),
        partial(
            Copy,
            header="    def value(self)",
            without="        return self.price * self.quantity\n",
            instead="        pass\n",
        ),
    ),
}
TITLES = {"docstring": "Document {name}", "implement": "Implement {name}"}


def copy_and_answer(kind: str, folder: Path) -> tuple[Copy, str]:
    """A copy, and what the bundled model makes of it."""
    for make in COPIES[kind]:
        copy = make(folder)
        answer = copy.asked(kind)
        if answer:
            return copy, answer
    raise AssertionError(f"the bundled model has nothing to say for {kind}")

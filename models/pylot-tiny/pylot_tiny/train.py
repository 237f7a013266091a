"""Step 3: training.

It can be stopped (SIGTERM, Ctrl-C) and started again with the same arguments at any time; stopped with SIGSTOP, no
training time passes. The rates are warmed up, stay constant, and fall to zero over the last part of the time
(warm-up, stable, decay: Hu et al. 2024, "MiniCPM"); ``stable.pt`` is kept from before they fall, and a later run goes
on from there. SIGUSR1 lets them begin to fall at once.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from pylot_tiny import checkpoint
from pylot_tiny.checkpoint import Progress
from pylot_tiny.evaluation import Evaluation
from pylot_tiny.export import export, read_weights
from pylot_tiny.model import IGNORED, Network
from pylot_tiny.optimizer import make_optimizers
from pylot_tiny.reading import Corpus
from pylot_tiny.samples import Samples
from pylot_tiny.sizes import SIZES
from pylot_tiny.special import END, SPECIAL
from pylot_tiny.vocabulary import load_tokenizer

if TYPE_CHECKING:
    from types import FrameType

    from torch import Tensor

_WARM_UP_STEPS = 60
# Rows of the full context among the batches: more of them towards the end, where it is cheap to learn from them.
_LONG_SHARE = 0.08
_LONG_SHARE_ANNEALING = 0.3
_MOST_GRADIENT = 1.0
_EVALUATE_MINUTES = 4.0
_SAVE_MINUTES = 3.0
_STEPS_BETWEEN_LINES = 20


class Training:
    """A run in a folder.

    Args:
        options: the command line's.
        console: where progress is shown.
    """

    def __init__(self, options: argparse.Namespace, console: Console) -> None:
        self.options = options
        self.console = console
        self.folder: Path = options.folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.tokenizer_file: Path = options.tokenizer or options.corpus / "tokenizer.json"
        tokenizer = load_tokenizer(self.tokenizer_file)
        self.tokenize = lambda text: tuple(tokenizer.encode(text).ids)
        self.corpus = Corpus(options.corpus, "train")
        self.network, states, self.progress = self._begin(tokenizer.get_vocab_size())
        self.network.to(self.device)
        self.optimizers = make_optimizers(self.network)
        for optimizer, state in zip(self.optimizers, states, strict=False):
            optimizer.load_state_dict(state)
        self.rates = [[group["lr"] for group in each.param_groups] for each in make_optimizers(self.network)]
        self.losses: Any = torch.compile(self.network.losses, dynamic=False) if options.compile else self.network.losses
        self.evaluation = Evaluation(options.corpus, tokenizer, options.row, self.device)
        self.is_asked_to_end = False
        self.is_asked_to_anneal = False
        self.last_loss = math.nan

    def _begin(self, n_vocab: int) -> tuple[Network, list[Any], Progress]:
        """Go on where the folder's checkpoint is, else from the released weights, else from random ones."""
        last, stable = self.folder / "last.pt", self.folder / "stable.pt"
        if last.is_file():
            network, states, progress = checkpoint.load(last)
            if progress.is_over and stable.is_file():
                self._log(event="goes on from stable.pt, before the rates fell")
                network, states, progress = checkpoint.load(stable)
            return network, states, progress
        torch.manual_seed(self.options.seed)
        if self.options.from_gguf:
            size, weights = read_weights(self.options.from_gguf)
            network = Network(size)
            network.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
            return network, [], Progress()
        size = SIZES[self.options.size]
        if size.n_vocab != n_vocab:
            raise SystemExit(
                f"the tokenizer has {n_vocab} tokens and the size {self.options.size} needs {size.n_vocab}; "
                f"run python -m pylot_tiny.vocabulary --tokens {size.n_vocab}",
            )
        return Network(size), [], Progress()

    def run(self) -> None:
        """Train until the time is over or the process is asked to end; then the model files are written."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_end)
        if hasattr(signal, "SIGUSR1"):
            signal.signal(signal.SIGUSR1, self._on_anneal)
        evaluated = saved = self.progress.minutes
        columns = ("Training", BarColumn(), TextColumn("{task.fields[loss]}"), TimeElapsedColumn())
        with Bar(*columns, console=self.console, disable=not self.console.is_terminal) as bar:
            task = bar.add_task("", total=self.options.minutes, loss="")
            while not self.is_asked_to_end and self._factor() > 0:
                if self.is_asked_to_anneal or self._anneals_by_time():
                    self._begin_to_anneal()
                self._step()
                now = self.progress.minutes
                bar.update(task, completed=now, total=self._end(), loss=f"loss {self.last_loss:.3f}")
                if self.progress.n_steps % _STEPS_BETWEEN_LINES == 0:
                    self._log(loss=round(self.last_loss, 4))
                if now - evaluated >= _EVALUATE_MINUTES:
                    evaluated = now
                    self._evaluate()
                if now - saved >= _SAVE_MINUTES:
                    saved = now
                    self._save("last.pt")
        if not self.is_asked_to_end:
            self._evaluate()
        self._save("last.pt")
        if not self.is_asked_to_end:
            weights = self.network.as_arrays()
            export(weights, self.network.size, self.tokenizer_file, self.folder / self.options.name)
            self._log(event="done, model files written")

    def _step(self) -> None:
        started = _seconds(self.device)
        step = self.progress.n_steps
        factor = self._factor() * min(1.0, (step + 1) / _WARM_UP_STEPS)
        for optimizer, rates in zip(self.optimizers, self.rates, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
        tokens, targets = self._batch(step)
        with torch.autocast(self.device.type, torch.bfloat16):
            loss = self.losses(tokens, targets).sum() / (targets != IGNORED).sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _MOST_GRADIENT)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.last_loss = float(loss.detach())
        self.progress.n_steps += 1
        self.progress.n_tokens += tokens.numel()
        self.progress.minutes += (_seconds(self.device) - started) / 60

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        chooser = random.Random(f"{self.options.seed} {step}")  # noqa: S311 - repeatable, not secret
        long_share = _LONG_SHARE if self.progress.anneal_from is None else _LONG_SHARE_ANNEALING
        n_tokens = self.network.size.n_ctx if chooser.random() < long_share else self.options.row
        samples = Samples(self.corpus, self.tokenize, f"{self.options.seed} {step}")
        rows = [samples.row(n_tokens + 1) for _ in range(max(1, self.options.batch // n_tokens))]
        return inputs_and_targets(torch.tensor(rows, device=self.device))

    def _factor(self) -> float:
        """The share of the rates: 1, then falling to 0."""
        progress = self.progress
        if progress.anneal_from is None:
            return 1.0
        return max(0.0, 1.0 - (progress.minutes - progress.anneal_from) / progress.anneal_minutes)

    def _end(self) -> float:
        progress = self.progress
        return self.options.minutes if progress.anneal_from is None else progress.anneal_from + progress.anneal_minutes

    def _anneals_by_time(self) -> bool:
        begin = self.options.minutes * (1 - self.options.anneal / 100)
        return self.progress.anneal_from is None and self.progress.minutes >= begin

    def _begin_to_anneal(self) -> None:
        self.is_asked_to_anneal = False
        if self.progress.anneal_from is not None:
            return
        self._save("stable.pt")
        self.progress.anneal_from = self.progress.minutes
        # Of what has been trained, the same share as at the planned end.
        share = self.options.anneal / 100
        self.progress.anneal_minutes = max(self.options.minutes / 100, self.progress.minutes * share / (1 - share))
        self._log(event=f"the rates fall over {self.progress.anneal_minutes:.1f} minutes")

    def _evaluate(self) -> None:
        figures = self.evaluation.measure(self.network)
        self.progress.history.append({"minutes": self.progress.minutes, "tokens": self.progress.n_tokens, **figures})
        self._log(loss=round(self.last_loss, 4), **figures)

    def _save(self, name: str) -> None:
        checkpoint.save(self.folder / name, self.network, self.optimizers, self.progress)

    def _log(self, **values: Any) -> None:
        line: dict[str, Any] = {"time": time.strftime("%H:%M:%S")}
        if hasattr(self, "progress"):
            progress = self.progress
            line |= {"step": progress.n_steps, "tokens": progress.n_tokens, "minutes": round(progress.minutes, 2)}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line | values) + "\n")

    def _on_end(self, _signal: int, _frame: FrameType | None) -> None:
        self.is_asked_to_end = True

    def _on_anneal(self, _signal: int, _frame: FrameType | None) -> None:
        self.is_asked_to_anneal = True


def inputs_and_targets(rows: Tensor) -> tuple[Tensor, Tensor]:
    """What is read and what is to be predicted of rows with a token more than the context.

    Where a special token other than the end stands is not for the model to say.
    """
    targets = rows[:, 1:].clone()
    targets[(targets != END) & (targets < len(SPECIAL))] = IGNORED
    return rows[:, :-1], targets


def _seconds(device: torch.device) -> float:
    """A clock for training time: on the CPU, processor time a thread, which others on the machine do not use up."""
    return time.process_time() / torch.get_num_threads() if device.type == "cpu" else time.monotonic()


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="folder that pylot_tiny.corpus and pylot_tiny.vocabulary wrote")
    parser.add_argument("folder", type=Path, help="folder of this run: checkpoints, log and, at the end, model files")
    parser.add_argument("--tokenizer", type=Path, help="default: tokenizer.json of the corpus")
    parser.add_argument("--size", choices=SIZES, default="cpu")
    parser.add_argument("--minutes", type=float, default=100, help="training time in all")
    parser.add_argument("--anneal", type=float, default=20, help="per cent of it in which the rates fall")
    parser.add_argument("--batch", type=int, default=6144, help="tokens a step")
    parser.add_argument("--row", type=int, default=512, help="tokens in most rows")
    parser.add_argument("--threads", type=int, default=0, help="default: torch's own choice")
    parser.add_argument("--device", default="", help="default: cuda where there is one")
    parser.add_argument("--compile", action="store_true", help="with torch.compile, which needs a C++ compiler")
    parser.add_argument("--from", dest="from_gguf", type=Path, help="begin with the weights of a released GGUF")
    parser.add_argument("--name", default="pylot-tiny", help="of the model files")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main() -> None:
    """Run the step."""
    options = parse()
    if options.threads:
        torch.set_num_threads(options.threads)
    Training(options, Console()).run()


if __name__ == "__main__":
    main()

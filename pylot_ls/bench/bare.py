"""The bare decode loop in a process of its own, as our server and its peers are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.bench.child import ChildProcess

if TYPE_CHECKING:
    from pylot_ls.bench.run import Run


class BareProcess(ChildProcess):
    """Runs ``pylot_ls.bench.bare_step``.

    Args:
        run: how to run the model; there must be one.
    """

    def __init__(self, run: Run) -> None:
        super().__init__("pylot_ls.bench.bare_step", "the bare decode loop", run)

    @property
    def n_ctx(self) -> int:
        """Tokens that the model's context holds; once it is loaded."""
        return int(self.greeting["n_ctx"])

    async def steps_ms(self, depth: int, n_steps: int) -> list[float]:
        """How long each of some decode steps behind ``depth`` tokens took, in milliseconds.

        Raises:
            ClientError: the process ended, or the context does not hold so many tokens.
        """
        return [float(taken) for taken in await self.ask(depth=depth, n_steps=n_steps)]

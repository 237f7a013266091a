"""Who asks. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a key.

    Attributes:
        name: as the key book has it.
        salt: of the KV that his requests find; "" shares the editors' own.
        most_running: requests at once; None for what the options say.
        tokens_per_minute: evaluated and decoded; None for what the options say.
    """

    name: str
    salt: str = ""
    most_running: int | None = None
    tokens_per_minute: int | None = None

    @property
    def session(self) -> str:
        """What the scheduler knows him by: sessions take turns, whatever each of them asks for."""
        return f"api:{self.name}"


# Where no keys are asked for there is one user.
ANYBODY = User("local")

"""The options of ``pylot-ls serve`` about HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pylot_ls.cli.console import err

if TYPE_CHECKING:
    from pylot_ls.serving.http import HttpOptions


@dataclass(frozen=True, slots=True)
class HttpFlags:
    """What was said on the command line."""

    port: int | None
    host: str
    no_keys: bool
    allow_host: tuple[str, ...]
    allow_origin: tuple[str, ...]
    tls_cert: Path | None
    tls_key: Path | None

    def check(self) -> None:
        """See that they go together.

        Raises:
            typer.BadParameter: they do not.
        """
        others = (self.no_keys, self.allow_host, self.allow_origin, self.tls_cert, self.tls_key)
        if self.port is None and any(others):
            raise typer.BadParameter("these options are for HTTP, which --port asks for")
        if (self.tls_cert is None) is not (self.tls_key is None):
            raise typer.BadParameter("--tls-cert and --tls-key go together")

    def as_arguments(self) -> list[str]:
        """The same on another command line."""
        if self.port is None:
            return []
        files = {"cert": self.tls_cert, "key": self.tls_key}
        return [
            f"--port={self.port}",
            f"--host={self.host}",
            *(["--no-keys"] if self.no_keys else []),
            *(f"--allow-host={name}" for name in self.allow_host),
            *(f"--allow-origin={name}" for name in self.allow_origin),
            *(f"--tls-{name}={file.absolute()}" for name, file in files.items() if file is not None),
        ]

    def options(self) -> HttpOptions | None:
        """What is to be served; None for no HTTP.

        Raises:
            HttpError: others could reach it without a key.
        """
        if self.port is None:
            return None
        # Imported here: it takes its time, and most commands need none of it.
        from pylot_ls.api.server import Tls  # noqa: PLC0415
        from pylot_ls.serving.http import HttpOptions, own_key_path  # noqa: PLC0415

        tls = None
        if self.tls_cert is not None and self.tls_key is not None:
            tls = Tls(self.tls_cert, self.tls_key)
        options = HttpOptions(
            self.host,
            self.port,
            not self.no_keys,
            self.allow_host,
            self.allow_origin,
            tls,
        )
        options.check()
        if options.needs_key:
            err.print(
                f"who asks over HTTP needs a key: the one made at the first start is in {own_key_path()}, others are "
                "made by pylot-ls keys create",
                markup=False,
            )
        return options

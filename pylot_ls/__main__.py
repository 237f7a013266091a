"""``python -m pylot_ls`` and the ``pylot-ls`` command."""

from __future__ import annotations

from pylot_ls.cli.app import app


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()

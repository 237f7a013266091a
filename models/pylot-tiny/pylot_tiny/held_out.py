"""The held-out files as a folder of installed packages, for ``pylot-ls bench quality`` to type in."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path, PurePosixPath

from rich.console import Console

from pylot_tiny.corpus import MODULUS, REMAINDERS, is_held_out
from pylot_tiny.reading import Corpus


def unpack(corpus: Corpus, folder: Path, remainders: tuple[int, ...]) -> int:
    """Write the files whose top-level name's digest leaves one of some remainders; how many there are.

    Args:
        corpus: the held-out split.
        folder: gets a folder ``site-packages``, by which ``bench quality`` tells what a file belongs to.
        remainders: some of REMAINDERS.

    Raises:
        OSError: a file cannot be written.
    """
    n_files = 0
    for group in corpus.groups:
        for entry in group:
            name = PurePosixPath(entry.path).parts[0].split(".", 1)[0]
            digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
            if not is_held_out(name) or int(digest, 16) % MODULUS not in remainders:
                continue
            path = folder / "site-packages" / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(corpus.text(entry), encoding="utf-8")
            n_files += 1
    return n_files


def main() -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="folder that pylot_tiny.corpus wrote")
    parser.add_argument("folder", type=Path, help="gets a folder site-packages")
    parser.add_argument(
        "--remainder",
        type=int,
        nargs="+",
        default=REMAINDERS,
        help="of the digests: 0 alone is what pylot-nano was not trained on either",
    )
    options = parser.parse_args()
    n_files = unpack(Corpus(options.corpus, "held-out"), options.folder, tuple(options.remainder))
    Console().print(f"{n_files:,} files under {options.folder / 'site-packages'}")


if __name__ == "__main__":
    main()

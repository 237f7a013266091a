"""A process that writes values to a folder until it is killed, or N of them: ``python writer.py FOLDER SEED [N]``.

It prints the number of each value that it has put, so that a test can kill it in the middle of the next.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from pylot_ls.kvcache.disk import DiskTier


def value_of(key: bytes) -> bytes:
    return key * (len(key) * 10 + int.from_bytes(key[-2:], "big") % 997) * 100


def key_of(seed: int, n: int) -> bytes:
    return b"%03d:%05d" % (seed, n)


def main() -> int:
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    numbers = range(int(sys.argv[3])) if len(sys.argv) > 3 else itertools.count()
    tier = DiskTier(folder, 8 * 2**20, 2**40)
    n_wrong = 0
    for n in numbers:
        key = key_of(seed, n)
        tier.put(key, value_of(key))
        for other in (key_of(seed, n // 2), key_of(1 - seed, n)):
            n_wrong += tier.get(other) not in {None, value_of(other)}
        print(n, flush=True)
    print(n_wrong, tier.problem, tier.stats(), flush=True)
    tier.close()
    return int(n_wrong > 0 or tier.problem is not None)


if __name__ == "__main__":
    sys.exit(main())

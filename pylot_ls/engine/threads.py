"""How many threads evaluate a model when the user leaves it to us. Pure."""

from __future__ import annotations

# Threads wait for each other after every operation of the graph, spinning. A small model's operations are so short
# that a second thread gains little, and when another process takes its core for a moment everything waits. Measured
# with 3.4 MiB of weights on two cores: one decode step takes 0.48 ms on one thread and 0.38 ms on two; with another
# process busy on both cores, the mean is 0.55 ms on one thread and 101 ms on two.
_SMALL_BYTES = 64 * 2**20


def automatic_threads(size_bytes: int, n_cores: int) -> int:
    """Threads for weights of a size on a machine with so many physical cores."""
    return 1 if size_bytes < _SMALL_BYTES else max(1, n_cores)

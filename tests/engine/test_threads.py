from __future__ import annotations

import pytest

from pylot_ls.engine.threads import automatic_threads


@pytest.mark.parametrize(
    ("size_mib", "n_cores", "expected"),
    [(3.4, 8, 1), (37, 2, 1), (500, 2, 2), (500, 8, 8), (5000, 1, 1), (5000, 0, 1)],
)
def test_small_models_get_one_thread_and_others_every_core(size_mib, n_cores, expected):
    assert automatic_threads(int(size_mib * 2**20), n_cores) == expected

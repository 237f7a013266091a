"""Probabilities of draws: what sampling leaves of the model's own."""

from __future__ import annotations

import math

import pytest

from pylot_ls.api.sampled import probabilities
from pylot_ls.engine.types import Sampling

LOGPROBS = [math.log(share) for share in (0.5, 0.3, 0.1, 0.06, 0.04)]
PLAIN = {"temperature": 1.0, "top_k": 5, "top_p": 1.0, "min_p": 0.0}


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ({}, [0.5, 0.3, 0.1, 0.06, 0.04]),
        ({"top_k": 2}, [0.625, 0.375]),
        ({"top_p": 0.79}, [0.625, 0.375]),
        ({"top_p": 0.81}, [5 / 9, 3 / 9, 1 / 9]),
        ({"min_p": 0.5}, [0.625, 0.375]),
        ({"temperature": 0.5, "top_k": 2}, [25 / 34, 9 / 34]),
        ({"temperature": 0.0}, [1.0]),
    ],
)
def test_what_is_left_shares_the_whole(others, expected):
    assert probabilities(LOGPROBS, Sampling(**{**PLAIN, **others})) == pytest.approx(expected)

"""Seeded choices for the generator, the same on every Python: nothing but `random()`, whose sequence is guaranteed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """A sequence of choices that depends on the seed alone."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - invented records, no secrets

    def below(self, limit: int) -> int:
        """A number from 0 up to, not including, the limit."""
        return int(self._random.random() * limit)

    def one(self, things: Sequence[T]) -> T:
        """One of several things."""
        return things[self.below(len(things))]

    def happens(self, share: float) -> bool:
        """True in about this share of cases."""
        return self._random.random() < share

    def between(self, low: float, high: float, digits: int) -> float:
        """A number in a range, rounded."""
        return round(low + self._random.random() * (high - low), digits)

    def day(self, first: dt.date, last: dt.date) -> dt.date:
        """A day in a range, both ends included."""
        return first + dt.timedelta(days=self.below((last - first).days + 1))

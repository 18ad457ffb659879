"""When a day may be collected: while it lasts, and a few hours more. The clock always comes from outside."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from collect_assets.errors import FutureDayError

Clock = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    """The wall clock in UTC."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Window:
    """The time in which runs for an entry-date may fetch: from its first second until `grace` after its last."""

    entry_date: dt.date
    grace: dt.timedelta

    @property
    def opens(self) -> dt.datetime:
        """The first second of the entry-date."""
        return dt.datetime.combine(self.entry_date, dt.time(), dt.UTC)

    @property
    def closes(self) -> dt.datetime:
        """The first moment at which no run for the entry-date may begin to fetch."""
        return self.opens + dt.timedelta(days=1) + self.grace

    def is_open(self, now: dt.datetime) -> bool:
        """Whether a run that starts now may fetch. Decided once, at the start: runs wait in queues and cross midnight.

        Raises:
            FutureDayError: the entry-date has not begun.
        """
        if now < self.opens:
            raise FutureDayError(
                f"{self.entry_date} has not begun, it is {now:%Y-%m-%d %H:%M} UTC; it can be collected while it lasts"
            )
        return now < self.closes

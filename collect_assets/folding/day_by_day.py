"""Applying what is due in order of entry-date: the answers of a day, then what people wrote of it, then old age.

Items grow old on days on which nothing else may have happened, so those days are found on the way.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

import duckdb

from collect_assets.collection import Collection
from collect_assets.folding.answers import LastSeen, Observation
from collect_assets.folding.apply import DayChanges, apply_day, changes_of
from collect_assets.folding.comparing import nothing_served
from collect_assets.folding.rules import MANUAL, RELEASE, UNTOUCHED
from collect_assets.folding.stages import DueEvent, apply_events, end_too_old, has_ages, next_too_old
from collect_assets.items.records import Reading

Progress = Callable[[dt.date, int, int], None]
"""Called before each day with the day, its number and the number of days to apply."""


class Days:
    """The days that are due in an index in the making: `due` and `due_event` hold what they are due for."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        collection: Collection,
        readings: Mapping[str, Reading],
        horizon: dt.date,
    ) -> None:
        self._connection = connection
        self._collection = collection
        self._readings = readings
        self._horizon = horizon
        self._last_seen = LastSeen.load(connection)
        nothing_served(connection)
        self._ages = has_ages(connection)

    def apply(self, progress: Progress | None = None) -> dict[dt.date, DayChanges]:
        """Applies them; what each did."""
        query = "SELECT entry_date FROM due UNION SELECT entry_date FROM due_event ORDER BY ALL"
        days = [day for (day,) in self._connection.execute(query).fetchall()]
        problems: dict[dt.date, Mapping[str, str]] = {}
        for number, day in enumerate(days, 1):
            if progress is not None:
                progress(day, number, len(days))
            self._grow_old(problems, day - dt.timedelta(1) if day > dt.date.min else day)
            self._day(day, problems)
        self._grow_old(problems, self._horizon)
        return {day: changes_of(self._connection, day, problems[day]) for day in sorted(problems)}

    def _day(self, day: dt.date, problems: dict[dt.date, Mapping[str, str]]) -> None:
        """A day in its stages; it is told of unless it is only one on which manual control begins."""
        rows = self._connection.execute("SELECT * FROM due WHERE entry_date = ? ORDER BY ALL", [day]).fetchall()
        events = self._events(day)
        changed_control = [event.scope_no for event in events if event.stage in (MANUAL, RELEASE)]
        self._last_seen.compare_again(self._connection, changed_control)
        if rows:
            observations = [Observation(*row) for row in rows]
            problems[day] = apply_day(
                self._connection, self._collection, day, observations, self._readings, self._last_seen
            )
        if any(event.stage != MANUAL for event in events):
            problems.setdefault(day, {})
        self._apply_events(day, [event for event in events if event.stage < UNTOUCHED])
        self._grow_old(problems, day)
        self._apply_events(day, [event for event in events if event.stage > UNTOUCHED])

    def _events(self, day: dt.date) -> list[DueEvent]:
        rows = self._connection.execute(
            "SELECT scope_no, entry_date, stage, content FROM due_event WHERE entry_date = ? ORDER BY ALL", [day]
        ).fetchall()
        return [DueEvent(*row) for row in rows]

    def _apply_events(self, day: dt.date, events: list[DueEvent]) -> None:
        if events:
            apply_events(self._connection, day, events, self._last_seen)

    def _grow_old(self, problems: dict[dt.date, Mapping[str, str]], upto: dt.date) -> None:
        """Ends what is too old on the days up to one."""
        while self._ages and (day := next_too_old(self._connection)) is not None and day <= upto:
            end_too_old(self._connection, day, self._collection.settings.items.guard, self._last_seen)
            problems.setdefault(day, {})

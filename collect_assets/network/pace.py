"""How long a host is left in peace between two requests: numbers in, numbers out.

The pause follows what the host shows: a share of the time that its last answer took; and a host that says that it is
asked too much (429, 503) is slowed down, more each time it says so, and less again with each answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from collect_assets.collection import Politeness
from collect_assets.network.hosts import Place

TOO_MUCH = frozenset({429, 503})
MOST = 16.0  # times as slow
RECOVERY = 0.75  # of being slowed down, what an answer leaves
SLOWED_FROM = 0.1  # seconds: the pause that is multiplied, where it would be shorter
FORGOTTEN = 600.0  # seconds after which a host that nobody asked counts as recovered


@dataclass(frozen=True)
class Pace:
    """The rules of a collection; `longest` is more than any pause of ours, whatever a lock file says."""

    politeness: Politeness
    longest: float

    def pause(self, elapsed: float, slowed: float, place: Place) -> float:
        """The seconds between a request that took so long and the next one."""
        rules = self.politeness
        least = rules.min_pause if place.pause is None else place.pause
        pause = min(max(rules.pause_share * elapsed, least), max(rules.max_pause, least))
        if slowed <= 1:
            return pause
        return self.at_most(max(pause, SLOWED_FROM) * slowed, place)

    def at_most(self, wait: float, place: Place, longest: float = 0.0) -> float:
        """A wait within bounds: those of the collection, or of an endpoint that waits longer."""
        return min(max(wait, 0.0), max(self.longest, longest, self.politeness.max_pause, place.pause or 0.0))

    def slowed(self, before: float, status: int | None) -> float:
        """By how much a host is slowed down after an answer; without an answer nothing changes."""
        if status is None:
            return before
        if status in TOO_MUCH:
            return min(before * self.politeness.slow_down, MOST)
        return max(before * RECOVERY, 1.0)

    def remembered(self, slowed: float, idle: float) -> float:
        """What counts of it after some time: a lock file is kept for ever."""
        return 1.0 if idle > FORGOTTEN else min(max(slowed, 1.0), MOST)

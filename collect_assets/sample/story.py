"""What happens to the records of a file from one state to the next: they arrive, change, vanish and come back.

The rules are the same for sites and specimens; which record does what stands with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from collect_assets.sample.catalogue import STATES

Record = dict[str, object]


@dataclass(frozen=True)
class Story:
    """Events by position of the record in its file and number of the state, 0 for the first, 3 for today.

    Attributes:
        arrives: the first state in which a record is there, where that is not the first of all.
        absent: the states in which a record is missing.
        changes: the new values, from the state on in which they are first served.
    """

    arrives: Mapping[int, int] = field(default_factory=dict)
    absent: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    changes: Mapping[int, Mapping[int, Mapping[str, object]]] = field(default_factory=dict)

    def at(self, state: str, records: Sequence[Record]) -> list[Record]:
        """The records as they are served in a state."""
        number = STATES.index(state)
        return [
            self._version(position, number, record)
            for position, record in enumerate(records)
            if number >= self.arrives.get(position, 0) and number not in self.absent.get(position, ())
        ]

    def _version(self, position: int, number: int, record: Record) -> Record:
        version = dict(record)
        for since, values in sorted(self.changes.get(position, {}).items()):
            if since <= number:
                version.update(values)
        return version

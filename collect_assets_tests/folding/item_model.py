"""The life cycle of items in plain Python, short enough to be read: what the fold in SQL has to agree with.

One scope at a time. An item is a value, the endpoint that holds it, and the day of its last change. Days are numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Record = tuple[str, str | None]  # id and value; None says deleted


@dataclass(frozen=True)
class Answer:
    """What an endpoint served on a day. `whole`: complete, and every row readable with an id."""

    records: tuple[Record, ...] = ()
    coverage: str = "full"
    whole: bool = True

    @property
    def speaks_of_all(self) -> bool:
        return self.whole and self.coverage != "changes"

    @property
    def proves(self) -> bool:
        return self.speaks_of_all and bool(self.records)

    def one_of_each(self) -> dict[str, str | None]:
        """The first of several counts; of changes the last."""
        ordered = self.records if self.coverage == "changes" else self.records[::-1]
        return dict(ordered)


@dataclass(frozen=True)
class Member:
    """An endpoint of the scope; of two that have an item the first in the list counts."""

    name: str
    joined: int = -1000
    left: int = 1000
    max_age: int | None = None


@dataclass
class Item:
    value: str
    holder: str
    changed: int
    change: str
    last_seen: int
    absences: int = 0


@dataclass(frozen=True)
class Rules:
    """Everything that people wrote.

    Attributes:
        manual: item, first and last day.
        verdicts: by day; what to do with all that is held then.
    """

    limit: int = 2
    loss: float = 0.3
    ids: float = 0.5
    few: int = 1
    past_answers: int = 100
    manual: tuple[tuple[str, int, int], ...] = ()
    verdicts: Mapping[int, str] = field(default_factory=dict)
    retired_on: int | None = None

    def left_alone(self, item: str, day: int) -> bool:
        return any(item == name and first <= day <= last for name, first, last in self.manual)


@dataclass
class Scope:
    """The items of a scope, and what waits for a decision."""

    members: Sequence[Member]
    rules: Rules
    live: dict[str, Item] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    latest: dict[str, tuple[int, Answer]] = field(default_factory=dict)
    held: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # item: change, reason, value and holder
    differs: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # of those left alone: change, value, holder
    served: dict[str, tuple[str | None, str, bool]] = field(default_factory=dict)  # value, endpoint, only an id
    proofs: list[int] = field(default_factory=list)
    losses: dict[int, tuple[float, float]] = field(default_factory=dict)  # day: share lost, share of other ids

    def run(self, days: Mapping[int, Mapping[str, Answer]], upto: int) -> None:
        for day in range(upto + 1):
            before, created, lost = len(self.live), set[str](), set[str]()
            self._answers(day, days.get(day, {}), created, lost)
            self._release(day)
            if self.rules.retired_on == day:
                self.held.clear()
                self._end([i for i in self.live if not self.rules.left_alone(i, day)], lost)
            self._grow_old(day, lost)
            self._decide(day, created, lost)
            if lost and before:
                self.losses[day] = (len(lost) / before, min(len(lost), len(created)) / before)

    def _counting(self, day: int) -> list[Member]:
        return [m for m in self.members if m.joined <= day < m.left]

    def _answers(self, day: int, answers: Mapping[str, Answer], created: set[str], lost: set[str]) -> None:  # noqa: C901
        answering = {m.name: answers[m.name] for m in self._counting(day) if m.name in answers}
        if not answering:
            return
        prior = {name: when for name, (when, _) in self.latest.items()}
        self.latest |= {name: (day, answer) for name, answer in answering.items()}
        speaking = {m.name: self.latest[m.name][1] for m in self.members if m.left > day and m.name in self.latest}
        served: dict[str, tuple[str | None, str, bool]] = {}
        for name, answer in reversed(speaking.items()):
            if answer.coverage == "changes" and name not in answering:
                continue
            for item, value in answer.one_of_each().items():
                here = (value, name, answer.coverage == "identifiers")
                if item not in served or self._rank(here) <= self._rank(served[item]):
                    served[item] = here
        proves = all(answer.proves for answer in speaking.values())
        self._overtake(served, proves)
        self.served = served
        stay = {name for name, answer in speaking.items() if answer.coverage == "changes"}
        new = {i for i, (value, _, only) in served.items() if value is not None and i not in self.live and not only}
        new -= {i for i, (change, *_) in self.held.items() if change == "created"}
        missing = {i for i in self.live if i not in served}
        holding = self._changed_ids(day, served, new, missing, proves, speaking)
        before = len(self.live)
        for item, (value, name, only) in served.items():
            item_is_live = item in self.live
            if value is not None and item_is_live:
                self.live[item].absences = 0
            if value is None or only or (holding.get(item) == "created"):
                continue
            if item in new:
                self._create(item, value, name, day)
                created.add(item)
            elif item_is_live and not self.rules.left_alone(item, day):
                old = self.live[item]
                if (old.value, old.holder) != (value, name) and not (old.holder != name and old.holder in stay):
                    change = "updated" if old.value != value else "moved"
                    self.live[item] = Item(value, name, day, change, day)
        said_gone = {i for i, (value, *_) in served.items() if value is None and i in self.live}
        for item, it in self.live.items():
            if item in missing or item in said_gone:
                it.last_seen = min(it.last_seen, prior.get(it.holder, it.last_seen))
        self._touch(served)
        self._differences(day, served, proves, stay)
        if proves:
            self.proofs.append(day)
        gone = {m.name for m in self.members if m.left <= day}
        due = {i for i in said_gone if self._may_end(i, day) and i not in holding}
        for item in missing | said_gone:
            it = self.live[item]
            if proves and (it.holder in answering or it.holder in gone):
                it.absences += 1
                may_end = item in missing and item not in holding and self._may_end(item, day)
                if it.absences >= self.rules.limit and may_end:
                    due.add(item)
        self._lose(day, due, holding, before, lost)

    @staticmethod
    def _rank(served: tuple[str | None, str, bool]) -> tuple[bool, bool]:
        return served[0] is None, served[2]

    def _touch(self, served: Mapping[str, tuple[str | None, str, bool]]) -> None:
        """An item that is served was last seen when its endpoint was."""
        for item, (value, *_) in served.items():
            if value is not None and item in self.live:
                self.live[item].last_seen = 1000  # as of its holder's last answer

    def last_seen(self, item: str) -> int:
        it = self.live[item]
        return min(it.last_seen, self.latest[it.holder][0])

    def _overtake(self, served: Mapping[str, tuple[str | None, str, bool]], proves: bool) -> None:
        for item, (change, reason, _) in list(self.held.items()):
            value, name, only = served.get(item, (None, "", False))
            gone = value is None and (item in served or proves)
            over = value is not None if change == "deleted" else gone
            if over:
                del self.held[item]
            elif change == "created" and item in served and not only:
                self.held[item] = (change, reason, f"{value}@{name}")

    def _held_rows(self) -> list[tuple[str, tuple[str, str, str, str]]]:
        return [(item, (change, reason, *value.split("@"))) for item, (change, reason, value) in self.held.items()]

    def _changed_ids(
        self,
        day: int,
        served: Mapping[str, tuple[str | None, str, bool]],
        new: set[str],
        missing: set[str],
        proves: bool,
        speaking: Mapping[str, Answer],
    ) -> dict[str, str]:
        """What is held of an answer with other ids, or with nothing in it: item to change."""
        gone = {i for i in missing if self._may_end(i, day)}
        if all(answer.speaks_of_all and not answer.records for answer in speaking.values()):
            return dict.fromkeys(gone, "deleted")
        count = sum(value is not None for value, *_ in served.values())
        if proves and len(new) > self.rules.few and self.live and count:
            share = min(len(new) / count, len(gone) / len(self.live))
            if share > self._allowed(self.rules.ids, day, 1):
                return dict.fromkeys(new, "created") | dict.fromkeys(gone, "deleted")
        return {}

    def _allowed(self, share: float, day: int, which: int) -> float:
        past = [when for when in self.proofs if when < day][-30:]
        if share >= 1 or len(past) < self.rules.past_answers:
            return share
        largest = max((both[which] for when, both in self.losses.items() if past[0] <= when < day), default=0.0)
        return min(max(3 * largest, share / 3), max(share / 3, min(2 * share, 0.95)))

    def _may_end(self, item: str, day: int) -> bool:
        return not self.rules.left_alone(item, day) and self.held.get(item, ("",))[0] != "deleted"

    def _create(self, item: str, value: str, name: str, day: int) -> None:
        self.live[item] = Item(value, name, day, "restored" if item in self.ended else "created", 1000)

    def _lose(self, day: int, due: set[str], holding: dict[str, str], before: int, lost: set[str]) -> None:
        if len(due) > self.rules.few and before and len(due) / before > self._allowed(self.rules.loss, day, 0):
            holding |= dict.fromkeys(due, "deleted")
            due = set()
        for item, change in holding.items():
            self.held[item] = (change, "guard", self._held_value(item, change))
        self._end(due, lost)

    def _held_value(self, item: str, change: str) -> str:
        if change == "deleted":
            return "@"
        value, name, _ = self.served[item]
        return f"{value}@{name}"

    def _end(self, items: set[str] | list[str], lost: set[str]) -> None:
        for item in items:
            del self.live[item]
            self.ended.add(item)
            lost.add(item)

    def _differences(
        self, day: int, served: Mapping[str, tuple[str | None, str, bool]], proves: bool, stay: set[str]
    ) -> None:
        for item in set(self.live) | set(self.differs):
            value, name, only = served.get(item, (None, "", False))
            if only or (item not in served and not proves):
                continue
            self.differs.pop(item, None)
            if item not in self.live or not self.rules.left_alone(item, day):
                continue
            old = self.live[item]
            if item not in served:
                self.differs[item] = ("missing", "", "")
            elif value is None:
                self.differs[item] = ("deleted", "", "")
            elif value != old.value and not (old.holder != name and old.holder in stay):
                self.differs[item] = ("updated", value, name)

    def _release(self, day: int) -> None:
        if not any(last + 1 == day for _, _, last in self.rules.manual):
            return
        for item, (change, value, name) in list(self.differs.items()):
            if self.rules.left_alone(item, day):
                continue
            del self.differs[item]
            if change == "updated":
                old = self.live[item]
                self.live[item] = Item(value, name, day, "updated", old.last_seen, old.absences)
            elif change == "deleted":
                self._end([item], set())

    def _decide(self, day: int, created: set[str], lost: set[str]) -> None:
        verdict = self.rules.verdicts.get(day)
        for item, (change, reason, value, holder) in self._held_rows() if verdict else []:
            if reason != "guard":
                continue
            if verdict == "reject":
                self.held[item] = (change, "rejected", f"{value}@{holder}")
                continue
            del self.held[item]
            if change == "created":
                self._create(item, value, holder, day)
                created.add(item)
            else:
                self._end([item], lost)

    def _grow_old(self, day: int, lost: set[str]) -> None:
        ages = {m.name: m.max_age for m in self.members}
        due = {
            i
            for i in self.live
            if (age := ages[self.live[i].holder]) is not None
            and self.last_seen(i) + age < day
            and self.live[i].changed < day
            and self._may_end(i, day)
        }
        before = sum(it.changed < day or it.change in {"updated", "moved"} for it in self.live.values())
        self._lose(day, due, {}, before, lost)

"""What people decide on losses that are held: files under `decision/`, written once and never changed.

A file names the endpoint, the day and the hash of the held set, so it can speak of nothing else; and the entry-date
from which on it holds, so that the answers for earlier days stay. Who writes it by hand needs no software.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from collect_assets.errors import DecisionError, StorageError
from collect_assets.registers import Problem

Verdict = Literal["approve", "reject", "map"]
VERDICTS: tuple[str, ...] = get_args(Verdict)
_TEXTS = ("decision", "endpoint", "entry-date", "held", "held-on", "who", "why")


@dataclass(frozen=True)
class Decision:
    """One decision on one held set.

    Attributes:
        name: of its file, without `.json`.
        verdict: `approve` applies the held set; `reject` keeps what it would have deleted and leaves out what it would
            have created, until the endpoint serves them otherwise; `map` gives old items new ids, and applies the rest.
        endpoint: whose items are held.
        entry_date: the day from which on it holds.
        held: the hash of the held set.
        held_on: the entry-date on which it was held.
        ids: old id to new id, of a `map`.
    """

    name: str
    verdict: Verdict
    endpoint: str
    entry_date: dt.date
    held: str
    held_on: dt.date
    who: str
    why: str
    ids: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The file's content."""
        content: dict[str, Any] = {
            "decision": self.verdict,
            "endpoint": self.endpoint,
            "entry-date": self.entry_date.isoformat(),
            "held": self.held,
            "held-on": self.held_on.isoformat(),
            "who": self.who,
            "why": self.why,
        }
        if self.verdict == "map":
            content["map"] = dict(self.ids)
        return json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"

    @classmethod
    def parse(cls, name: str, content: bytes) -> Decision:
        """From a file.

        Raises:
            DecisionError: something is missing, or is not what it should be.
        """
        try:
            given = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise DecisionError(f"not JSON: {error}") from None
        if not isinstance(given, dict) or not all(isinstance(given.get(key), str) for key in _TEXTS):
            raise DecisionError(f"needs an object with the texts {', '.join(_TEXTS)}")
        if missing := [key for key in _TEXTS if not given[key].strip()]:
            raise DecisionError(f"{' and '.join(missing)} is blank; each decision says who made it, and why")
        if given["decision"] not in VERDICTS:
            raise DecisionError(f"decision is {given['decision']!r}, expected one of {', '.join(VERDICTS)}")
        days = [_day(key, given[key]) for key in ("entry-date", "held-on")]
        if days[0] < days[1]:
            raise DecisionError(f"holds from {days[0]}, before the {days[1]} on which it was held")
        ids = _ids(given.get("map", {})) if given["decision"] == "map" else {}
        return cls(name, given["decision"], given["endpoint"].strip(), days[0], given["held"].strip(), days[1],
                   given["who"].strip(), given["why"].strip(), ids)  # fmt: skip


def _day(key: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        raise DecisionError(f"{key} is {text!r}, expected a day as YYYY-MM-DD") from None


def _ids(given: object) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(new, str) and new for new in given.values()) or not given:
        raise DecisionError('map has to be an object of old ids and new ids, such as {"A1": "B1"}')
    if len(set(given.values())) < len(given):
        raise DecisionError("map gives one new id to several old ones")
    return given


def read_decisions(folder: Path) -> tuple[list[Decision], list[Problem]]:
    """All decisions, by the day from which on they hold; and what is wrong with files that are none.

    Of several on one held set the first counts, by that day, then by name.

    Raises:
        StorageError: the folder cannot be read.
    """
    try:
        names = (
            sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".json"))
            if folder.is_dir()
            else []
        )
        contents = {name: (folder / name).read_bytes() for name in names}
    except OSError as error:
        raise StorageError(f"{folder}: cannot be read: {error.strerror or error}") from error
    found, problems = [], []
    for name, content in contents.items():
        try:
            found.append(Decision.parse(name.removesuffix(".json"), content))
        except DecisionError as error:
            problems.append(Problem(f"{folder.name}/{name}", 1, f"{error}; it decides nothing"))
    return _first_of_each(found, folder.name, problems), problems


def _first_of_each(found: Iterable[Decision], folder: str, problems: list[Problem]) -> list[Decision]:
    first: dict[tuple[str, dt.date, str], Decision] = {}
    for one in sorted(found, key=lambda each: (each.entry_date, each.name)):
        key = (one.endpoint, one.held_on, one.held)
        if key in first:
            reason = f"the same was decided by {first[key].name}, which counts; it decides nothing"
            problems.append(Problem(f"{folder}/{one.name}.json", 1, reason))
        else:
            first[key] = one
    return list(first.values())


def write_decisions(folder: Path, decisions: Sequence[Decision]) -> list[Path]:
    """Adds decisions; none of the files is written when one of them is there already.

    Raises:
        DecisionError: the same was decided before.
        StorageError: the folder cannot be written.
    """
    paths = [folder / f"{decision.name}.json" for decision in decisions]
    if there := [path.name for path in paths if path.exists()]:
        raise DecisionError(f"{folder}: {', '.join(there)} is there already; decisions are not changed")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, decision in zip(paths, decisions, strict=True):
            with path.open("xb") as file:
                file.write(decision.to_json())
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return paths


def decision_name(endpoint: str, entry_date: dt.date, held: str) -> str:
    """A name that no other held set has."""
    return f"{entry_date.isoformat()}-{endpoint[:12]}-{held[:12]}"

"""Which bytes of an answer are kept: as they came, or less what digital-land-python takes out (`resource-rule`).

A run has one rule, and its file names it. Where `collection.toml` has none, a collection goes on as it began: by the
rule of its newest logs, which is digital-land's where digital-land wrote them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from collect_assets.collecting.log import Log, log_paths, read_adopted, read_log
from collect_assets.collecting.run_file import read_run_file
from collect_assets.collection import Collection, ResourceRuleName
from collect_assets.errors import FailedError
from collect_assets.network.body import START
from collect_assets.network.content import mime_type
from collect_assets.plugins import Harvest
from collect_assets.store.local import sha256_of, storage_errors
from collect_assets.store.stripping import IN_JSON_OR_XML, IN_WFS, Pass, strip

STRIPPED_TYPES = ("application/json", "application/geo+json", "application/xml")
TEXTS = frozenset({"text/plain", "text/html", "application/xml", "application/json"})


@dataclass(frozen=True)
class ResourceRule:
    """The rule of one run, and by which rule the resources of earlier logs were kept."""

    collection: Collection
    name: ResourceRuleName
    _of_runs: dict[str, ResourceRuleName | None] = field(default_factory=dict)

    @classmethod
    def of(cls, collection: Collection) -> ResourceRule:
        """The rule that the settings give, else that of the newest logs that tell theirs; raw where there are none.

        Each day is looked at until one tells: that is the first, unless run files were lost.
        """
        if collection.settings.resource_rule:
            return cls(collection, collection.settings.resource_rule)
        days = collection.entry_dates()
        theirs = not days and collection.log_csv.is_file()  # days that are rows of its table only, not yet adopted
        rule = cls(collection, "digital-land" if theirs else "raw")
        for day in reversed(days):
            if found := rule._of_day(day):
                return replace(rule, name=found)
        return rule

    def _of_day(self, day: dt.date) -> ResourceRuleName | None:
        """The rule of a day's logs; None where they are ours, and their runs say nothing of it."""
        ours = False
        for log in _logs_of(self.collection, day):
            if log.run or log.outcome:
                ours = True
                if known := self._of(log):
                    return known
        return None if ours else "digital-land"

    def _of(self, log: Log) -> ResourceRuleName | None:
        if not log.run:
            return rule_of_log(self.collection, log)
        if log.run not in self._of_runs:
            self._of_runs[log.run] = rule_of_log(self.collection, log)
        return self._of_runs[log.run]

    def goes_on_from(self, log: Log) -> bool:
        """Whether the resource of a log was kept by this rule: else a 304 would stand for bytes of another one."""
        return (self._of(log) or self.name) == self.name

    def kept(self, harvest: Harvest, plugin: str) -> Harvest:
        """The harvest with the bytes that are to be kept, in place of those that came.

        Raises:
            FailedError: `empty`: nothing is left of them.
            StorageError: the disk is full.
        """
        if self.name == "raw" or harvest.part is None:
            return harvest
        kept = None
        try:
            part = strip(harvest.part, _passes(harvest, plugin), self.collection.work)
            kept = harvest if part == harvest.part else _with(harvest, part)
        finally:
            if kept is not harvest:
                harvest.part.unlink(missing_ok=True)
        return kept


def _logs_of(collection: Collection, day: dt.date) -> Iterator[Log]:
    for path in log_paths(collection, day):
        try:
            if log := read_log(path):
                yield log
        except ValueError:
            continue
    yield from read_adopted(collection, day)[0]


def rule_of_log(collection: Collection, log: Log) -> ResourceRuleName | None:
    """By which rule the resource of a log was kept; None where the file of its run is lost.

    The run says it; runs from before there was a choice say it among their settings.
    """
    if not log.run:
        return "raw" if log.outcome else "digital-land"
    try:
        day = dt.date.fromisoformat(log.entry_date[:10])
    except ValueError:
        return None
    run: dict[str, Any] = read_run_file(collection, day, log.run)
    settings = run.get("settings")
    said = run.get("resource-rule") or (settings.get("resource-rule") if isinstance(settings, dict) else None)
    return "digital-land" if said == "digital-land" else "raw" if said == "raw" else None


def _passes(harvest: Harvest, plugin: str) -> tuple[Pass, ...]:
    """As digital-land decides it: by the header; for a WFS also by whether its encoding can be found.

    Its detector (cchardet, later charset-normalizer) finds one of any text; what is none are the formats of binary
    files, which would be damaged. A WFS in pages is no document of digital-land's.
    """
    if plugin not in {"", "wfs"} or harvest.tasks:
        return ()
    kind = harvest.answer.header("content-type").lower().replace(" ", "")
    by_header = IN_JSON_OR_XML if kind.startswith(STRIPPED_TYPES) else ()
    return (*by_header, *(IN_WFS if plugin == "wfs" and mime_type(harvest.start) in TEXTS else ()))


def _with(harvest: Harvest, part: Path) -> Harvest:
    with storage_errors(part), part.open("rb") as file:
        start = file.read(START)
    if not start:
        part.unlink()
        error = FailedError("empty", f"{harvest.answer.url}: nothing is left of what came after the time stamps are "
                            "taken out (resource-rule in collection.toml)")  # fmt: skip
        error.evidence = harvest.answer.evidence
        raise error
    return replace(harvest, part=part, sha256=sha256_of(part), size=part.stat().st_size, start=start)
